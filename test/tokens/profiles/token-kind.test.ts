/** Shapes of tokens as providers publish them: access tokens pass under `profile: compat`, tokens of other kinds do not. */
import t from 'tap';
import type { JsonObject } from '../../../src/credentials/credential.ts';
import { compat } from '../../../src/tokens/profiles/compat.ts';
import { issuerPolicy } from '../../fixtures/issuer-policy.ts';

const TIMES = { iat: 1_800_000_000, exp: 1_800_003_600 };
const CLIENT = '3c2b1a00-9f8e-4d7c-8b6a-5f4e3d2c1b0a';
const BASE = { iss: 'https://issuer.test', sub: 'alice', aud: CLIENT, ...TIMES };
const ENTRA = { ...BASE, oid: 'o', tid: '72f988bf-86f1-41af-91ab-2d7cd011db47', uti: 'u', rh: 'r' };
const CASDOOR = { ...BASE, aud: [CLIENT], azp: CLIENT, owner: 'shop', name: 'alice', type: 'normal-user' };
const LOGIN = { auth_time: 1_799_999_000 };

const access: Readonly<Record<string, JsonObject>> = {
  'Auth0 without scopes': { ...BASE, aud: 'https://api.test', azp: CLIENT },
  'Auth0 of a machine': { ...BASE, sub: `${CLIENT}@clients`, azp: CLIENT, gty: 'client-credentials' },
  Authentik: { ...BASE, ...LOGIN, acr: 'goauthentik.io/providers/oauth2/default', azp: CLIENT, uid: 'u' },
  Casdoor: { ...CASDOOR, tokenType: 'access-token', scope: 'openid', jti: 'admin/1' },
  'Clerk session': { iss: 'https://clerk.test', sub: 'u', azp: 'https://app.test', sid: 's', ...TIMES },
  'Cloudflare Access': { ...BASE, aud: ['x'], type: 'app', identity_nonce: 'n', country: 'DE' },
  Cognito: {
    iss: 'https://c.test',
    sub: 'u',
    ...TIMES,
    ...LOGIN,
    client_id: CLIENT,
    token_use: 'access',
    scope: 'a',
  },
  Duende: { ...BASE, ...LOGIN, client_id: CLIENT, idp: 'local', amr: ['pwd'], sid: 's', scope: ['a'] },
  'Entra v1': { ...ENTRA, ver: '1.0', appid: CLIENT, appidacr: '1', acr: '1', amr: ['pwd'] },
  'Entra v2': { ...ENTRA, ver: '2.0', azp: CLIENT, azpacr: '1', scp: 'a', sid: 's' },
  'Entra v2 of an application without roles': { ...ENTRA, ver: '2.0', azp: CLIENT, azpacr: '1' },
  'FusionAuth of the login API': {
    ...BASE,
    ...LOGIN,
    authenticationType: 'PASSWORD',
    applicationId: CLIENT,
    roles: [],
    tid: 't',
  },
  'FusionAuth of OAuth': {
    ...BASE,
    ...LOGIN,
    sid: 's',
    tty: 'at',
    gty: ['authorization_code'],
    scope: 'openid',
  },
  'Google IAP': { ...BASE, iss: 'https://cloud.google.com/iap', azp: '/projects/1', aud: '/projects/1' },
  'GitHub Actions': { ...BASE, repository: 'a/b', ref: 'refs/heads/main', jti: 'j' },
  'GitLab CI': { ...BASE, project_path: 'a/b', ref_type: 'branch', jti: 'j' },
  Hydra: { ...BASE, aud: [], client_id: CLIENT, ext: {}, scp: [], nbf: 1, jti: 'j' },
  Keycloak: { ...BASE, typ: 'Bearer', azp: CLIENT, sid: 's', acr: '1', auth_time: 1, scope: 'email' },
  'Keycloak, lightweight': { ...BASE, typ: 'Bearer', azp: CLIENT, sid: 's', auth_time: 1 },
  Okta: { ...BASE, ...LOGIN, ver: 1, jti: 'AT.x', cid: CLIENT, uid: 'u', scp: ['a'] },
  'Okta of a machine': { ...BASE, ver: 1, jti: 'AT.x', cid: CLIENT },
  PingOne: { ...BASE, client_id: CLIENT, env: 'e', org: 'o', sid: 's', scope: 'a' },
  'Spring Authorization Server': { ...BASE, aud: [CLIENT], nbf: 1, jti: 'j', scope: ['a'] },
  'Spring Authorization Server without scopes': { ...BASE, aud: [CLIENT], nbf: 1, jti: 'j' },
  Supabase: { ...BASE, amr: [{ method: 'password' }], aal: 'aal1', session_id: 's', role: 'authenticated' },
  'SimpleJWT of Django': { ...BASE, token_type: 'access', jti: 'j', user_id: 1 },
  UAA: {
    ...BASE,
    scope: ['a'],
    client_id: CLIENT,
    cid: CLIENT,
    azp: CLIENT,
    grant_type: 'password',
    ...LOGIN,
  },
  WorkOS: { iss: 'https://api.workos.com', sub: 'u', sid: 's', org_id: 'o', jti: 'j', ...TIMES },
  ZITADEL: { ...BASE, aud: [CLIENT, '1'], client_id: CLIENT, nbf: 1, jti: 'V2_1-at_2' },
  'ZITADEL with azp': { ...BASE, aud: [CLIENT, '1'], azp: CLIENT, nbf: 1, jti: 'V2_1-at_2' },
  'a plain one': { ...BASE },
};

const others: readonly (readonly [name: string, reason: string, sign: string, claims: JsonObject])[] = [
  [
    'Spring Authorization Server',
    'id_token',
    'auth_time',
    { ...BASE, azp: CLIENT, ...LOGIN, jti: 'j', sid: 's' },
  ],
  [
    'Spring Authorization Server, no session',
    'id_token',
    'azp',
    { ...BASE, aud: [CLIENT], azp: CLIENT, jti: 'j' },
  ],
  ['Auth0', 'id_token', 'sid', { ...BASE, sid: 's', nickname: 'a', updated_at: '2026-01-01' }],
  ['Apple', 'id_token', 'auth_time', { ...BASE, ...LOGIN, nonce_supported: true, email: 'a@b.test' }],
  ['Azure AD B2C', 'id_token', 'auth_time', { ...BASE, ...LOGIN, ver: '1.0', acr: 'b2c_1_login', nbf: 1 }],
  ['Casdoor ID', 'id_token', 'tokenType', { ...CASDOOR, tokenType: 'id-token' }],
  [
    'Casdoor refresh',
    'refresh_token',
    'tokenType',
    { ...CASDOOR, tokenType: 'refresh-token', scope: 'openid' },
  ],
  ['Cognito', 'id_token', 'token_use', { ...BASE, ...LOGIN, token_use: 'id', 'cognito:username': 'a' }],
  ['Dex', 'id_token', 'at_hash', { ...BASE, at_hash: 'h', email: 'a@b.test' }],
  ['Duende', 'id_token', 'at_hash', { ...BASE, ...LOGIN, at_hash: 'h', sid: 's', amr: ['pwd'], nbf: 1 }],
  ['Entra', 'id_token', 'tid', { ...ENTRA, ver: '2.0', name: 'Alice', preferred_username: 'a@b.test' }],
  ['Entra with roles', 'id_token', 'tid', { ...ENTRA, ver: '2.0', roles: ['admin'] }],
  [
    'FusionAuth',
    'id_token',
    'tty',
    { ...BASE, ...LOGIN, tty: 'id', gty: ['authorization_code'], scope: 'openid' },
  ],
  ['Keycloak ID', 'id_token', 'typ', { ...BASE, typ: 'ID', azp: CLIENT, realm_access: {}, acr: '1' }],
  ['Keycloak refresh', 'refresh_token', 'typ', { ...BASE, typ: 'Refresh', azp: CLIENT, scope: 'email' }],
  ['Keycloak offline', 'refresh_token', 'typ', { ...BASE, typ: 'Offline', azp: CLIENT, scope: 'email' }],
  ['Keycloak logout', 'other_token', 'typ', { ...BASE, typ: 'Logout', sid: 's' }],
  ['Keycloak, a link by mail', 'other_token', 'typ', { ...BASE, typ: 'reset-credentials', azp: CLIENT }],
  ['Keycloak, registration', 'other_token', 'typ', { ...BASE, typ: 'RegistrationAccessToken' }],
  ['Ory Hydra', 'id_token', 'at_hash', { ...BASE, ...LOGIN, at_hash: 'h', rat: 1, sid: 's', acr: '0' }],
  [
    'ZITADEL',
    'id_token',
    'at_hash',
    { ...BASE, ...LOGIN, at_hash: 'h', client_id: CLIENT, azp: CLIENT, amr: [] },
  ],
  [
    'ZITADEL, implicit',
    'id_token',
    'auth_time',
    { ...BASE, ...LOGIN, client_id: CLIENT, azp: CLIENT, amr: [] },
  ],
  ['SimpleJWT of Django', 'refresh_token', 'token_type', { ...BASE, token_type: 'refresh', jti: 'j' }],
  ['Flask-JWT-Extended', 'refresh_token', 'type', { ...BASE, type: 'refresh', fresh: false }],
  ['Pocket ID', 'refresh_token', 'type', { ...BASE, type: 'oauth-refresh-token' }],
  ['Descope', 'refresh_token', 'drn', { ...BASE, drn: 'DSR' }],
  ['Spring Security OAuth', 'refresh_token', 'ati', { ...BASE, ati: 'j', scope: ['a'], client_id: CLIENT }],
  [
    'UAA',
    'refresh_token',
    'granted_scopes',
    { ...BASE, granted_scopes: ['a'], cid: CLIENT, client_id: CLIENT },
  ],
  [
    'RFC 8693 names',
    'id_token',
    'token_type',
    { ...BASE, token_type: 'urn:ietf:params:oauth:token-type:id_token' },
  ],
  [
    'logout token',
    'other_token',
    'events',
    { ...BASE, sid: 's', events: { 'http://x/backchannel-logout': {} } },
  ],
  ['introspection response', 'other_token', 'token_introspection', { ...BASE, token_introspection: {} }],
  ['FAPI', 'id_token', 's_hash', { ...BASE, s_hash: 'h' }],
  ['with acr alone', 'id_token', 'acr', { ...BASE, acr: '1' }],
];

t.test('T37 published access tokens pass', async (t) => {
  for (const [name, claims] of Object.entries(access)) {
    for (const typ of [null, 'jwt', 'at+jwt']) t.equal(judge(claims, typ), null, name);
  }
});

t.test('T39 published tokens of other kinds are refused, and the log has the claim that told', async (t) => {
  for (const [name, reason, got, claims] of others) {
    for (const typ of [null, 'jwt']) t.strictSame(judge(claims, typ), { reason, detail: { got } }, name);
  }
});

t.test('where ID tokens are accepted, refresh and logout tokens still are not', async (t) => {
  for (const [name, reason, , claims] of others) {
    const expected = reason === 'id_token' ? undefined : reason;
    t.equal(judge(claims, 'jwt', true)?.reason, expected, name);
  }
});

t.test('at+jwt stands for an access token, unless the token says that it is for refreshing', async (t) => {
  t.equal(judge({ ...BASE, ...LOGIN, nonce: 'n', azp: CLIENT }, 'at+jwt'), null);
  t.match(judge({ ...BASE, tokenType: 'refresh-token' }, 'at+jwt'), { reason: 'refresh_token' });
});

t.test('values that only look like a kind, and claims of another type', async (t) => {
  for (const type of [
    'normal-user',
    'invalid-tokens',
    'orchid',
    'refreshing',
    'client_credentials',
    'user',
  ]) {
    t.equal(judge({ ...BASE, type }, 'jwt'), null, type);
  }
  for (const typ of [7, null, ['Refresh'], { id: 1 }, 'x'.repeat(101)])
    t.equal(judge({ ...BASE, typ }, 'jwt'), null);
  t.equal(judge({ ...BASE, events: ['login'] }, 'jwt'), null, 'a list is no set of security events');
});

function judge(claims: JsonObject, typ: string | null, acceptIdTokens = false) {
  const header = { alg: 'RS256', kid: null, typ, members: {} };
  const issuer = issuerPolicy({ acceptIdTokens });
  return compat.checkType(header, claims, issuer) ?? compat.checkKind(header, claims, issuer);
}
