/**
 * JWT-SVIDs (SPIFFE JWT-SVID sections 2.3 and 3). `iss` counts for nothing: the trust domain of `sub` says whose
 * bundle judges it. Refuses other kinds of token of the same authority, WIT-SVIDs among them, which need proof of a key.
 */
import type { JsonObject } from '../../credentials/credential.ts';
import type { IssuerPolicy } from '../../policy/sources.ts';
import { type ClaimFlaw, flaw } from '../claim-flaw.ts';
import { checkOneOf, type Profile, plainProfile } from './profile.ts';
import { trustDomainOf } from './spiffe-id.ts';

/** `profile: spiffe`. */
export const spiffe: Profile = {
  ...plainProfile,
  checkType: ({ typ }) => checkOneOf(typ, ['jwt', 'jose']),
  checkClaims: (_, claims, issuer) => checkSubject(claims, issuer),
  issuerOf: (_, issuer) => issuer.issuers[0] ?? '',
};

function checkSubject({ sub }: JsonObject, { issuers }: IssuerPolicy): ClaimFlaw | null {
  if (sub === undefined) return flaw('subject_missing', { expected: 'sub' });
  const domain = typeof sub === 'string' ? trustDomainOf(sub) : null;
  if (domain === null) return flaw('spiffe_id_malformed', { expected: 'a SPIFFE ID in sub' });
  return issuers.includes(domain)
    ? null
    : flaw('unknown_trust_domain', { expected: issuers.join(' '), got: domain });
}
