/**
 * For which issuers each place of a token is read where a route accepts some of them, and whether padding is taken
 * there: load balancers write it, and nobody else may.
 */
import type { AcceptPolicy, TokenSource } from '../policy.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { CompileContext } from './context.ts';

/**
 * A place is read only for issuers that count here; one that is left without any is not looked at.
 * @param balancers issuers whose tokens are padded
 */
export function restrictSource(
  source: TokenSource,
  accepted: readonly string[],
  balancers: readonly string[],
): readonly TokenSource[] {
  const remaining =
    source.issuers === null ? accepted : source.issuers.filter((name) => accepted.includes(name));
  if (remaining.length === 0) return [];
  const restricted = source.issuers === null ? source : { ...source, issuers: remaining };
  const isPadded = source.in === 'header' && remaining.every((name) => balancers.includes(name));
  return [isPadded ? { ...source, issuers: remaining, padded: true } : restricted];
}

/** Reports load balancers that are read only in headers which others share: their tokens could never be read there. */
export function checkPadding(
  { issuers, tokenSources }: Pick<AcceptPolicy, 'issuers' | 'tokenSources'>,
  balancers: readonly string[],
  path: ConfigurationPath,
  context: CompileContext,
): void {
  for (const name of issuers) {
    if (!balancers.includes(name)) continue;
    const headers = tokenSources
      .filter((source) => source.in === 'header')
      .filter((source) => source.issuers === null || source.issuers.includes(name));
    if (headers.length === 0 || headers.some((source) => source.padded)) continue;
    const listed = headers.map((source) => source.name).join(', ');
    const message = `reads ${listed} for ${name} and for others, and the padding that load balancers write is taken only where nobody else is read; write token_sources: [{header: NAME, issuers: [${name}]}] beside them`;
    context.problems.report(path, 'padded_among_others', message);
  }
}
