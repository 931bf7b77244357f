/** FusionAuth: docs/providers/fusionauth.md against tokens and keys in its published form. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { createSigningKey, type Members, signWithSecret } from '../fixtures/token-signer.ts';

const ISSUER = 'https://auth.example.com';
const CLIENT = '85a03867-dccf-4882-adde-1a79aeec50df';
const signing = createSigningKey('RS256', '592cd3a5f');

const keys = await startKeyServer(t);
keys.serve('/.well-known/openid-configuration', { issuer: ISSUER, jwks_uri: `${keys.url}/keys` });
keys.serve('/keys', { keys: [{ ...bareJwk(signing), kid: signing.kid, use: 'sig', alg: 'RS256' }] });
const provider = await serveProvider(t, {
  page: 'fusionauth',
  keysFrom: () => ({ keys: { from: 'discovery', url: `${keys.url}/.well-known/openid-configuration` } }),
});

const token = (claims: Members): string =>
  mint(signing, { alg: 'RS256', kid: signing.kid, typ: 'JWT' }, claims);
const access = (changes: Members = {}): string =>
  token({
    iss: ISSUER,
    ...anHour(),
    sub: '858a4b01-62c8-4c2f-bfa7-6d018833bea7',
    aud: CLIENT,
    auth_time: anHour().iat,
    tty: 'at',
    authenticationType: 'PASSWORD',
    applicationId: CLIENT,
    tid: '30663132',
    sid: 's',
    jti: 'j',
    gty: ['authorization_code'],
    scope: 'openid',
    roles: ['clerk'],
    ...changes,
  });
const get = { target: '/orders/1' };

t.test('an access token is forwarded as its caller', (t) =>
  provider.forwarded(
    t,
    { ...get, token: access() },
    {
      'x-auth-issuer': ISSUER,
      'x-auth-subject': '858a4b01-62c8-4c2f-bfa7-6d018833bea7',
      'x-auth-client': CLIENT,
      'x-auth-scopes': 'openid',
      'x-auth-roles': 'clerk',
    },
  ),
);

t.test('what is no token for this API', async (t) => {
  await provider.refused(t, { ...get, token: access({ tty: 'id' }) }, { reason: 'id_token', got: 'tty' });
  await provider.refused(
    t,
    { ...get, token: access({ tty: undefined, at_hash: 'h' }) },
    { reason: 'id_token', got: 'at_hash' },
  );
  await provider.refused(
    t,
    { ...get, token: signWithSecret('k'.repeat(32), 'HS256', { iss: ISSUER, aud: CLIENT }, { typ: 'JWT' }) },
    { reason: 'algorithm_not_allowed', got: 'HS256' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ iss: 'acme.com' }) },
    { reason: 'unknown_issuer', got: 'acme.com' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ roles: [] }) },
    { reason: 'role_missing', status: 403 },
  );
});
