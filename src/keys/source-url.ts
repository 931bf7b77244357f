/** Where the keys of an issuer are asked for first, as the policy has it: what its proxy and its credential are for. Pure. */
import type { KeySource } from '../policy/sources.ts';

/**
 * The address, of a source of single keys that with its placeholder; null where nothing is fetched.
 * @param first issuer of the entry, from which keys are discovered when no address is written
 */
export function sourceUrl(keys: KeySource, first: string | undefined): URL | null {
  const text = addressOf(keys) ?? first;
  if (keys.from === 'static' || keys.from === 'secret' || text === undefined) return null;
  return URL.canParse(text) ? new URL(text) : null;
}

function addressOf(keys: KeySource): string | null {
  if (keys.from === 'each') return keys.template;
  return 'url' in keys ? keys.url : null;
}
