/** Dex: docs/providers/dex.md against tokens and keys in its published form. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { createSigningKey, type Members } from '../fixtures/token-signer.ts';

const ISSUER = 'https://dex.example.com';
const CLIENT = 'orders-api';
const signing = createSigningKey('RS256', '3fe6b4c1');

const keys = await startKeyServer(t);
keys.serve('/.well-known/openid-configuration', { issuer: ISSUER, jwks_uri: `${keys.url}/keys` });
keys.serve('/keys', { keys: [{ ...bareJwk(signing), kid: signing.kid, use: 'sig', alg: 'RS256' }] });
const provider = await serveProvider(t, {
  page: 'dex',
  keysFrom: () => ({ keys: { from: 'discovery', url: `${keys.url}/.well-known/openid-configuration` } }),
});

const token = (claims: Members): string => mint(signing, { alg: 'RS256', kid: signing.kid }, claims);
const access = (changes: Members = {}): string =>
  token({
    iss: ISSUER,
    ...anHour(),
    sub: 'CgR1c2VyEgVsb2NhbA',
    aud: CLIENT,
    at_hash: 'MTIzNDU2Nzg5MGFiY2RlZg',
    email: 'a@example.com',
    groups: ['clerks'],
    name: 'alice',
    ...changes,
  });
const get = { target: '/orders/1' };

t.test('an access token is forwarded as its caller', (t) =>
  provider.forwarded(
    t,
    { ...get, token: access() },
    {
      'x-auth-issuer': ISSUER,
      'x-auth-subject': 'CgR1c2VyEgVsb2NhbA',
      'x-auth-client': 'orders-api',
      'x-auth-roles': 'clerks',
    },
  ),
);

t.test('one that another client asked for names that client, and a nonce is no harm', (t) =>
  provider.forwarded(
    t,
    { ...get, token: access({ aud: [CLIENT, 'shop-web'], azp: 'shop-web', nonce: 'n' }) },
    {
      'x-auth-issuer': ISSUER,
      'x-auth-subject': 'CgR1c2VyEgVsb2NhbA',
      'x-auth-client': 'shop-web',
      'x-auth-roles': 'clerks',
    },
  ),
);

t.test('what is no token for this API', async (t) => {
  await provider.refused(
    t,
    { ...get, token: access({ aud: 'shop-web' }) },
    { reason: 'wrong_audience', got: 'shop-web' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ iss: 'http://dex:5556/dex' }) },
    { reason: 'unknown_issuer' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ groups: undefined }) },
    { reason: 'role_missing', status: 403 },
  );
  await provider.refused(
    t,
    { ...get, token: access({ typ: 'Refresh' }) },
    { reason: 'refresh_token', got: 'typ' },
  );
});
