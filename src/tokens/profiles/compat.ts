/** Access tokens as most providers write them: a JWT that is not clearly something else. Refuses ID tokens. */
import type { JsonObject } from '../../credentials/credential.ts';
import type { IssuerPolicy } from '../../policy/sources.ts';
import { type ClaimFlaw, flaw, shorten } from '../claim-flaw.ts';
import type { TokenHeader } from '../parse-token.ts';
import { type Profile, plainProfile } from './profile.ts';

/** `profile: compat`. */
export const compat: Profile = { ...plainProfile, checkType };

function checkType({ typ }: TokenHeader, claims: JsonObject, issuer: IssuerPolicy): ClaimFlaw | null {
  if (typ === 'at+jwt') return null;
  if (typ !== null && typ !== 'jwt') return flaw('wrong_type', { expected: 'at+jwt', got: shorten(typ) });
  if (issuer.acceptIdTokens) return null;
  const marked = 'nonce' in claims || 'at_hash' in claims || 'c_hash' in claims;
  return marked || claims.token_use === 'id' || claims.typ === 'ID' ? flaw('id_token') : null;
}
