/** Cloudflare Access: docs/providers/cloudflare-access.md against tokens of users and of service tokens. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { selfSignedPem } from '../fixtures/self-signed.ts';
import { createSigningKey, type Members, nowSeconds } from '../fixtures/token-signer.ts';

const ISSUER = 'https://example.cloudflareaccess.com';
const APPLICATION = '32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228';
const OTHER = '97e2aae120121f902df8bc99fc345913ab186d174f3079ea729236766b2e7c4a';
const USER = '7335d417-61da-459d-899c-0a01c76a2f94';
const SERVICE = 'e367826f93b8d71185e03fe518aff3b4.access';
const current = createSigningKey('RS256', '9338abe1baf2fe492f646a736f25afbf7b025e35c627be4f60c414d4c73069b8');
const previous = createSigningKey(
  'RS256',
  '1a1c3986a44ce6390be42ec772b031df8f433fdc71716db821dc0c39af3bce49',
);

const keys = await startKeyServer(t);
const both = [current, previous];
const certificates = both.map((key) => ({ kid: key.kid, cert: selfSignedPem(key, 'cloudflareaccess.com') }));
keys.serve('/cdn-cgi/access/certs', {
  keys: both.map((key) => ({ kid: key.kid, kty: 'RSA', alg: 'RS256', use: 'sig', ...bareJwk(key) })),
  public_cert: certificates[0],
  public_certs: certificates,
});
const provider = await serveProvider(t, {
  page: 'cloudflare-access',
  keysFrom: () => ({ keys: { from: 'url', url: `${keys.url}/cdn-cgi/access/certs`, form: 'jwks' } }),
});

const assertion = (changes: Members = {}, signer = current): string => {
  const iat = nowSeconds();
  return mint(
    signer,
    { alg: 'RS256', kid: signer.kid, typ: 'JWT' },
    {
      aud: [APPLICATION],
      email: 'alice@example.com',
      exp: iat + 3600,
      iat,
      nbf: iat,
      iss: ISSUER,
      type: 'app',
      identity_nonce: '6ei69kawdKzMIAPF',
      sub: USER,
      country: 'DE',
      ...changes,
    },
  );
};
const service = (changes: Members = {}): string =>
  assertion({
    aud: APPLICATION,
    email: undefined,
    identity_nonce: undefined,
    country: undefined,
    nbf: undefined,
    common_name: SERVICE,
    sub: '',
    ...changes,
  });
const through = (token: string, more: readonly (readonly [string, string])[] = []) => ({
  target: '/orders/1',
  headers: [['Cf-Access-Jwt-Assertion', token], ...more] as const,
});

t.test('the preset names the keys of the team', async (t) => {
  t.strictSame(provider.policy.issuers[0]?.keys, {
    from: 'url',
    url: `${ISSUER}/cdn-cgi/access/certs`,
    form: 'jwks',
  });
});

t.test('a user is forwarded, under the current and the previous key', async (t) => {
  const caller = { 'x-auth-subject': USER, 'x-auth-issuer': ISSUER };
  const more = [['Cf-Access-Authenticated-User-Email', 'boss@example.com']] as const;
  const seen = await provider.forwarded(t, through(assertion(), more), caller);
  t.strictSame(seen.all('cf-access-authenticated-user-email'), []);
  await provider.forwarded(t, through(assertion({}, previous)), caller);
});

t.test('a service token is its client id, since its sub is empty', async (t) => {
  await provider.forwarded(t, through(service()), { 'x-auth-subject': SERVICE, 'x-auth-issuer': ISSUER });
  await provider.refused(t, through(service({ common_name: undefined })), { reason: 'subject_malformed' });
});

t.test('another application of the team, and its session for all of them', async (t) => {
  await provider.refused(t, through(assertion({ aud: [OTHER] })), {
    reason: 'wrong_audience',
    expected: APPLICATION,
    got: OTHER,
  });
  const session = assertion({ aud: OTHER, type: 'org' });
  await provider.refused(t, through(session), { reason: 'wrong_audience' });
});

t.test('another team, and a slash too many', async (t) => {
  const iss = 'https://evil.cloudflareaccess.com';
  await provider.refused(t, through(assertion({ iss })), { reason: 'unknown_issuer', got: iss });
  await provider.refused(t, through(assertion({ iss: `${ISSUER}/` })), {
    reason: 'issuer_differs_by_slash',
    expected: ISSUER,
  });
});

t.test('a key that was rotated away', (t) => {
  const old = createSigningKey('RS256', '00ff');
  return provider.refused(t, through(assertion({}, old)), { reason: 'unknown_kid' });
});

t.test('who went round Cloudflare has nothing to show', async (t) => {
  const forged = [['Cf-Access-Authenticated-User-Email', 'boss@example.com']] as const;
  await provider.refused(t, { target: '/orders/1', headers: forged }, { reason: 'no_credential' });
});
