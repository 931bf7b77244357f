/** Ory Hydra: docs/providers/hydra.md against tokens and keys in its published form. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { createSigningKey, type Members } from '../fixtures/token-signer.ts';

const ISSUER = 'https://hydra.example.com/';
const CLIENT = '3c2b1a00-9f8e-4d7c-8b6a-5f4e3d2c1b0a';
const signing = createSigningKey('RS256', 'public:hydra.jwt.access-token');

const keys = await startKeyServer(t);
keys.serve('/.well-known/openid-configuration', { issuer: ISSUER, jwks_uri: `${keys.url}/keys` });
keys.serve('/keys', { keys: [{ ...bareJwk(signing), kid: signing.kid, use: 'sig', alg: 'RS256' }] });
const provider = await serveProvider(t, {
  page: 'hydra',
  keysFrom: () => ({ keys: { from: 'discovery', url: `${keys.url}/.well-known/openid-configuration` } }),
});

const token = (claims: Members): string =>
  mint(signing, { alg: 'RS256', kid: signing.kid, typ: 'JWT' }, claims);
const access = (changes: Members = {}): string =>
  token({
    iss: ISSUER,
    ...anHour(),
    sub: 'alice',
    aud: ['https://orders.example.com'],
    client_id: CLIENT,
    ext: { roles: ['clerk'] },
    nbf: anHour().iat,
    jti: 'b9d9a2c1-3e4f-4a5b',
    scp: ['offline', 'orders.read'],
    ...changes,
  });
const get = { target: '/orders/1' };

t.test('an access token is forwarded as its caller', (t) =>
  provider.forwarded(
    t,
    { ...get, token: access() },
    {
      'x-auth-issuer': ISSUER,
      'x-auth-subject': 'alice',
      'x-auth-client': CLIENT,
      'x-auth-scopes': 'offline orders.read',
      'x-auth-roles': 'clerk',
    },
  ),
);

t.test('what is no token for this API', async (t) => {
  await provider.refused(t, { ...get, token: access({ aud: [] }) }, { reason: 'audience_malformed' });
  await provider.refused(
    t,
    { ...get, token: 'ory_at_8HZJ1mP0ck.5Yb3m0ckm0ckm0ckm0ck' },
    { reason: 'not_a_jwt' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ at_hash: 'h', rat: 1, sid: 's', auth_time: 1 }) },
    { reason: 'id_token', got: 'at_hash' },
  );
});
