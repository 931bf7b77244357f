/** The keys of one version of a set, arranged once so that a token's key is found by two map look-ups. */
import type { VerificationKey } from './admit-key.ts';

export interface KeyTable {
  /** Every key once for each algorithm that it serves. */
  readonly keys: readonly VerificationKey[];
  /**
   * Keys to try: those of the key id, or, for a token without one (RFC 7517 appendix D), all that fit the algorithm.
   * At most MOST_TRIED that speak for the same issuer: whoever tries them takes those of the token's tenant.
   */
  find(kid: string | null, algorithm: string): readonly VerificationKey[];
  /** Whether any key bears that id, whatever its algorithm. */
  hasKid(kid: string): boolean;
  /** Key ids that several different keys share; all of them are tried. */
  readonly sharedKids: readonly string[];
}

/** More keys than this are not tried for one token: each costs a verification. */
export const MOST_TRIED = 4;
const NONE: readonly VerificationKey[] = Object.freeze([]);

/**
 * Arranges the keys.
 * @param anyKid the keys answer for every key id: the one secret of an issuer
 */
export function buildKeyTable(keys: readonly VerificationKey[], anyKid = false): KeyTable {
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
  return {
    keys,
    find: (kid, algorithm) => {
      const candidates = kid === null || anyKid ? byAlgorithm : byKid.get(kid);
      return candidates?.get(algorithm) ?? NONE;
    },
    hasKid: (kid) => anyKid || byKid.has(kid),
    sharedKids: [...shared],
  };
}

/** What a newer version of the set no longer has: tokens verified by these are no good any more. */
export function withdrawnKeys(before: KeyTable, now: KeyTable): readonly VerificationKey[] {
  const kept = new Set(now.keys.map((key) => key.fingerprint));
  return before.keys.filter((key) => !kept.has(key.fingerprint));
}

/** Appends within the bound; returns how many there are, the one that did not fit included. */
function append(map: Map<string, VerificationKey[]>, key: VerificationKey): number {
  const list = map.get(key.algorithm);
  if (list === undefined) {
    map.set(key.algorithm, [key]);
    return 1;
  }
  const rivals = list.filter(({ issuer }) => issuer === key.issuer);
  if (rivals.length < MOST_TRIED) list.push(key);
  return list.length + 1;
}
