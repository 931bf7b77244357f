/** SPIFFE: docs/providers/spiffe.md against JWT-SVIDs as SPIRE makes them and a bundle with keys of both uses. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { selfSignedX5c } from '../fixtures/self-signed.ts';
import { createSigningKey, type Members, nowSeconds } from '../fixtures/token-signer.ts';

const DOMAIN = 'spiffe://example.org';
const API = `${DOMAIN}/orders`;
const WORKER = `${DOMAIN}/ns/shop/sa/worker`;
const signing = createSigningKey('ES256', 'C6vs25welZOx6WksNYfbMfiw9l96pMnD');
const rsa = createSigningKey('RS256', 'Wx3y4z5a6b7c8d9e0f1g2h3i4j5k6l7m');
const authority = createSigningKey('ES256', 'x509');
const edwards = createSigningKey('EdDSA', 'ed');

const keys = await startKeyServer(t);
keys.serve('/', {
  keys: [
    { ...bareJwk(authority), use: 'x509-svid', x5c: [selfSignedX5c(authority, 'example.org')] },
    { ...bareJwk(signing), use: 'jwt-svid', kid: signing.kid },
    { ...bareJwk(rsa), use: 'jwt-svid', kid: rsa.kid },
    { ...bareJwk(edwards), use: 'jwt-svid', kid: edwards.kid },
  ],
  spiffe_sequence: 12_035_488,
  spiffe_refresh_hint: 300,
});
const provider = await serveProvider(t, {
  page: 'spiffe',
  keysFrom: () => ({ keys: { from: 'url', url: `${keys.url}/`, form: 'jwks' } }),
});

const get = { target: '/orders/1' };
const svid = (changes: Members = {}, signer = signing, header: Members = {}): string => {
  const iat = nowSeconds();
  return mint(
    signer,
    { alg: signer.alg, kid: signer.kid, typ: 'JWT', ...header },
    { aud: [API], exp: iat + 300, iat, sub: WORKER, ...changes },
  );
};
const caller = { 'x-auth-subject': WORKER, 'x-auth-issuer': DOMAIN };

t.test('an SVID is forwarded as its workload, and its trust domain as issuer', async (t) => {
  await provider.forwarded(t, { ...get, token: svid() }, caller);
  await provider.forwarded(t, { ...get, token: svid({}, rsa) }, caller);
  await provider.forwarded(t, { ...get, token: svid({}, signing, { typ: 'JOSE' }) }, caller);
  await provider.forwarded(t, { ...get, token: svid({}, signing, { typ: undefined }) }, caller);
});

t.test('an issuer that SPIRE writes changes nothing', (t) =>
  provider.forwarded(t, { ...get, token: svid({ iss: 'https://oidc-discovery.example.org' }) }, caller),
);

t.test('an SVID of another trust domain', async (t) => {
  for (const domain of [
    'spiffe://other.example',
    'spiffe://sub.example.org',
    'spiffe://example.org.evil.test',
  ]) {
    const token = svid({ sub: `${domain}/ns/shop/sa/worker` });
    await provider.refused(
      t,
      { ...get, token },
      { reason: 'unknown_trust_domain', expected: DOMAIN, got: domain },
    );
  }
});

t.test('another workload of the domain', (t) =>
  provider.refused(
    t,
    { ...get, token: svid({ sub: `${DOMAIN}/ns/toys/sa/worker` }) },
    { reason: 'claim_mismatch', status: 403 },
  ),
);

t.test('an SVID for another audience, or for none', async (t) => {
  await provider.refused(
    t,
    { ...get, token: svid({ aud: [`${DOMAIN}/reports`] }) },
    { reason: 'wrong_audience', expected: API, got: `${DOMAIN}/reports` },
  );
  await provider.refused(t, { ...get, token: svid({ aud: undefined }) }, { reason: 'audience_missing' });
  await provider.refused(t, { ...get, token: svid({ exp: undefined }) }, { reason: 'expiry_missing' });
});

t.test('keys and algorithms that are not for JWT-SVIDs', async (t) => {
  await provider.refused(t, { ...get, token: svid({}, authority) }, { reason: 'unknown_kid' });
  await provider.refused(
    t,
    { ...get, token: svid({}, edwards) },
    { reason: 'algorithm_not_allowed', got: 'EdDSA' },
  );
});

t.test('a subject that is no SPIFFE ID, or names no workload', async (t) => {
  for (const sub of [`${DOMAIN}/ns/shop/../orders`, `${DOMAIN}/ns/shop/`, `${DOMAIN}/ns%2Fshop`, DOMAIN]) {
    await provider.refused(t, { ...get, token: svid({ sub }) }, { reason: 'issuer_missing' });
  }
  const iss = 'https://login.example.com';
  const token = svid({ sub: 'alice', iss });
  await provider.refused(t, { ...get, token }, { reason: 'unknown_issuer', got: iss });
});

t.test('another kind of token of the same authority', (t) =>
  provider.refused(
    t,
    { ...get, token: svid({ cnf: { jwk: bareJwk(signing) } }, signing, { typ: 'wit+jwt' }) },
    { reason: 'wrong_type', got: 'wit+jwt' },
  ),
);

t.test('a bundle without keys for JWT-SVIDs', async (t) => {
  keys.serve('/x509-only', {
    keys: [{ ...bareJwk(authority), use: 'x509-svid', x5c: [selfSignedX5c(authority)] }],
  });
  const bare = await serveProvider(t, {
    page: 'spiffe',
    keysFrom: () => ({ keys: { from: 'url', url: `${keys.url}/x509-only`, form: 'jwks' } }),
  });
  await bare.refused(t, { ...get, token: svid() }, { reason: 'unknown_kid' });
});
