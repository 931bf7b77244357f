/** Okta: docs/providers/okta.md against tokens of a custom authorization server, and of the org server. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { createSigningKey, type Members } from '../fixtures/token-signer.ts';

const ISSUER = 'https://example.okta.com/oauth2/default';
const ORG = 'https://example.okta.com';
const CLIENT = '0oa1b2c3d4E5f6G7h5d7';
const signing = createSigningKey('RS256', 'Zk4hZ3mPqW1n8vT5yB2cR7sX0dF6gJ9kL4aQ3eU1iO8');

const keys = await startKeyServer(t);
keys.serve('/oauth2/default/.well-known/oauth-authorization-server', {
  issuer: ISSUER,
  jwks_uri: `${keys.url}/oauth2/default/v1/keys`,
});
keys.serve('/oauth2/default/v1/keys', {
  keys: [{ kty: 'RSA', alg: 'RS256', kid: signing.kid, use: 'sig', ...bareJwk(signing) }],
});
const provider = await serveProvider(t, {
  page: 'okta',
  keysFrom: () => ({
    keys: { from: 'discovery', url: `${keys.url}/oauth2/default/.well-known/oauth-authorization-server` },
  }),
});

const get = { target: '/orders/1' };
const access = (changes: Members = {}, header: Members = {}): string =>
  mint(
    signing,
    { kid: signing.kid, alg: 'RS256', ...header },
    {
      ver: 1,
      jti: 'AT.0mP-4rqhVsnW1JAuRpzk7qLuGaD7XqN8Y0yKmZ1aB2c',
      iss: ISSUER,
      aud: 'api://default',
      ...anHour(),
      cid: CLIENT,
      uid: '00uid4BxXw6I6TV4m0g3',
      scp: ['openid', 'orders.read'],
      auth_time: 1_756_000_000,
      sub: 'alice@example.com',
      groups: ['clerks', 'everyone'],
      ...changes,
    },
  );
const caller = {
  'x-auth-subject': 'alice@example.com',
  'x-auth-issuer': ISSUER,
  'x-auth-client': CLIENT,
  'x-auth-scopes': 'openid orders.read',
  'x-auth-roles': 'clerks,everyone',
};

t.test('the preset discovers the keys of the authorization server', async (t) => {
  t.strictSame(provider.policy.issuers[0]?.keys, { from: 'discovery', url: null });
});

t.test('an access token is forwarded with the scopes of its array, its client and its groups', async (t) => {
  await provider.forwarded(t, { ...get, token: access() }, caller);
  const writer = access({ scp: ['orders.write'] });
  await provider.forwarded(
    t,
    { ...get, method: 'PUT', token: writer },
    { ...caller, 'x-auth-scopes': 'orders.write' },
  );
});

t.test('a machine is its client', async (t) => {
  const token = access({ sub: CLIENT, uid: undefined, groups: undefined, scp: ['orders.read'] });
  const { 'x-auth-roles': _, ...rest } = caller;
  await provider.forwarded(
    t,
    { ...get, token },
    { ...rest, 'x-auth-subject': CLIENT, 'x-auth-scopes': 'orders.read' },
  );
});

t.test('a token of the org server is for Okta alone', (t) =>
  provider.refused(
    t,
    { ...get, token: access({ iss: ORG, aud: ORG }, { typ: 'application/okta-internal-at+jwt' }) },
    { reason: 'unknown_issuer', expected: ISSUER, got: ORG },
  ),
);

t.test('what Okta makes besides is no access token for this API', async (t) => {
  const id = { aud: CLIENT, cid: undefined, scp: undefined, amr: ['pwd'], idp: '00o1n8sbwArJ7OQRw406' };
  await provider.refused(
    t,
    { ...get, token: access(id) },
    { reason: 'wrong_audience', expected: 'api://default', got: CLIENT },
  );
  await provider.refused(t, { ...get, token: access({ ...id, at_hash: 'x' }) }, { reason: 'id_token' });
  const other = 'https://example.okta.com/oauth2/aus9o8wzkhckw9TLa0h7z';
  await provider.refused(
    t,
    { ...get, token: access({ iss: other }) },
    { reason: 'unknown_issuer', got: other },
  );
});

t.test('a scope that was not granted is missing', (t) =>
  provider.refused(
    t,
    { ...get, token: access({ scp: ['openid'] }) },
    { reason: 'scope_missing', expected: 'orders.read', status: 403 },
  ),
);

t.test('without groups in the token there are no roles', (t) =>
  provider.refused(
    t,
    { ...get, method: 'PUT', token: access({ scp: ['orders.write'], groups: undefined }) },
    { reason: 'role_missing', expected: 'clerks', status: 403 },
  ),
);
