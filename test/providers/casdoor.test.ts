/** Casdoor: docs/providers/casdoor.md against tokens and keys in its published form. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { createSigningKey, type Members } from '../fixtures/token-signer.ts';

const ISSUER = 'https://door.example.com';
const CLIENT = '0ba528121ea87b3eb54d';
const signing = createSigningKey('RS256', 'cert-built-in');

const keys = await startKeyServer(t);
keys.serve('/.well-known/openid-configuration', { issuer: ISSUER, jwks_uri: `${keys.url}/keys` });
keys.serve('/keys', { keys: [{ ...bareJwk(signing), kid: signing.kid, use: 'sig', alg: 'RS256' }] });
const provider = await serveProvider(t, {
  page: 'casdoor',
  keysFrom: () => ({ keys: { from: 'discovery', url: `${keys.url}/.well-known/openid-configuration` } }),
});

const token = (claims: Members): string =>
  mint(signing, { alg: 'RS256', kid: signing.kid, typ: 'JWT' }, claims);
const access = (changes: Members = {}): string =>
  token({
    iss: ISSUER,
    ...anHour(),
    sub: 'c4d2a1b0-1111-4222-8333-444455556666',
    aud: [CLIENT],
    azp: CLIENT,
    tokenType: 'access-token',
    nonce: 'n',
    scope: 'openid profile',
    owner: 'shop',
    name: 'alice',
    type: 'normal-user',
    groups: ['shop/clerks'],
    roles: [{ owner: 'shop', name: 'clerk' }],
    jti: 'admin/1f0e',
    ...changes,
  });
const get = { target: '/orders/1' };

t.test('an access token is forwarded as its caller', (t) =>
  provider.forwarded(
    t,
    { ...get, token: access() },
    {
      'x-auth-issuer': ISSUER,
      'x-auth-subject': 'c4d2a1b0-1111-4222-8333-444455556666',
      'x-auth-client': CLIENT,
      'x-auth-scopes': 'openid profile',
      'x-auth-roles': 'shop/clerks',
    },
  ),
);

t.test('what else it signs with the same keys', async (t) => {
  await provider.refused(
    t,
    { ...get, token: access({ tokenType: 'refresh-token' }) },
    { reason: 'claim_required', expected: 'tokenType equals' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ tokenType: 'id-token' }) },
    { reason: 'claim_required', expected: 'tokenType equals' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ tokenType: undefined }) },
    { reason: 'claim_required' },
  );
});

t.test('what is no token for this API', async (t) => {
  await provider.refused(
    t,
    { ...get, token: access({ aud: ['other'] }) },
    { reason: 'wrong_audience', got: 'other' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ groups: null }) },
    { reason: 'role_missing', status: 403 },
  );
});
