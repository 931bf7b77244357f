/** Access tokens that keep to RFC 9068. Refuses every other JWT, whatever it holds. */
import type { JsonObject } from '../../credentials/credential.ts';
import { type ClaimFlaw, flaw, shorten } from '../claim-flaw.ts';
import { readText } from '../read-claims.ts';
import { type Profile, plainProfile } from './profile.ts';

/** `profile: rfc9068`. */
export const rfc9068: Profile = {
  ...plainProfile,
  checkType: ({ typ }) =>
    typ === 'at+jwt' ? null : flaw('wrong_type', { expected: 'at+jwt', got: shorten(typ ?? '') }),
  checkClaims: (_, claims) => checkPresent(claims),
};

/** What RFC 9068 section 2.2 requires besides iss, exp and aud. */
function checkPresent(claims: JsonObject): ClaimFlaw | null {
  if (claims.iat === undefined) return flaw('issued_at_missing');
  for (const name of ['sub', 'client_id', 'jti']) {
    if (readText(claims[name]) === null) return flaw('claim_missing', { expected: name });
  }
  return null;
}
