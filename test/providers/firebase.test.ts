/** Firebase: docs/providers/firebase.md against its ID tokens and both forms in which its keys are published. */
import t from 'tap';
import type { KeySource } from '../../src/policy/sources.ts';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { selfSignedPem } from '../fixtures/self-signed.ts';
import { createSigningKey, type Members, nowSeconds } from '../fixtures/token-signer.ts';

const ISSUER = 'https://securetoken.google.com/shop-1a2b3';
const USER = 'mQ1bC8kL0zXvN2sD4fG6hJ9wE3r1';
const signing = createSigningKey('RS256', '4c1f5e8a9d0b2c3e6f7a8b9c0d1e2f3a4b5c6d7e');

const keys = await startKeyServer(t);
keys.serve('/jwk', { keys: [{ alg: 'RS256', use: 'sig', kid: signing.kid, ...bareJwk(signing) }] });
keys.serve('/x509', { [signing.kid]: selfSignedPem(signing, 'securetoken.system.gserviceaccount.com') });

const get = { target: '/orders/1' };
const id = (changes: Members = {}, header: Members = {}): string =>
  mint(
    signing,
    { alg: 'RS256', kid: signing.kid, typ: 'JWT', ...header },
    {
      name: 'Alice',
      roles: ['clerk'],
      iss: ISSUER,
      aud: 'shop-1a2b3',
      auth_time: nowSeconds() - 60,
      user_id: USER,
      sub: USER,
      ...anHour(),
      email: 'alice@example.com',
      email_verified: true,
      firebase: { identities: { email: ['alice@example.com'] }, sign_in_provider: 'password' },
      ...changes,
    },
  );
const caller = { 'x-auth-subject': USER, 'x-auth-issuer': ISSUER, 'x-auth-roles': 'clerk' };

const forms: readonly (readonly [string, KeySource])[] = [
  ['a JWK Set', { from: 'url', url: `${keys.url}/jwk`, form: 'jwks' }],
  ['a map of certificates', { from: 'url', url: `${keys.url}/x509`, form: 'certificates' }],
];
for (const [form, source] of forms) {
  t.test(`with keys from ${form}`, async (t) => {
    const provider = await serveProvider(t, { page: 'firebase', keysFrom: () => ({ keys: source }) });
    t.strictSame(provider.policy.issuers[0]?.keys, {
      from: 'url',
      url: 'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
      form: 'jwks',
    });

    await t.test('an ID token is forwarded, custom claims as roles', async (t) => {
      await provider.forwarded(t, { ...get, token: id() }, caller);
      await provider.forwarded(t, { ...get, method: 'POST', token: id() }, caller);
    });

    await t.test('another project is another issuer and another audience', async (t) => {
      const iss = 'https://securetoken.google.com/evil-9z8y7';
      const other = id({ iss, aud: 'evil-9z8y7' });
      await provider.refused(t, { ...get, token: other }, { reason: 'unknown_issuer', got: iss });
      await provider.refused(
        t,
        { ...get, token: id({ aud: 'evil-9z8y7' }) },
        { reason: 'wrong_audience', expected: 'shop-1a2b3', got: 'evil-9z8y7' },
      );
    });

    await t.test('session cookies and custom tokens have other issuers', async (t) => {
      for (const iss of [
        'https://session.firebase.google.com/shop-1a2b3',
        'firebase-adminsdk-x1y2z@shop-1a2b3.iam.gserviceaccount.com',
      ]) {
        await provider.refused(t, { ...get, token: id({ iss }) }, { reason: 'unknown_issuer', got: iss });
      }
    });

    await t.test('a token that does not say when somebody signed in', (t) =>
      provider.refused(
        t,
        { ...get, token: id({ auth_time: undefined }) },
        { reason: 'claim_required', expected: 'auth_time exists' },
      ),
    );

    await t.test('a token that was not renewed', (t) => {
      const exp = nowSeconds() - 60;
      const old = id({ iat: exp - 3600, auth_time: exp - 3600, exp });
      return provider.refused(t, { ...get, token: old }, { reason: 'token_expired' });
    });

    await t.test('the emulator signs nothing', (t) => {
      const [head, payload] = id({}, { alg: 'none' }).split('.');
      return provider.refused(t, { ...get, token: `${head}.${payload}.` }, { reason: 'malformed_token' });
    });

    await t.test('a role that was given after the token was made is not in it', (t) =>
      provider.refused(
        t,
        { ...get, method: 'POST', token: id({ roles: undefined }) },
        { reason: 'role_missing', expected: 'clerk', status: 403 },
      ),
    );
  });
}
