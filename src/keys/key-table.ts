/** The keys of one version of a set, arranged once so that a token's key is found by two map look-ups. */
import type { IssuerPolicy } from '../policy/sources.ts';
import type { VerificationKey } from './admit-key.ts';

export interface KeyTable {
  /** Every key once for each algorithm that it serves. */
  readonly keys: readonly VerificationKey[];
  /**
   * Keys to try: those of the key id, or, for a token without one (RFC 7517 appendix D), all that fit the algorithm.
   * At most `mostTried` that speak for the same issuer: of these, those of the token's tenant are tried.
   */
  find(kid: string | null, algorithm: string): readonly VerificationKey[];
  /** Whether more keys fit than are tried. */
  isCut(kid: string | null, algorithm: string): boolean;
  /** Algorithms with more keys than are tried for a token without a key id. */
  readonly cutAlgorithms: readonly string[];
  /** Whether any key bears that id, whatever its algorithm. */
  hasKid(kid: string): boolean;
  /** Key ids that several different keys share; all of them are tried. */
  readonly sharedKids: readonly string[];
}

/** More keys of a fetched set than this are not tried for one token: each costs a verification. */
export const MOST_TRIED = 4;
/** The same for a set that is small by the policy: one that stands in it, or has no more than so many `max_keys`. */
export const MOST_TRIED_OF_SMALL = 16;
const NONE: readonly VerificationKey[] = Object.freeze([]);

/** How many keys are tried for one token of an issuer. */
export function mostTriedOf({ keys, refresh }: Pick<IssuerPolicy, 'keys' | 'refresh'>): number {
  return keys.from === 'static' || refresh.maxKeys <= MOST_TRIED_OF_SMALL ? MOST_TRIED_OF_SMALL : MOST_TRIED;
}

/**
 * Arranges the keys.
 * @param anyKid the keys answer for every key id: the one secret of an issuer
 * @param mostTried as `mostTriedOf`
 */
export function buildKeyTable(
  keys: readonly VerificationKey[],
  anyKid = false,
  mostTried: number = MOST_TRIED,
): KeyTable {
  const cut = new Set<readonly VerificationKey[]>();
  const append = (map: Map<string, VerificationKey[]>, key: VerificationKey): number => {
    const list = map.get(key.algorithm) ?? [];
    map.set(key.algorithm, list);
    const rivals = list.filter(({ issuer }) => issuer === key.issuer);
    if (rivals.length < mostTried) return list.push(key);
    cut.add(list);
    return list.length + 1;
  };
  const byAlgorithm = new Map<string, VerificationKey[]>();
  const byKid = new Map<string, Map<string, VerificationKey[]>>();
  const shared = new Set<string>();
  for (const key of keys) {
    append(byAlgorithm, key);
    if (key.kid === null) continue;
    const sameKid = byKid.get(key.kid) ?? new Map<string, VerificationKey[]>();
    byKid.set(key.kid, sameKid);
    if (append(sameKid, key) > 1) shared.add(key.kid);
  }
  const fitting = (kid: string | null, algorithm: string): readonly VerificationKey[] =>
    (kid === null || anyKid ? byAlgorithm : byKid.get(kid))?.get(algorithm) ?? NONE;
  return {
    keys,
    find: fitting,
    isCut: (kid, algorithm) => cut.has(fitting(kid, algorithm)),
    cutAlgorithms: [...byAlgorithm].flatMap(([name, list]) => (cut.has(list) ? [name] : [])),
    hasKid: (kid) => anyKid || byKid.has(kid),
    sharedKids: [...shared],
  };
}

/** What a newer version of the set no longer has: tokens verified by these are no good any more. */
export function withdrawnKeys(before: KeyTable, now: KeyTable): readonly VerificationKey[] {
  const kept = new Set(now.keys.map((key) => key.fingerprint));
  return before.keys.filter((key) => !kept.has(key.fingerprint));
}
