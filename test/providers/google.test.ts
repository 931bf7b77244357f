/** Google: docs/providers/google.md against ID tokens and both forms in which Google publishes its keys. */
import t from 'tap';
import type { KeySource } from '../../src/policy/sources.ts';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { selfSignedPem } from '../fixtures/self-signed.ts';
import { createSigningKey, type Members, nowSeconds } from '../fixtures/token-signer.ts';

const ISSUER = 'https://accounts.google.com';
const CLIENT = '1234567890-abc.apps.googleusercontent.com';
const USER = '110169484474386276334';
const signing = createSigningKey('RS256', 'b8dbd2a8c3d7bdb9b7d7d6b4f0a9a7c1e5f30a21');
const next = createSigningKey('RS256', '0a1b2c3d4e5f60718293a4b5c6d7e8f901234567');

const keys = await startKeyServer(t);
keys.serve('/oauth2/v3/certs', {
  keys: [signing, next].map((key) => ({ alg: 'RS256', kid: key.kid, use: 'sig', ...bareJwk(key) })),
});
keys.serve('/oauth2/v1/certs', {
  [signing.kid]: selfSignedPem(signing, 'federated-signon.system.gserviceaccount.com'),
  [next.kid]: selfSignedPem(next, 'federated-signon.system.gserviceaccount.com'),
});

const get = { target: '/orders/1' };
const id = (changes: Members = {}, signer = signing): string =>
  mint(
    signer,
    { alg: 'RS256', kid: signer.kid, typ: 'JWT' },
    {
      iss: ISSUER,
      azp: CLIENT,
      aud: CLIENT,
      sub: USER,
      hd: 'example.com',
      email: 'alice@example.com',
      email_verified: true,
      at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q',
      ...anHour(),
      ...changes,
    },
  );
const caller = {
  'x-auth-subject': USER,
  'x-auth-issuer': ISSUER,
  'x-auth-client': CLIENT,
  'x-auth-email': 'alice@example.com',
};

const forms: readonly (readonly [string, KeySource])[] = [
  ['a JWK Set', { from: 'url', url: `${keys.url}/oauth2/v3/certs`, form: 'jwks' }],
  ['a map of certificates', { from: 'url', url: `${keys.url}/oauth2/v1/certs`, form: 'certificates' }],
];
for (const [form, source] of forms) {
  t.test(`with keys from ${form}`, async (t) => {
    const provider = await serveProvider(t, { page: 'google', keysFrom: () => ({ keys: source }) });
    t.strictSame(provider.policy.issuers[0]?.keys, {
      from: 'url',
      url: 'https://www.googleapis.com/oauth2/v3/certs',
      form: 'jwks',
    });

    await t.test('an ID token is forwarded, under either spelling of the issuer', async (t) => {
      await provider.forwarded(t, { ...get, token: id() }, caller);
      await provider.forwarded(t, { ...get, token: id({}, next) }, caller);
      const short = 'accounts.google.com';
      await provider.forwarded(
        t,
        { ...get, token: id({ iss: short, nonce: '0394852' }) },
        { ...caller, 'x-auth-issuer': short },
      );
    });

    await t.test('an access token is opaque', (t) =>
      provider.refused(
        t,
        { ...get, token: 'ya29.a0AfB_byC-oPq1rS2tU3vW4xY5zA6bC7dE8fG9hI0jK' },
        { reason: 'not_a_jwt' },
      ),
    );

    await t.test('a token of another client, of gcloud for one', async (t) => {
      const gcloud = '32555940559.apps.googleusercontent.com';
      await provider.refused(
        t,
        { ...get, token: id({ aud: gcloud, azp: gcloud }) },
        { reason: 'wrong_audience', expected: CLIENT, got: gcloud },
      );
      // Only `aud` says for whom it is.
      await provider.refused(t, { ...get, token: id({ aud: gcloud }) }, { reason: 'wrong_audience' });
    });

    await t.test('a private account, and another organisation', async (t) => {
      const why = { reason: 'claim_required', expected: 'hd equals' };
      await provider.refused(t, { ...get, token: id({ hd: undefined }) }, why);
      await provider.refused(t, { ...get, token: id({ hd: 'evil.example' }) }, why);
      await provider.refused(t, { ...get, token: id({ hd: 'example.com.evil.example' }) }, why);
    });

    await t.test('a token that was not renewed', (t) => {
      const exp = nowSeconds() - 60;
      return provider.refused(
        t,
        { ...get, token: id({ iat: exp - 3600, exp }) },
        { reason: 'token_expired' },
      );
    });

    await t.test('a key that Google does not have', (t) => {
      const other = createSigningKey('RS256', signing.kid);
      return provider.refused(t, { ...get, token: id({}, other) }, { reason: 'bad_signature' });
    });
  });
}
