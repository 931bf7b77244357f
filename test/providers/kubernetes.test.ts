/** Kubernetes: docs/providers/kubernetes.md against an API server that asks for its own authority and for a token. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { localCertificate, otherCertificate } from '../fixtures/certificates.ts';
import { listenOnLoopback } from '../fixtures/loopback.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { createSigningKey, type Members, nowSeconds } from '../fixtures/token-signer.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const signing = createSigningKey('RS256', 'FJ9mFOqFAJ2Qm0cKv5zL3nX7bR1tY8uWpS4dG6hJ0aE');

/** What the API server was shown, request by request. */
const shown: (string | undefined)[] = [];
let accepted = 'token-of-the-pod';

function apiServer({ cert, key }: { readonly cert: string; readonly key: string }): Server {
  const document = {
    keys: [{ use: 'sig', kty: 'RSA', kid: signing.kid, alg: 'RS256', ...bareJwk(signing) }],
  };
  return createServer({ cert, key }, (request, response) => {
    shown.push(request.headers.authorization);
    if (request.headers.authorization !== `Bearer ${accepted}`) {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end('{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}');
      return;
    }
    response.writeHead(request.url === '/openid/v1/jwks' ? 200 : 404, {
      'content-type': 'application/jwk-set+json',
      'cache-control': 'public, max-age=3600',
    });
    response.end(JSON.stringify(document));
  });
}
const directory = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const bearerTokenFile = join(directory, 'token');
writeFileSync(bearerTokenFile, 'token-of-the-pod\n');

const secure = async (certificate: { readonly cert: string; readonly key: string }): Promise<string> =>
  (await listenOnLoopback(t, apiServer(certificate))).replace('http:', 'https:');
const place = (url: string) => ({
  keys: { from: 'url', url: `${url}/openid/v1/jwks`, form: 'jwks' } as const,
  bearerTokenFile,
});
const good = await secure(localCertificate);
const provider = await serveProvider(t, { page: 'kubernetes', keysFrom: () => place(good) });

const get = { target: '/orders/1' };
const bound = (claims: Members = {}, held: Members = {}): string =>
  mint(
    signing,
    { alg: 'RS256', kid: signing.kid },
    {
      aud: ['orders'],
      ...anHour(),
      iss: ISSUER,
      jti: 'ea28ed49-2e11-4280-9ec5-bc3d1d84661a',
      'kubernetes.io': {
        namespace: 'shop',
        node: { name: 'node-1', uid: '646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1' },
        pod: { name: 'worker-7d9f', uid: 'eb87451f-8f3a-4a57-8f5c-1c2d3e4f5a6b' },
        serviceaccount: { name: 'worker', uid: '14ee3fa4-a7e2-420f-9f9a-dbc4507c3798' },
        warnafter: nowSeconds() + 3607,
        ...held,
      },
      nbf: nowSeconds(),
      sub: 'system:serviceaccount:shop:worker',
      ...claims,
    },
  );
const caller = { 'x-auth-subject': 'system:serviceaccount:shop:worker', 'x-auth-issuer': ISSUER };

t.test('the preset names the API server as every pod knows it', async (t) => {
  const [issuer] = provider.policy.issuers;
  t.strictSame(issuer?.keys, {
    from: 'url',
    url: 'https://kubernetes.default.svc/openid/v1/jwks',
    form: 'jwks',
  });
  t.equal(issuer?.bearerTokenFile, '/var/run/secrets/kubernetes.io/serviceaccount/token');
  t.match(issuer?.ca, 'BEGIN CERTIFICATE');
});

t.test(
  'a token for this API is forwarded as its service account; the keys are asked for with a token',
  async (t) => {
    await provider.forwarded(t, { ...get, token: bound() }, caller);
    t.strictSame([...new Set(shown)], ['Bearer token-of-the-pod']);
  },
);

t.test('a token of another namespace', (t) =>
  provider.refused(
    t,
    {
      ...get,
      token: bound({ sub: 'system:serviceaccount:toys:worker' }, { namespace: 'toys' }),
    },
    { reason: 'claim_mismatch', status: 403 },
  ),
);

t.test('the token that is mounted by default is for the API server', async (t) => {
  for (const aud of [[ISSUER], [ISSUER, 'k3s']]) {
    await provider.refused(
      t,
      { ...get, token: bound({ aud }) },
      { reason: 'wrong_audience', expected: 'orders', got: aud.join(' ') },
    );
  }
});

t.test('a token of another cluster', (t) => {
  const iss = 'https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE';
  return provider.refused(t, { ...get, token: bound({ iss }) }, { reason: 'unknown_issuer', got: iss });
});

t.test('a token whose subject is not the account that it holds', async (t) => {
  await provider.refused(
    t,
    { ...get, token: bound({ sub: 'system:serviceaccount:shop:admin' }) },
    { reason: 'service_account_mismatch' },
  );
  await provider.refused(
    t,
    { ...get, token: bound({}, { serviceaccount: undefined }) },
    { reason: 'service_account_malformed' },
  );
});

t.test('the old tokens of Secrets have another issuer', (t) => {
  const token = mint(
    signing,
    { alg: 'RS256', kid: signing.kid },
    {
      iss: 'kubernetes/serviceaccount',
      'kubernetes.io/serviceaccount/namespace': 'shop',
      'kubernetes.io/serviceaccount/service-account.name': 'worker',
      sub: 'system:serviceaccount:shop:worker',
    },
  );
  return provider.refused(
    t,
    { ...get, token },
    { reason: 'unknown_issuer', got: 'kubernetes/serviceaccount' },
  );
});

t.test('an API server that does not let us read the keys costs 503', async (t) => {
  accepted = 'token-of-another-pod';
  const unlucky = await serveProvider(t, { page: 'kubernetes', keysFrom: () => place(good) });
  await unlucky.refused(
    t,
    { ...get, token: bound() },
    { reason: 'keys_unavailable', status: 503, cause: /403/ },
  );
});

t.test('a server with another certificate is not shown the token', async (t) => {
  const before = shown.length;
  const impostor = await secure(otherCertificate);
  const misled = await serveProvider(t, { page: 'kubernetes', keysFrom: () => place(impostor) });
  await misled.refused(
    t,
    { ...get, token: bound() },
    { reason: 'keys_unavailable', status: 503, cause: /certificate/ },
  );
  t.equal(shown.length, before);
});
