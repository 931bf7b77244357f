/** Amazon Cognito: docs/providers/cognito.md against tokens of a user pool, whose ID and access tokens have different keys. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { createSigningKey, type Members } from '../fixtures/token-signer.ts';

const ISSUER = 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123';
const CLIENT = '1example23456789';
const USER = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const forIds = createSigningKey('RS256', 'uWPQmEZ3u9XyqKcQ1Yb6s7lK8fT0hVnJ2rA4oD5gBcE=');
const forAccess = createSigningKey('RS256', 'pLk9JhX2mVbN7cQ4wErT1yUiO8aSdF3gZ0xC6vB5nMk=');

const keys = await startKeyServer(t);
const POOL = '/eu-west-1_AbCdEf123/.well-known';
keys.serve(`${POOL}/openid-configuration`, { issuer: ISSUER, jwks_uri: `${keys.url}${POOL}/jwks.json` });
keys.serve(`${POOL}/jwks.json`, {
  keys: [forIds, forAccess].map((key) => ({ alg: 'RS256', kid: key.kid, use: 'sig', ...bareJwk(key) })),
});
const provider = await serveProvider(t, {
  page: 'cognito',
  keysFrom: () => ({ keys: { from: 'discovery', url: `${keys.url}${POOL}/openid-configuration` } }),
});

const get = { target: '/orders/1' };
const access = (changes: Members = {}): string =>
  mint(
    forAccess,
    { kid: forAccess.kid, alg: 'RS256' },
    {
      sub: USER,
      'cognito:groups': ['clerks'],
      iss: ISSUER,
      version: 2,
      client_id: CLIENT,
      origin_jti: 'aaaaaaaa-bbbb-4ccc-8ddd-000000000001',
      token_use: 'access',
      scope: 'openid orders/read',
      auth_time: 1_756_000_000,
      ...anHour(),
      jti: 'aaaaaaaa-bbbb-4ccc-8ddd-000000000002',
      username: 'alice',
      ...changes,
    },
  );
const idClaims = {
  sub: USER,
  'cognito:groups': ['clerks'],
  email_verified: true,
  iss: ISSUER,
  'cognito:username': 'alice',
  aud: CLIENT,
  token_use: 'id',
  auth_time: 1_756_000_000,
  ...anHour(),
  email: 'alice@example.com',
};
const caller = {
  'x-auth-subject': USER,
  'x-auth-issuer': ISSUER,
  'x-auth-client': CLIENT,
  'x-auth-scopes': 'openid orders/read',
  'x-auth-roles': 'clerks',
};

t.test('the preset discovers the keys of the pool', async (t) => {
  t.strictSame(provider.policy.issuers[0]?.keys, { from: 'discovery', url: null });
});

t.test('an access token is forwarded though it has no audience, groups as roles', async (t) => {
  await provider.forwarded(t, { ...get, token: access() }, caller);
  await provider.forwarded(t, { target: '/clerks', token: access() }, caller);
});

t.test('a machine is its client, and in no group', async (t) => {
  const machine = {
    sub: '2example98765432',
    client_id: '2example98765432',
    scope: 'orders/read',
    username: undefined,
    'cognito:groups': undefined,
  };
  const identity = {
    'x-auth-subject': '2example98765432',
    'x-auth-issuer': ISSUER,
    'x-auth-client': '2example98765432',
    'x-auth-scopes': 'orders/read',
  };
  await provider.forwarded(t, { ...get, token: access(machine) }, identity);
  await provider.refused(
    t,
    { target: '/clerks', token: access(machine) },
    { reason: 'role_missing', expected: 'clerks', status: 403 },
  );
});

t.test('an ID token is refused, whichever of its marks it has', async (t) => {
  const id = (changes: Members) =>
    mint(forIds, { kid: forIds.kid, alg: 'RS256' }, { ...idClaims, ...changes });
  await provider.refused(t, { ...get, token: id({}) }, { reason: 'id_token' });
  await provider.refused(
    t,
    { ...get, token: id({ at_hash: 'x', token_use: undefined }) },
    { reason: 'id_token' },
  );
  const bare = id({ token_use: undefined });
  await provider.refused(t, { ...get, token: bare }, { reason: 'audience_missing' });
  // With the client's id where access tokens have it, `token_use` still tells.
  const disguised = id({ token_use: undefined, client_id: CLIENT });
  await provider.refused(
    t,
    { ...get, token: disguised },
    { reason: 'claim_required', expected: 'token_use equals' },
  );
});

t.test('another client of the pool may not call, whatever it writes into aud', async (t) => {
  const other = { client_id: '3example11111111' };
  const why = {
    reason: 'wrong_audience',
    expected: '1example23456789 2example98765432',
    got: '3example11111111',
  };
  await provider.refused(t, { ...get, token: access(other) }, why);
  await provider.refused(t, { ...get, token: access({ ...other, aud: CLIENT }) }, why);
});

t.test('another pool is another issuer', (t) => {
  const iss = 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_ZyXwVu987';
  return provider.refused(t, { ...get, token: access({ iss }) }, { reason: 'unknown_issuer', got: iss });
});

t.test('a user who signed in through the API has no scope of yours', (t) =>
  provider.refused(
    t,
    { ...get, token: access({ scope: 'aws.cognito.signin.user.admin' }) },
    { reason: 'scope_missing', expected: 'orders/read', status: 403 },
  ),
);
