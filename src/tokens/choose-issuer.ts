/**
 * Chooses the issuer entry that judges a token, by what the token says of itself before anything of it is verified.
 * Compares code point by code point (RFC 9068 section 4, RFC 8725 section 3.8): nothing is folded, cut or resolved.
 * Touches no key and verifies nothing.
 */

import { slashTwin } from '../keys/slash-twin.ts';
import type { IssuerPolicy } from '../policy/sources.ts';
import type { RefusalDetail } from '../refusals/refusal.ts';
import { indexOtherPlaces } from './choose-otherwise.ts';
import { shorten } from './claim-flaw.ts';
import { type IndexedEntry, indexIssuers } from './issuer-index.ts';
import type { ParsedToken } from './parse-token.ts';

/** Whatever stands for an issuer entry. */
export interface Choosable {
  readonly policy: IssuerPolicy;
}

/** Who judges a token, or why nobody does. */
export type Choice<Entry extends Choosable> =
  /** `tenant`: of an entry that speaks for many, the one that the token's `iss` names; null of any other. */
  | { readonly ok: true; readonly entry: Entry; readonly tenant: string | null }
  | { readonly ok: false; readonly reason: string; readonly detail: RefusalDetail };

/** What the choice looks at. */
export type ChoosableToken = Pick<ParsedToken, 'header' | 'claims'>;

export interface IssuerChooser<Entry extends Choosable> {
  choose(token: ChoosableToken): Choice<Entry>;
}

/** Indexes the entries once. */
export function createIssuerChooser<Entry extends Choosable>(
  entries: readonly Entry[],
): IssuerChooser<Entry> {
  const named = indexIssuers(entries);
  const otherPlaces = indexOtherPlaces(entries);
  const names = entries.flatMap(({ policy: { issuers, tenants } }) =>
    tenants?.anyOf === null ? tenants.templates : issuers,
  );
  // Once: a stranger's token must not cost more the more issuers there are.
  const known = shorten([...new Set(names)].join(' '));
  return {
    choose: (token) => {
      const { alg } = token.header;
      const { iss } = token.claims;
      const byIssuer = typeof iss === 'string' ? named(iss) : [];
      if (typeof iss === 'string' && byIssuer.length > 0) return chooseByAlgorithm(alg, byIssuer, iss);
      const elsewhere = otherPlaces.find(token);
      if (elsewhere !== null) {
        return chooseByAlgorithm(
          alg,
          elsewhere.map((entry) => ({ entry, findTenant: null })),
          '',
        );
      }
      if (typeof iss === 'string' && named(slashTwin(iss)).length > 0) return differsBySlash(iss);
      const domain = otherPlaces.unknownTrustDomain(token);
      return domain === null ? unknownIssuer(iss, known) : unknownTrustDomain(domain, known);
    },
  };
}

/** Two entries of one issuer have disjoint algorithms, so that at most one fits. */
function chooseByAlgorithm<Entry extends Choosable>(
  alg: string,
  candidates: readonly IndexedEntry<Entry>[],
  iss: string,
): Choice<Entry> {
  const chosen = candidates.find(({ entry }) => entry.policy.algorithms.includes(alg));
  if (chosen !== undefined) {
    return { ok: true, entry: chosen.entry, tenant: chosen.findTenant?.(iss) ?? null };
  }
  const expected = candidates.flatMap(({ entry }) => entry.policy.algorithms).join(' ');
  // Entries of one issuer differ in their algorithms: which of them was meant stays open.
  const source = candidates.map(({ entry }) => entry.policy.name).join(' ');
  return { ok: false, reason: 'algorithm_not_allowed', detail: { source, expected, got: shorten(alg) } };
}

function unknownIssuer(iss: unknown, expected: string): Choice<never> {
  if (typeof iss !== 'string') return { ok: false, reason: 'issuer_missing', detail: { expected } };
  return { ok: false, reason: 'unknown_issuer', detail: { expected, got: shorten(iss) } };
}

function unknownTrustDomain(domain: string, expected: string): Choice<never> {
  return { ok: false, reason: 'unknown_trust_domain', detail: { expected, got: domain } };
}

/** Refused like any other, since both may be issuers (RFC 9068 section 4); yet mostly one of them is a slip. */
function differsBySlash(iss: string): Choice<never> {
  const detail = { expected: shorten(slashTwin(iss)), got: shorten(iss) };
  return { ok: false, reason: 'issuer_differs_by_slash', detail };
}
