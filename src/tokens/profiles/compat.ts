/** Access tokens as most providers write them: a JWT that is not clearly something else (`token-kind.ts`). */
import type { JsonObject } from '../../credentials/credential.ts';
import type { IssuerPolicy } from '../../policy/sources.ts';
import { type ClaimFlaw, flaw, shorten } from '../claim-flaw.ts';
import type { TokenHeader } from '../parse-token.ts';
import { type Profile, plainProfile } from './profile.ts';
import { checkTokenKind, markOfIdToken } from './token-kind.ts';

/** `profile: compat`. */
export const compat: Profile = {
  ...plainProfile,
  checkType,
  checkKind: ({ typ }, claims, issuer) => checkTokenKind(claims, acceptsAsId(typ, issuer)),
};

function checkType({ typ }: TokenHeader, claims: JsonObject, issuer: IssuerPolicy): ClaimFlaw | null {
  if (typ !== null && typ !== 'jwt' && typ !== 'at+jwt') {
    return flaw('wrong_type', { expected: 'at+jwt', got: shorten(typ) });
  }
  const mark = acceptsAsId(typ, issuer) ? undefined : markOfIdToken(claims);
  return mark === undefined ? null : flaw('id_token', { got: mark });
}

/** `at+jwt` says what it is (RFC 9068 section 2.1), so that claims of ID tokens count for nothing. */
function acceptsAsId(typ: string | null, issuer: IssuerPolicy): boolean {
  return issuer.acceptIdTokens || typ === 'at+jwt';
}
