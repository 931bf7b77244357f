/** Supabase: docs/providers/supabase.md against tokens of new and of old projects, and the keys that are JWTs. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { createSigningKey, defaultClaims, type Members, signWithSecret } from '../fixtures/token-signer.ts';

const ISSUER = 'https://abcdefghijklmnopqrst.supabase.co/auth/v1';
const USER = '123e4567-e89b-42d3-a456-426614174000';
const SECRET = 'a-shared-secret-of-at-least-32-bytes';
const signing = createSigningKey('ES256', '0f4b8a62-3c1d-4e5f-9a7b-6c8d9e0f1a2b');

const keys = await startKeyServer(t);
keys.serve('/auth/v1/.well-known/jwks.json', {
  keys: [{ alg: 'ES256', ext: true, key_ops: ['verify'], kid: signing.kid, use: 'sig', ...bareJwk(signing) }],
});
const keysFrom = ({ name }: { readonly name: string }) =>
  name === 'supabase'
    ? { keys: { from: 'url', url: `${keys.url}/auth/v1/.well-known/jwks.json`, form: 'jwks' } as const }
    : {};
const provider = await serveProvider(t, { page: 'supabase', keysFrom });

const get = { target: '/orders/1' };
const claims = (changes: Members = {}): Members => ({
  iss: ISSUER,
  sub: USER,
  aud: 'authenticated',
  ...anHour(),
  email: 'alice@example.com',
  phone: '',
  app_metadata: { provider: 'email', providers: ['email'], role: 'clerk' },
  user_metadata: { role: 'admin' },
  role: 'authenticated',
  aal: 'aal1',
  amr: [{ method: 'password', timestamp: 1_756_000_000 }],
  session_id: '5f1b6c2e-0a4d-4c3b-8f2e-1d0c9b8a7f6e',
  is_anonymous: false,
  ...changes,
});
const access = (changes: Members = {}): string =>
  mint(signing, { alg: 'ES256', kid: signing.kid, typ: 'JWT' }, claims(changes));
/** None of the defaults but what is written. */
const withSecret = (own: Members): string =>
  signWithSecret(
    SECRET,
    'HS256',
    { ...Object.fromEntries(Object.keys(defaultClaims()).map((name) => [name, undefined])), ...own },
    { typ: 'JWT' },
  );
const caller = { 'x-auth-subject': USER, 'x-auth-issuer': ISSUER, 'x-auth-roles': 'authenticated' };

t.test('the preset names the key set of the project, and its audience', async (t) => {
  t.strictSame(provider.policy.issuers[0]?.keys, {
    from: 'url',
    url: `${ISSUER}/.well-known/jwks.json`,
    form: 'jwks',
  });
  t.match(provider.policy.issuers[0]?.audience, { anyOf: ['authenticated'] });
});

t.test('an access token is forwarded with the role of the database', async (t) => {
  await provider.forwarded(t, { ...get, token: access() }, caller);
  await provider.forwarded(t, { ...get, method: 'PUT', token: access() }, caller);
});

t.test('what users write about themselves is not asked', (t) =>
  provider.refused(
    t,
    { ...get, method: 'PUT', token: access({ app_metadata: {}, user_metadata: { role: 'clerk' } }) },
    { reason: 'claim_mismatch', status: 403 },
  ),
);

t.test('what is no token of a signed-in user of this project', async (t) => {
  const { refused } = provider;
  await refused(
    t,
    { ...get, token: access({ is_anonymous: true }) },
    { reason: 'claim_required', expected: 'is_anonymous equals' },
  );
  await refused(
    t,
    { ...get, token: access({ aud: 'anon' }) },
    { reason: 'wrong_audience', expected: 'authenticated', got: 'anon' },
  );
  await refused(t, { ...get, token: access({ aud: undefined }) }, { reason: 'audience_missing' });
  const other = 'https://zyxwvutsrqponmlkjihg.supabase.co/auth/v1';
  await refused(t, { ...get, token: access({ iss: other }) }, { reason: 'unknown_issuer', got: other });
  await refused(
    t,
    { ...get, token: withSecret(claims()) },
    { reason: 'algorithm_not_allowed', got: 'HS256' },
  );
  const service = { iss: 'supabase', ref: 'abcdefghijklmnopqrst', role: 'service_role', ...anHour() };
  await refused(t, { ...get, token: withSecret(service) }, { reason: 'unknown_issuer', got: 'supabase' });
  await refused(t, { ...get, token: 'sb_publishable_m0ckM0ckM0ck_12345678' }, { reason: 'not_a_jwt' });
});

t.test('during a migration tokens of both kinds count, each by its own key', async (t) => {
  const both = await serveProvider(t, { page: 'supabase', block: 1, keysFrom });
  await both.forwarded(t, { ...get, token: access() }, caller);
  await both.forwarded(t, { ...get, token: withSecret(claims()) }, caller);
  const jwk = JSON.stringify(bareJwk(signing));
  const confused = signWithSecret(jwk, 'HS256', claims(), { typ: 'JWT', kid: signing.kid });
  await both.refused(t, { ...get, token: confused }, { reason: 'bad_signature' });
});
