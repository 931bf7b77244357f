/**
 * Chooses the issuer entry that judges a token, by what the token says of itself before anything of it is verified.
 * Compares code point by code point (RFC 9068 section 4, RFC 8725 section 3.8): nothing is folded, cut or resolved.
 * Touches no key and verifies nothing.
 */
import type { IssuerPolicy } from '../policy/sources.ts';
import type { RefusalDetail } from '../refusals/refusal.ts';
import { indexOtherPlaces } from './choose-otherwise.ts';
import { shorten } from './claim-flaw.ts';
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
  const otherPlaces = indexOtherPlaces(entries);
  for (const entry of entries) {
    // A trust domain is in `sub`: no `iss` stands for it.
    if (entry.policy.profile === 'spiffe') continue;
    for (const name of entry.policy.issuers) byIssuer.set(name, [...(byIssuer.get(name) ?? []), entry]);
  }
  // Once: a stranger's token must not cost more the more issuers there are.
  const known = shorten([...new Set(entries.flatMap(({ policy }) => policy.issuers))].join(' '));
  return {
    choose: (token) => {
      const { iss } = token.claims;
      const named = typeof iss === 'string' ? byIssuer.get(iss) : undefined;
      const candidates = named ?? otherPlaces.find(token);
      if (candidates !== null) return chooseByAlgorithm(token.header.alg, candidates);
      const domain = otherPlaces.unknownTrustDomain(token);
      return domain === null ? unknownIssuer(iss, known) : unknownTrustDomain(domain, known);
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

function unknownTrustDomain(domain: string, expected: string): Choice<never> {
  return { ok: false, reason: 'unknown_trust_domain', detail: { expected, got: domain } };
}
