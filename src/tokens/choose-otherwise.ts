/**
 * Finds the issuer entries for tokens that say elsewhere than in the payload's `iss` whose they are: SPIFFE by the trust
 * domain of `sub` (SPIFFE Bundle section 3), AWS load balancers by `iss` in the JOSE header. Never asked for a token
 * whose `iss` names an entry, and never answers with an entry of another profile.
 */
import type { IssuerPolicy } from '../policy/sources.ts';
import type { ParsedToken } from './parse-token.ts';
import { trustDomainOf } from './profiles/spiffe-id.ts';

/** Null when no entry fits. */
export interface OtherPlaces<Entry> {
  find(token: Pick<ParsedToken, 'header' | 'claims'>): readonly Entry[] | null;
  /** The trust domain that a token names in vain, for the log; null when none was looked for or named. */
  unknownTrustDomain(token: Pick<ParsedToken, 'claims'>): string | null;
}

/** Indexes the entries of the profiles concerned once; others are not in it. */
export function indexOtherPlaces<Entry extends { readonly policy: IssuerPolicy }>(
  entries: readonly Entry[],
): OtherPlaces<Entry> {
  const byTrustDomain = indexBy(entries, 'spiffe');
  const byHeader = indexBy(entries, 'aws_alb');
  return {
    find: ({ header, claims }) => {
      const { iss, sub } = claims;
      if (iss === undefined) {
        const named = header.members.iss;
        const found = typeof named === 'string' ? byHeader.get(named) : undefined;
        if (found !== undefined) return found;
      } else if (typeof iss !== 'string') {
        return null;
      }
      if (byTrustDomain.size === 0 || typeof sub !== 'string') return null;
      return byTrustDomain.get(trustDomainOf(sub) ?? '') ?? null;
    },
    unknownTrustDomain: ({ claims: { iss, sub } }) => {
      if (byTrustDomain.size === 0 || (iss !== undefined && typeof iss !== 'string')) return null;
      return typeof sub === 'string' ? trustDomainOf(sub) : null;
    },
  };
}

/** Entries of one profile by each of their issuers. */
function indexBy<Entry extends { readonly policy: IssuerPolicy }>(
  entries: readonly Entry[],
  profile: IssuerPolicy['profile'],
): ReadonlyMap<string, readonly Entry[]> {
  const index = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (entry.policy.profile !== profile) continue;
    for (const name of entry.policy.issuers) index.set(name, [...(index.get(name) ?? []), entry]);
  }
  return index;
}
