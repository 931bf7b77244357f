/**
 * `refresh.cache_file` of issuers: where each keeps its last good keys. Refuses a file of several issuers, one that the
 * policy is read from, which the first good fetch would overwrite, and one where no set of keys is fetched.
 */
import { dirname, resolve } from 'node:path';
import type { IssuerPolicy, KeySource } from '../sources.ts';
import type { CompileContext } from './context.ts';

/**
 * The same issuers with absolute names, relative ones counted from the policy file.
 * @param files absolute names of everything that was read, the policy file first
 */
export function placeCacheFiles(
  issuers: readonly IssuerPolicy[],
  files: readonly string[],
  context: CompileContext,
): readonly IssuerPolicy[] {
  const directory = dirname(files[0] ?? '');
  const owners = new Map<string, string>();
  const taken = new Set([...files, ...issuers.map(({ bearerTokenFile }) => bearerTokenFile)]);
  return issuers.map((issuer) => {
    const { name, refresh, keys } = issuer;
    if (refresh.cacheFile === null) return issuer;
    const cacheFile = resolve(directory, refresh.cacheFile);
    const owner = owners.get(cacheFile);
    owners.set(cacheFile, owner ?? name);
    const flaw = taken.has(cacheFile) ? TAKEN : (sharedWith(owner) ?? uselessFor(keys));
    if (flaw !== null) context.problems.report(['issuers', name, 'refresh', 'cache_file'], ...flaw);
    return { ...issuer, refresh: { ...refresh, cacheFile } };
  });
}

type Flaw = readonly [code: string, message: string];

const TAKEN: Flaw = [
  'cache_file_taken',
  'is a file that the policy is read from, and would be overwritten; write a name of its own',
];

function sharedWith(owner: string | undefined): Flaw | null {
  if (owner === undefined) return null;
  return ['cache_file_shared', `is that of issuer "${owner}" already; write a file for each`];
}

function uselessFor({ from }: KeySource): Flaw | null {
  if (from === 'discovery' || from === 'url') return null;
  const message =
    from === 'each'
      ? 'has no effect: the keys of key_uri are fetched one by one, as tokens name them; remove it'
      : 'has no effect: the keys are in the policy and nothing is fetched; remove it';
  return ['no_effect', message];
}
