/**
 * Chooses the issuer entry that judges a token, by what the token says of itself before anything of it is verified.
 * Compares code point by code point (RFC 9068 section 4, RFC 8725 section 3.8): nothing is folded, cut or resolved.
 * Touches no key and verifies nothing.
 */
import type { IssuerPolicy } from '../policy/sources.ts';
import type { RefusalDetail } from '../refusals/refusal.ts';
import { shorten } from './check-claims.ts';
import type { ParsedToken } from './parse-token.ts';

/** Whatever stands for an issuer entry. */
export interface Choosable {
  readonly policy: IssuerPolicy;
}

/** Who judges a token, or why nobody does. */
export type Choice<Entry extends Choosable> =
  | { readonly ok: true; readonly entry: Entry }
  | { readonly ok: false; readonly reason: string; readonly detail: RefusalDetail };

/** What the choice looks at. */
export type ChoosableToken = Pick<ParsedToken, 'header' | 'claims'>;

export interface IssuerChooser<Entry extends Choosable> {
  choose(token: ChoosableToken): Choice<Entry>;
}

/** Indexes the entries once; `choose` then costs a map look-up. */
export function createIssuerChooser<Entry extends Choosable>(
  entries: readonly Entry[],
): IssuerChooser<Entry> {
  const byIssuer = new Map<string, Entry[]>();
  for (const entry of entries) {
    for (const name of entry.policy.issuers) byIssuer.set(name, [...(byIssuer.get(name) ?? []), entry]);
  }
  // Once: a stranger's token must not cost more the more issuers there are.
  const known = shorten([...byIssuer.keys()].join(' '));
  return {
    choose: (token) => {
      const { iss } = token.claims;
      const candidates = typeof iss === 'string' ? byIssuer.get(iss) : undefined;
      return candidates === undefined
        ? unknownIssuer(iss, known)
        : chooseByAlgorithm(token.header.alg, candidates);
    },
  };
}

/** Two entries of one issuer have disjoint algorithms, so that at most one fits. */
function chooseByAlgorithm<Entry extends Choosable>(
  alg: string,
  candidates: readonly Entry[],
): Choice<Entry> {
  const entry = candidates.find(({ policy }) => policy.algorithms.includes(alg));
  if (entry !== undefined) return { ok: true, entry };
  const expected = candidates.flatMap(({ policy }) => policy.algorithms).join(' ');
  // Entries of one issuer differ in their algorithms: which of them was meant stays open.
  const source = candidates.map(({ policy }) => policy.name).join(' ');
  return { ok: false, reason: 'algorithm_not_allowed', detail: { source, expected, got: shorten(alg) } };
}

function unknownIssuer(iss: unknown, expected: string): Choice<never> {
  if (typeof iss !== 'string') return { ok: false, reason: 'issuer_missing', detail: { expected } };
  return { ok: false, reason: 'unknown_issuer', detail: { expected, got: shorten(iss) } };
}
