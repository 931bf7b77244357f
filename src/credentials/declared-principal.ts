/** Who a credential makes its caller where the policy itself says so: keys and users, which carry no claims. */
import type { ApiKeyPolicy, UserPolicy } from '../policy/sources.ts';
import type { CredentialKindName, JsonObject, Principal } from './credential.ts';

const NO_CLAIMS: JsonObject = Object.freeze(Object.create(null));

/**
 * Frozen. Its issuer is the name of the set or list, so that subject and issuer never collide with a token's.
 * @param expiresAt epoch seconds; Infinity when it never ends
 */
export function declaredPrincipal(
  kind: CredentialKindName,
  source: string,
  declared: Pick<ApiKeyPolicy | UserPolicy, 'subject' | 'scopes' | 'roles'>,
  expiresAt: number,
): Principal {
  return Object.freeze({
    source,
    kind,
    subject: declared.subject,
    issuer: source,
    client: null,
    scopes: Object.freeze([...new Set(declared.scopes)]),
    roles: Object.freeze([...new Set(declared.roles)]),
    claims: NO_CLAIMS,
    audiences: Object.freeze([]),
    expiresAt,
    kid: null,
  });
}
