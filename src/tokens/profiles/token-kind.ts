/**
 * Tells tokens of another kind from access tokens by their claims, where the JOSE header does not say it: ID tokens,
 * refresh tokens, logout tokens. First by what a token says of itself, then by claims that no access token has, last by
 * claims of ID tokens without any claim of access tokens. Pure.
 */
import type { JsonObject, JsonValue } from '../../credentials/credential.ts';
import { type ClaimFlaw, flaw } from '../claim-flaw.ts';
import { readAudiences } from '../read-claims.ts';
import { isJsonObject } from '../strict-json.ts';

/** Its assertions name the back end in `azp` and `aud`. */
const GOOGLE_IAP = 'https://cloud.google.com/iap';

/** Claims in which providers write what a token is: Cognito, Casdoor, Keycloak, FusionAuth, Descope and others. */
const KIND_CLAIMS = ['token_use', 'token_type', 'tokenType', 'typ', 'type', 'tty', 'use', 'drn'];

/** Values of these, in lower case with `-` between words. */
const REFRESH_KIND = /(?:^|-)(?:refresh|refreshtoken|offline|rt|dsr)(?:-|$)/;
const ID_KIND = /^(?:id|idt|serialized-id|identity|(?:.*-)?(?:id|identity)-?token|id-jwt)$/;
const OTHER_KIND =
  /(?:^|-)(?:logout|secevent|introspection|initial|registration)(?:-|$)|(?:^|-)(?:reset|verify|update)-(?:credentials|password|email)$|^execute-actions$|^(?:password|email)-(?:reset|verification)$/;
const ACCESS_KIND = /(?:^|-)(?:access|accesstoken|at|bearer|dpop)(?:-|$)/;

/** Refresh tokens: `ati` names their access token (Spring Security OAuth), `granted_scopes` what they may become (UAA). */
const REFRESH_CLAIMS = ['ati', 'granted_scopes'];

/** Claims of ID tokens alone: OpenID Connect Core, FAPI, CIBA, self-issued. */
const ID_CLAIMS = [
  'nonce',
  'at_hash',
  'c_hash',
  's_hash',
  'sub_jwk',
  'urn:openid:params:jwt:claim:rt_hash',
  'urn:openid:params:jwt:claim:auth_req_id',
];

/** Claims that providers write into access tokens to say what these allow, or how they were granted. */
const ACCESS_CLAIMS = [
  'scope',
  'scp',
  'permissions',
  'authorization_details',
  'gty',
  'azpacr',
  'appidacr',
  'realm_access',
  'resource_access',
  'authenticationType',
];

/** The client of an access token; some ID tokens have it too. */
const CLIENT_CLAIMS = ['client_id', 'cid', 'appid'];

/** The claim that marks an ID token, whatever else it holds; undefined without one. */
export function markOfIdToken(claims: JsonObject): string | undefined {
  const mark = ID_CLAIMS.find((name) => name in claims);
  return mark ?? KIND_CLAIMS.find((name) => ID_KIND.test(kindOf(claims[name]) ?? ''));
}

/** Refuses what says that it is no access token, and, unless accepted, what looks like an ID token. Names the claim, never its value. */
export function checkTokenKind(claims: JsonObject, acceptIdTokens: boolean): ClaimFlaw | null {
  for (const name of KIND_CLAIMS) {
    const kind = kindOf(claims[name]) ?? '';
    if (REFRESH_KIND.test(kind)) return flaw('refresh_token', { got: name });
    if (OTHER_KIND.test(kind)) return flaw('other_token', { got: name });
  }
  const refresh = REFRESH_CLAIMS.find((name) => name in claims);
  if (refresh !== undefined) return flaw('refresh_token', { got: refresh });
  // Logout tokens and security events (RFC 8417 section 2.2).
  if (isJsonObject(claims.events)) return flaw('other_token', { got: 'events' });
  if ('token_introspection' in claims) return flaw('other_token', { got: 'token_introspection' });
  const sign = acceptIdTokens ? undefined : signOfLogin(claims);
  return sign === undefined ? null : flaw('id_token', { got: sign });
}

/** A claim of ID tokens where no claim of access tokens is. */
function signOfLogin(claims: JsonObject): string | undefined {
  if (isOfEntra(claims)) return 'azp' in claims || 'appid' in claims ? undefined : 'tid';
  if (saysAccess(claims)) return undefined;
  if ('auth_time' in claims && 'azp' in claims) return 'auth_time';
  if (CLIENT_CLAIMS.some((name) => name in claims)) return undefined;
  return ['auth_time', 'acr'].find((name) => name in claims) ?? signOfAudience(claims);
}

/** Tokens of sessions (Clerk, WorkOS) have `sid` and no audience; access tokens of ZITADEL are for their own client, and have `nbf`. */
function signOfAudience(claims: JsonObject): string | undefined {
  if ('sid' in claims && 'aud' in claims) return 'sid';
  return isForItsClient(claims) && !('nbf' in claims) ? 'azp' : undefined;
}

/** Microsoft Entra: its access tokens always name the client, even where they allow nothing; its ID tokens never do. */
function isOfEntra({ tid, ver }: JsonObject): boolean {
  return typeof tid === 'string' && (ver === '1.0' || ver === '2.0');
}

function saysAccess(claims: JsonObject): boolean {
  return (
    ACCESS_CLAIMS.some((name) => name in claims) ||
    KIND_CLAIMS.some((name) => ACCESS_KIND.test(kindOf(claims[name]) ?? '')) ||
    // Authentik: `uid` is in its access tokens only, which are else its ID tokens.
    ('uid' in claims && typeof claims.acr === 'string' && claims.acr.startsWith('goauthentik.io/'))
  );
}

function isForItsClient({ iss, azp, aud }: JsonObject): boolean {
  if (iss === GOOGLE_IAP) return false;
  return typeof azp === 'string' && (readAudiences(aud)?.includes(azp) ?? false);
}

/** `tokenType`, `token_type` and `Token Type` alike; null where it is no text. Bounded, since it is not verified yet. */
function kindOf(value: JsonValue | undefined): string | null {
  if (typeof value !== 'string' || value.length > 100) return null;
  return value
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
}
