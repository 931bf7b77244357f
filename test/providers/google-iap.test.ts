/** Google IAP: docs/providers/google-iap.md against the signed header of a backend. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { createSigningKey, type Members, nowSeconds } from '../fixtures/token-signer.ts';

const ISSUER = 'https://cloud.google.com/iap';
const BACKEND = '/projects/123456789012/global/backendServices/4567890123456789012';
const USER = 'accounts.google.com:110169484474386276334';
const signing = createSigningKey('ES256', '6BEeoA');
const rsa = createSigningKey('RS256', 'b8dbd2a8c3d7bdb9b7d7d6b4f0a9a7c1e5f30a21');

const keys = await startKeyServer(t);
keys.serve('/iap/verify/public_key-jwk', {
  keys: [
    { alg: 'ES256', kid: signing.kid, use: 'sig', ...bareJwk(signing) },
    { alg: 'RS256', kid: rsa.kid, use: 'sig', ...bareJwk(rsa) },
  ],
});
const provider = await serveProvider(t, {
  page: 'google-iap',
  keysFrom: () => ({
    keys: { from: 'url', url: `${keys.url}/iap/verify/public_key-jwk`, form: 'jwks' },
  }),
});

const assertion = (changes: Members = {}, signer = signing): string => {
  const iat = nowSeconds();
  return mint(
    signer,
    { alg: signer.alg, typ: 'JWT', kid: signer.kid },
    {
      aud: BACKEND,
      azp: BACKEND,
      email: 'alice@example.com',
      exp: iat + 600,
      hd: 'example.com',
      iat,
      identity_source: 'GOOGLE',
      iss: ISSUER,
      sub: USER,
      ...changes,
    },
  );
};
const through = (token: string, more: readonly (readonly [string, string])[] = []) => ({
  target: '/orders/1',
  headers: [['X-Goog-IAP-JWT-Assertion', token], ...more] as const,
});
const caller = { 'x-auth-subject': USER, 'x-auth-issuer': ISSUER, 'x-auth-email': 'alice@example.com' };

t.test('the preset names the keys of IAP', async (t) => {
  t.strictSame(provider.policy.issuers[0]?.keys, {
    from: 'url',
    url: 'https://www.gstatic.com/iap/verify/public_key-jwk',
    form: 'jwks',
  });
});

t.test('a user of this backend is forwarded, without what is not signed', async (t) => {
  const seen = await provider.forwarded(
    t,
    through(assertion(), [
      ['X-Goog-Authenticated-User-Email', 'accounts.google.com:boss@example.com'],
      ['X-Goog-Authenticated-User-Id', 'accounts.google.com:1'],
    ]),
    caller,
  );
  t.strictSame(
    seen.headerLines.filter(([name]) => /^x-goog-/i.test(name)),
    [],
  );
});

t.test('an assertion for another backend, of this project or another', async (t) => {
  for (const aud of [
    '/projects/123456789012/global/backendServices/9999999999999999999',
    '/projects/999999999999/global/backendServices/4567890123456789012',
    '/projects/123456789012/apps/shop',
  ]) {
    await provider.refused(t, through(assertion({ aud })), {
      reason: 'wrong_audience',
      expected: BACKEND,
      got: aud,
    });
  }
});

t.test('another token of Google, and another algorithm', async (t) => {
  const iss = 'https://accounts.google.com';
  await provider.refused(t, through(assertion({ iss })), { reason: 'unknown_issuer', got: iss });
  await provider.refused(t, through(assertion({}, rsa)), { reason: 'algorithm_not_allowed', got: 'RS256' });
});

t.test('an assertion that was kept, or is sent elsewhere', async (t) => {
  const exp = nowSeconds() - 60;
  await provider.refused(t, through(assertion({ exp, iat: exp - 600 })), { reason: 'token_expired' });
  await provider.refused(t, { target: '/orders/1', token: assertion() }, { reason: 'credential_elsewhere' });
});

t.test('who went round IAP has nothing to show, and health checks need nothing', async (t) => {
  const forged = [['X-Goog-Authenticated-User-Email', 'accounts.google.com:boss@example.com']] as const;
  await provider.refused(t, { target: '/orders/1', headers: forged }, { reason: 'no_credential' });
  await provider.forwarded(t, { target: '/health' }, {});
});
