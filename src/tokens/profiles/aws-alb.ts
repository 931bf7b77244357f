/**
 * What an AWS Application Load Balancer says of the user that it logged in (`X-Amzn-Oidc-Data`): the claims of the
 * user are the payload, while issuer, client and expiry stand in the JOSE header, which is signed too. Refuses a
 * payload that says one of these otherwise: claims of a user come from what users may write about themselves.
 */
import type { JsonObject, JsonValue } from '../../credentials/credential.ts';
import { type ClaimFlaw, flaw } from '../claim-flaw.ts';
import type { TokenHeader } from '../parse-token.ts';
import { checkOneOf, type Profile, plainProfile } from './profile.ts';

/** `profile: aws_alb`. */
export const awsAlb: Profile = {
  ...plainProfile,
  claimsOf: ({ members }, payload) => withHeaderClaims(members, payload),
  checkType: ({ typ }) => checkOneOf(typ, ['jwt']),
  checkClaims: (header, claims) => checkAgreement(header, claims),
};

/** Claims that the load balancer writes into the JOSE header (RFC 7519 section 5.3). */
const HEADER_CLAIMS = ['iss', 'client', 'exp'] as const;

/** Frozen and without a prototype, as all claims. */
function withHeaderClaims(members: JsonObject, payload: JsonObject): JsonObject {
  const claims: Record<string, JsonValue> = Object.assign(Object.create(null), payload);
  for (const name of HEADER_CLAIMS) {
    const value = members[name];
    if (claims[name] === undefined && value !== undefined) claims[name] = value;
  }
  return Object.freeze(claims);
}

function checkAgreement({ members }: TokenHeader, claims: JsonObject): ClaimFlaw | null {
  for (const name of HEADER_CLAIMS) {
    if (members[name] !== undefined && members[name] !== claims[name]) {
      return flaw('header_contradicts', { expected: name });
    }
  }
  return null;
}
