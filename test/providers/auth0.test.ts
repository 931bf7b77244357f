/** Auth0: docs/providers/auth0.md against both access token profiles of Auth0, and what it makes besides. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { selfSignedX5c } from '../fixtures/self-signed.ts';
import { createSigningKey, type Members, signWithSecret } from '../fixtures/token-signer.ts';

const ISSUER = 'https://example.eu.auth0.com/';
const API = 'https://orders.example.com';
const USER = 'auth0|65f1c0a2b3d4e5f601234567';
const CLIENT = 'my_M2lTw0rQ9yN4kVZ8bXcDfGhJ';
const signing = createSigningKey('RS256', 'NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg');
const next = createSigningKey('RS256', 'QUY2NTA5OUIxQjA3NThFMDZDNkUwNDhDNDYwMDJCNUM2OTVFMzZC');

const keys = await startKeyServer(t);
keys.serve('/.well-known/openid-configuration', {
  issuer: ISSUER,
  jwks_uri: `${keys.url}/.well-known/jwks.json`,
});
keys.serve('/.well-known/jwks.json', {
  keys: [signing, next].map((key) => ({
    ...bareJwk(key),
    use: 'sig',
    kid: key.kid,
    x5t: 'NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg',
    x5c: [selfSignedX5c(key, 'example.eu.auth0.com')],
    alg: 'RS256',
  })),
});
const provider = await serveProvider(t, {
  page: 'auth0',
  keysFrom: () => ({ keys: { from: 'discovery', url: `${keys.url}/.well-known/openid-configuration` } }),
});

const get = { target: '/orders/1' };
const head = { alg: 'RS256', typ: 'JWT', kid: signing.kid };
/** The profile that Auth0 calls its own. */
const access = (changes: Members = {}): string =>
  mint(signing, head, {
    iss: ISSUER,
    sub: USER,
    aud: [API, `${ISSUER}userinfo`],
    ...anHour(),
    azp: CLIENT,
    scope: 'openid profile read:orders',
    ...changes,
  });
const caller = {
  'x-auth-subject': USER,
  'x-auth-issuer': ISSUER,
  'x-auth-client': CLIENT,
  'x-auth-scopes': 'openid profile read:orders',
};

t.test('the preset discovers the keys of the tenant', async (t) => {
  t.strictSame(provider.policy.issuers[0]?.keys, { from: 'discovery', url: null });
});

t.test('access tokens of both profiles are forwarded, permissions among the scopes', async (t) => {
  await provider.forwarded(t, { ...get, token: access() }, caller);
  const rfc9068 = mint(
    next,
    { alg: 'RS256', typ: 'at+jwt', kid: next.kid },
    {
      iss: ISSUER,
      sub: USER,
      aud: [API, `${ISSUER}userinfo`],
      ...anHour(),
      scope: 'openid',
      jti: 'Mk1rT0xw8bQ3nV5zYc7dEf',
      client_id: CLIENT,
      permissions: ['read:orders', 'write:orders'],
    },
  );
  const both = { ...caller, 'x-auth-scopes': 'openid read:orders write:orders' };
  await provider.forwarded(t, { ...get, method: 'PUT', token: rfc9068 }, both);
});

t.test('a machine is its client', async (t) => {
  const token = access({
    sub: `${CLIENT}@clients`,
    aud: API,
    gty: 'client-credentials',
    scope: 'read:orders',
  });
  const identity = { ...caller, 'x-auth-subject': `${CLIENT}@clients`, 'x-auth-scopes': 'read:orders' };
  await provider.forwarded(t, { ...get, token }, identity);
});

t.test('an issuer without its slash, and another tenant, are others', async (t) => {
  const bare = 'https://example.eu.auth0.com';
  await provider.refused(
    t,
    { ...get, token: access({ iss: bare }) },
    { reason: 'issuer_differs_by_slash', expected: ISSUER, got: bare },
  );
  const other = 'https://other.eu.auth0.com/';
  await provider.refused(
    t,
    { ...get, token: access({ iss: other }) },
    { reason: 'unknown_issuer', got: other },
  );
});

t.test('what Auth0 makes besides is no access token for this API', async (t) => {
  const id = { aud: CLIENT, azp: undefined, scope: undefined, sid: 'Zq1X', email: 'alice@example.com' };
  await provider.refused(
    t,
    { ...get, token: access(id) },
    { reason: 'wrong_audience', expected: API, got: CLIENT },
  );
  await provider.refused(t, { ...get, token: access({ ...id, nonce: 'n-0S6' }) }, { reason: 'id_token' });
  await provider.refused(
    t,
    { ...get, token: access({ aud: 'https://example.eu.auth0.com/api/v2/' }) },
    { reason: 'wrong_audience' },
  );
  // Without an audience: encrypted for Auth0 itself, in five parts of which the second is empty.
  const encrypted = `${Buffer.from('{"alg":"dir","enc":"A256GCM","iss":"https://example.eu.auth0.com/"}').toString('base64url')}..c29tZS1pdg.Y2lwaGVy.dGFn`;
  await provider.refused(t, { ...get, token: encrypted }, { reason: 'not_a_jwt' });
  await provider.refused(t, { ...get, token: 'nK5xF0q9VtW2yB7zR4sD1gH6jL3pM8cA' }, { reason: 'not_a_jwt' });
  const shared = signWithSecret('s'.repeat(64), 'HS256', { iss: ISSUER, aud: API }, { typ: 'JWT' });
  await provider.refused(t, { ...get, token: shared }, { reason: 'algorithm_not_allowed', got: 'HS256' });
});

t.test('a permission that was not granted is missing', (t) =>
  provider.refused(
    t,
    { ...get, method: 'PUT', token: access() },
    { reason: 'scope_missing', expected: 'write:orders', status: 403 },
  ),
);
