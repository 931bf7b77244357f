/** Spring Authorization Server: docs/providers/spring.md against tokens and keys in its published form. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { createSigningKey, type Members } from '../fixtures/token-signer.ts';

const ISSUER = 'https://auth.example.com';
const CLIENT = 'shop-web';
const signing = createSigningKey('RS256', '1b3d9c5a-8e0f-4a2b');

const keys = await startKeyServer(t);
keys.serve('/.well-known/openid-configuration', { issuer: ISSUER, jwks_uri: `${keys.url}/keys` });
keys.serve('/keys', { keys: [{ ...bareJwk(signing), kid: signing.kid, kty: 'RSA' }] });
const provider = await serveProvider(t, {
  page: 'spring',
  keysFrom: () => ({ keys: { from: 'discovery', url: `${keys.url}/.well-known/openid-configuration` } }),
});

const token = (claims: Members): string => mint(signing, { alg: 'RS256', kid: signing.kid }, claims);
const access = (changes: Members = {}): string =>
  token({
    iss: ISSUER,
    ...anHour(),
    sub: 'alice',
    aud: CLIENT,
    nbf: anHour().iat,
    scope: ['openid', 'orders.read'],
    jti: '0d5f9c6e-6f1e-4b53-9d8c-1f6a51c9e2b7',
    ...changes,
  });
/** Of the code flow, where the client sent no nonce. */
const id: Members = {
  aud: CLIENT,
  azp: CLIENT,
  auth_time: anHour().iat,
  sid: 'Zk3',
  nbf: undefined,
  scope: undefined,
};
const get = { target: '/orders/1' };

t.test('an access token is forwarded as its caller', (t) =>
  provider.forwarded(
    t,
    { ...get, token: access() },
    {
      'x-auth-issuer': ISSUER,
      'x-auth-subject': 'alice',
      'x-auth-client': 'shop-web',
      'x-auth-scopes': 'openid orders.read',
    },
  ),
);

t.test('an ID token is refused, with a nonce or without', async (t) => {
  await provider.refused(
    t,
    { ...get, token: access(id) },
    { reason: 'claim_required', expected: 'nbf exists' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ ...id, nonce: 'n' }) },
    { reason: 'id_token', got: 'nonce' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ ...id, nbf: anHour().iat }) },
    { reason: 'id_token', got: 'auth_time' },
  );
});

t.test('what is no token for this API', async (t) => {
  await provider.refused(
    t,
    { ...get, token: access({ aud: 'other' }) },
    { reason: 'wrong_audience', got: 'other' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ scope: ['openid'] }) },
    { reason: 'scope_missing', status: 403 },
  );
});
