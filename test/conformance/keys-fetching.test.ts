/** How keys come here: over TLS, through proxies and redirects, as JWK Sets, as certificates, or one by one. */
import type { TlsOptions } from 'node:tls';
import t from 'tap';
import {
  expiredCertificate,
  localCertificate,
  otherCertificate,
  selfSignedCertificate,
  testAuthority,
} from '../fixtures/certificates.ts';
import { startConnectProxy } from '../fixtures/connect-proxy.ts';
import type { LogLine } from '../fixtures/gateway.ts';
import { type KeyServer, startKeyServer } from '../fixtures/key-server.ts';
import { INVALID_TOKEN, UNAVAILABLE } from '../fixtures/refusal.ts';
import { selfSignedPem } from '../fixtures/self-signed.ts';
import { createSigningKey, keySet, type SigningKey, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const PROXY_PASSWORD = 'proxy-password';
const ISSUER_BEARER = 'bearer-for-the-issuer';

const key = createSigningKey('ES256', 'first');
const second = createSigningKey('ES256', 'second');
const rsa = createSigningKey('RS256', 'rsa');
const weak = createSigningKey('RS256', 'weak', 1024);
const spki = (of: SigningKey): string => of.publicKey.export({ type: 'spki', format: 'pem' }).toString();

const plain = await startKeyServer(t);
const other = await startKeyServer(t);
const secure = await serveSet(localCertificate);
const selfSigned = await serveSet(selfSignedCertificate);
const expired = await serveSet(expiredCertificate);
const misnamed = await serveSet(otherCertificate);
const outdated = await serveSet({
  ...localCertificate,
  minVersion: 'TLSv1',
  maxVersion: 'TLSv1.1',
  ciphers: 'DEFAULT@SECLEVEL=0',
});
const proxy = await startConnectProxy(t);
const secureProxy = await startConnectProxy(t, localCertificate);
const strictProxy = await startConnectProxy(t);
strictProxy.answer(407);
const stoppedProxy = await startConnectProxy(t);
await stoppedProxy.stop();
const withPassword = ({ url }: { readonly url: string }): string =>
  url.replace('://', `://gate:${PROXY_PASSWORD}@`);

async function serveSet(options: TlsOptions): Promise<KeyServer> {
  const server = await startKeyServer(t, 0, options);
  server.serve('/keys', keySet(key));
  return server;
}

other.serve('/keys', keySet(key));
other.serve('/elsewhere', keySet(key));
plain.serve('/keys', keySet(key));
for (const [path, location] of [
  ['/moved', '/keys'],
  ['/far', `${other.url}/elsewhere`],
  ['/metadata', 'http://169.254.169.254/latest/meta-data'],
  ['/file', 'file:///etc/passwd'],
  ['/loop', '/loop'],
  ['/nowhere', ''],
] as const) {
  plain.serve(path, (_, response) => response.writeHead(302, { location }).end());
}
const certificates = {
  ec: selfSignedPem(key),
  rsa: selfSignedPem(rsa),
  plain: spki(second),
  weak: selfSignedPem(weak),
  page: '<html>',
};
plain.serve('/x509', certificates);
for (const [kid, pem] of Object.entries({ first: spki(key), rsa: selfSignedPem(rsa), weak: spki(weak) })) {
  plain.serve(`/each/${kid}`, (_, response) => response.writeHead(200).end(pem));
}
plain.serve('/each/broken', (_, response) => response.writeHead(500).end());
plain.serve('/flooded/first', (_, response) => response.writeHead(200).end(spki(key)));
const remote = (server: KeyServer): string => `https://other.test:${server.port}/keys`;
for (const [name, jwks_uri] of [
  ['leads-astray', 'http://keys.example.com/keys'],
  ['leads-away', `${other.url}/keys`],
]) {
  const issuer = `${plain.url}/${name}`;
  plain.serve(`/${name}/.well-known/openid-configuration`, { issuer, jwks_uri });
}

/** Keys of an entry that say where its keys come from, by the entry's name. */
const sources: Readonly<Record<string, string>> = {
  tls: `jwks_uri: "${secure.url}/keys", ca_file: authority.pem`,
  'self-signed-known': `jwks_uri: "${selfSigned.url}/keys", ca_file: self.pem`,
  'self-signed': `jwks_uri: "${selfSigned.url}/keys"`,
  untrusted: `jwks_uri: "${secure.url}/keys", ca_file: self.pem`,
  expired: `jwks_uri: "${expired.url}/keys", ca_file: expired.pem`,
  misnamed: `jwks_uri: "${misnamed.url}/keys", ca_file: authority.pem`,
  outdated: `jwks_uri: "${outdated.url}/keys", ca_file: authority.pem`,
  proxied: `jwks_uri: "${remote(misnamed)}", ca_file: authority.pem, bearer_token_file: bearer.txt`,
  'proxied-plain': `jwks_uri: "http://other.test:${plain.port}/keys", insecure_http: true`,
  'proxy-over-tls': `jwks_uri: "${remote(misnamed)}", ca_file: authority.pem, http_proxy: "${withPassword(secureProxy)}"`,
  'proxy-refuses': `jwks_uri: "${remote(misnamed)}", ca_file: authority.pem, http_proxy: "${withPassword(strictProxy)}"`,
  'proxy-down': `jwks_uri: "${remote(misnamed)}", ca_file: authority.pem, http_proxy: "${withPassword(stoppedProxy)}"`,
  'past-proxy': `jwks_uri: "https://past.invalid:${misnamed.port}/keys"`,
  'no-proxy': `jwks_uri: "https://never.invalid:${misnamed.port}/keys", http_proxy: none`,
  moved: `jwks_uri: "${plain.url}/moved"`,
  followed: `jwks_uri: "${plain.url}/moved", redirects: same_origin`,
  far: `jwks_uri: "${plain.url}/far", redirects: same_origin`,
  metadata: `jwks_uri: "${plain.url}/metadata", redirects: same_origin`,
  file: `jwks_uri: "${plain.url}/file", redirects: same_origin`,
  loop: `jwks_uri: "${plain.url}/loop", redirects: same_origin`,
  nowhere: `jwks_uri: "${plain.url}/nowhere", redirects: same_origin`,
  x509: `certificates_uri: "${plain.url}/x509"`,
  'x509-held': `certificates: ${JSON.stringify({ ec: selfSignedPem(key) })}`,
  each: `key_uri: "${plain.url}/each/{kid}"`,
  flooded: `key_uri: "${plain.url}/flooded/{kid}"`,
};
const discovered = ['leads-astray', 'leads-away'];
const issuerOf = (name: string): string =>
  discovered.includes(name) ? `${plain.url}/${name}` : `https://${name}.test`;

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [${[...Object.keys(sources), ...discovered].join(', ')}]
issuers:
${Object.entries(sources)
  .map(([name, source]) => `  ${name}: {issuer: "${issuerOf(name)}", audience: api, ${source}}`)
  .join('\n')}
${discovered.map((name) => `  ${name}: {issuer: "${issuerOf(name)}", audience: api}`).join('\n')}
routes:
  - path: /orders/**
`,
  files: {
    'authority.pem': testAuthority,
    'self.pem': selfSignedCertificate.cert,
    'expired.pem': expiredCertificate.cert,
    'bearer.txt': ISSUER_BEARER,
  },
  environment: {
    HTTPS_PROXY: withPassword(proxy),
    HTTP_PROXY: withPassword(proxy),
    NO_PROXY: 'past.invalid',
    // The proxy that speaks TLS is verified with the authorities of the system, of which this makes one.
    NODE_EXTRA_CA_CERTS: `${t.testdir({ 'authority.pem': testAuthority })}/authority.pem`,
  },
});
const target = '/orders/1';
const request = (name: string, signer: SigningKey = key, kid: string = signer.kid) => ({
  target,
  token: signToken(signer, { iss: issuerOf(name) }, { kid }),
});
const failureOf = (name: string): Promise<LogLine> =>
  world.gateway.line((line) => line.issuer === name && 'kind' in line);

t.test('K01 keys are fetched over TLS from whom the policy trusts', async (t) => {
  for (const name of ['tls', 'self-signed-known']) await world.forwarded(t, request(name));
});

const TLS_FAILURES: readonly (readonly [string, RegExp])[] = [
  ['self-signed', /self-signed certificate.*ca_file/],
  ['untrusted', /authority that is not known here.*ca_file/],
  ['expired', /certificate that has expired/],
  ['misnamed', /certificate for another name/],
  ['outdated', /no version of TLS that is still safe/],
];
for (const [name, cause] of TLS_FAILURES) {
  t.test(`K01 a key source whose TLS is no good (${name}) is 503, and the log says why`, async (t) => {
    await world.refused(t, request(name), UNAVAILABLE);
    t.match(await failureOf(name), { kind: 'tls', status: null, cause });
  });
}

t.test('K01 keys are fetched through the proxy of the environment, which sees no token', async (t) => {
  misnamed.serve('/keys', (incoming, response) => {
    response.writeHead(200, { seen: `${incoming.headers.authorization}` }).end(JSON.stringify(keySet(key)));
  });
  await world.forwarded(t, request('proxied'));
  await world.forwarded(t, request('proxied-plain'));
  const authorities = proxy.tunnels.map(({ authority }) => authority);
  t.ok(authorities.includes(`other.test:${misnamed.port}`), 'https in a tunnel');
  t.ok(authorities.includes(`other.test:${plain.port}`), 'http in a tunnel');
  t.same(proxy.others, [], 'and nothing but tunnels');
  const basic = `Basic ${Buffer.from(`gate:${PROXY_PASSWORD}`).toString('base64')}`;
  t.ok(proxy.tunnels.every(({ headers }) => headers['proxy-authorization'] === basic));
  t.notMatch(proxy.passed() + JSON.stringify(proxy.tunnels), ISSUER_BEARER);
});

t.test('K01 a proxy that speaks TLS itself is verified with the system, and used', async (t) => {
  await world.forwarded(t, request('proxy-over-tls'));
  t.match(secureProxy.tunnels, [{ authority: `other.test:${misnamed.port}` }]);
});

t.test('K01 a proxy that refuses or is down is 503, and the log says that it is the proxy', async (t) => {
  await world.refused(t, request('proxy-refuses'), UNAVAILABLE);
  t.match(await failureOf('proxy-refuses'), { kind: 'proxy', status: 407, cause: /proxy answered 407/ });
  await world.refused(t, request('proxy-down'), UNAVAILABLE);
  t.match(await failureOf('proxy-down'), { kind: 'proxy', cause: /proxy refused the connection/ });
});

t.test('K01 NO_PROXY and http_proxy: none lead past the proxy', async (t) => {
  for (const name of ['past-proxy', 'no-proxy']) {
    await world.refused(t, request(name), UNAVAILABLE);
    t.match(await failureOf(name), { kind: 'dns' }, 'we resolve the name ourselves');
  }
  t.notOk(proxy.tunnels.some(({ authority }) => authority.includes('.invalid')));
  t.notOk(
    proxy.tunnels.some(({ authority }) => /localhost|127\./.test(authority)),
    'nor is loopback asked',
  );
});

t.test('K02 a redirect is not followed, and the log says what to write', async (t) => {
  await world.refused(t, request('moved'), UNAVAILABLE);
  t.match(await failureOf('moved'), {
    kind: 'redirect',
    status: 302,
    cause: `${plain.url}/moved answered with status 302, which redirects to ${plain.url}; write that address, or redirects: same_origin`,
  });
});

t.test('K02 redirects: same_origin follows on scheme, host and port, and no further', async (t) => {
  await world.forwarded(t, request('followed'));
  const rows: readonly (readonly [string, RegExp])[] = [
    ['far', new RegExp(`redirects to ${other.url};`)],
    ['metadata', /redirects to http:\/\/169\.254\.169\.254;/],
    ['file', /redirects to a file: address/],
    ['loop', /one redirect more than the 2/],
    ['nowhere', /without saying where to/],
  ];
  for (const [name, cause] of rows) {
    await world.refused(t, request(name), UNAVAILABLE);
    t.match(await failureOf(name), { kind: 'redirect', status: 302, cause }, name);
  }
  t.equal(other.count('/elsewhere'), 0);
});

t.test('K21 discovery may lead to another host over https, or on loopback, not to plain http', async (t) => {
  await world.refused(t, request('leads-astray'), UNAVAILABLE);
  t.match(await failureOf('leads-astray'), { kind: 'body', cause: /jwks_uri that is not https/ });
  t.notOk(proxy.tunnels.some(({ authority }) => authority.includes('keys.example.com')));
  await world.forwarded(t, request('leads-away'));
});

t.test('K10 certificates by key id are keys like any others, each judged on its own', async (t) => {
  await world.forwarded(t, request('x509', key, 'ec'));
  await world.forwarded(t, request('x509', rsa, 'rsa'));
  await world.forwarded(t, request('x509', second, 'plain'));
  await world.forwarded(t, request('x509-held', key, 'ec'));
  const { ignored } = await world.gateway.line((line) => line.issuer === 'x509' && 'ignored' in line);
  t.match(ignored, [
    { kid: 'weak', reason: 'rsa_too_short' },
    { kid: 'page', reason: 'not_pem' },
  ]);
});

t.test('K12 a weak key in a certificate verifies nothing', async (t) => {
  await world.refused(t, request('x509', weak, 'weak'), INVALID_TOKEN);
  await world.refused(t, request('x509-held', second, 'ec'), INVALID_TOKEN);
});

t.test('K05 a key is fetched by its id when a token names it, and only then', async (t) => {
  t.notOk(
    plain.hits.some((path) => path.startsWith('/each/')),
    'nothing before',
  );
  await Promise.all([1, 2, 3].map(() => world.send(request('each'))));
  await world.forwarded(t, request('each'));
  await world.forwarded(t, request('each', rsa));
  t.equal(plain.count('/each/first'), 1);
  t.equal(plain.count('/each/rsa'), 1);
});

t.test(
  'K06 K12 an id that is not there, or whose key is weak, is 401; K08 a failing source is 503',
  async (t) => {
    await world.refused(t, request('each', second), INVALID_TOKEN);
    t.equal(plain.count('/each/second'), 1);
    await world.refused(t, request('each', second), INVALID_TOKEN);
    t.equal(plain.count('/each/second'), 1, 'remembered');
    await world.refused(t, request('each', weak), INVALID_TOKEN);
    await world.refused(t, request('each', key, '../keys'), INVALID_TOKEN);
    await world.refused(t, request('each', key, 'first?x'), INVALID_TOKEN);
  },
);

t.test('K08 an id that cannot be looked up is 503, and keys that are held go on', async (t) => {
  await world.refused(t, request('each', key, 'broken'), UNAVAILABLE);
  t.match(await failureOf('each'), { kind: 'status', status: 500, url: `${plain.url}/each/broken` });
  await world.forwarded(t, request('each'));
});

t.test('K07 a flood of ids costs four look-ups, and what is held goes on', async (t) => {
  await world.forwarded(t, request('flooded'));
  const flood = Array.from({ length: 150 }, (_, n) => world.send(request('flooded', key, `x${n}`)));
  const statuses = (await Promise.all(flood)).map(({ status }) => status);
  t.ok(statuses.every((status) => status === 401 || status === 503));
  const lookUps = plain.hits.filter((path) => path.startsWith('/flooded/x')).length;
  // One comes back each cooldown of ten seconds.
  t.ok(lookUps >= 1 && lookUps <= 6, `${lookUps}`);
  await world.forwarded(t, request('flooded'));
});

t.test('nothing leaked, nothing crashed', async (t) => {
  await world.conclude(t, [
    PROXY_PASSWORD,
    ISSUER_BEARER,
    Buffer.from(`gate:${PROXY_PASSWORD}`).toString('base64'),
  ]);
});
