/** Authentik: docs/providers/authentik.md against tokens and keys in its published form. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { createSigningKey, type Members, signWithSecret } from '../fixtures/token-signer.ts';

const ISSUER = 'https://auth.example.com/application/o/shop/';
const CLIENT = 'a1b2c3d4e5f6';
const signing = createSigningKey('RS256', '9c1f7ab2');

const keys = await startKeyServer(t);
keys.serve('/.well-known/openid-configuration', { issuer: ISSUER, jwks_uri: `${keys.url}/keys` });
keys.serve('/keys', { keys: [{ ...bareJwk(signing), kid: signing.kid, use: 'sig', alg: 'RS256' }] });
const provider = await serveProvider(t, {
  page: 'authentik',
  keysFrom: () => ({ keys: { from: 'discovery', url: `${keys.url}/.well-known/openid-configuration` } }),
});

const token = (claims: Members): string =>
  mint(signing, { alg: 'RS256', kid: signing.kid, typ: 'JWT' }, claims);
const access = (changes: Members = {}): string =>
  token({
    iss: ISSUER,
    ...anHour(),
    sub: '5f2c8d',
    aud: CLIENT,
    auth_time: anHour().iat,
    acr: 'goauthentik.io/providers/oauth2/default',
    amr: ['pwd'],
    nonce: 'n',
    sid: 's',
    email: 'a@example.com',
    groups: ['clerks'],
    azp: CLIENT,
    uid: 'Q9xT',
    ...changes,
  });
const get = { target: '/orders/1' };

t.test('an access token is forwarded as its caller', (t) =>
  provider.forwarded(
    t,
    { ...get, token: access() },
    {
      'x-auth-issuer': ISSUER,
      'x-auth-subject': '5f2c8d',
      'x-auth-client': CLIENT,
      'x-auth-roles': 'clerks',
    },
  ),
);

t.test('newer versions write the scopes too', (t) =>
  provider.forwarded(
    t,
    { ...get, token: access({ scope: 'openid profile' }) },
    {
      'x-auth-issuer': ISSUER,
      'x-auth-subject': '5f2c8d',
      'x-auth-client': CLIENT,
      'x-auth-scopes': 'openid profile',
      'x-auth-roles': 'clerks',
    },
  ),
);

t.test('what is no token for this API', async (t) => {
  await provider.refused(
    t,
    { ...get, token: access({ uid: undefined, azp: undefined, at_hash: 'h' }) },
    { reason: 'claim_required', expected: 'uid exists' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ iss: ISSUER.slice(0, -1) }) },
    { reason: 'issuer_differs_by_slash' },
  );
  await provider.refused(
    t,
    { ...get, token: signWithSecret('k'.repeat(32), 'HS256', { iss: ISSUER, aud: CLIENT }, { typ: 'JWT' }) },
    { reason: 'algorithm_not_allowed', got: 'HS256' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ groups: [] }) },
    { reason: 'role_missing', status: 403 },
  );
});
