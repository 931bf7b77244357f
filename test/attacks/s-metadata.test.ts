/**
 * Attacks S9, S16, S17: metadata that speaks for others or points elsewhere, and servers that are not who they should
 * be. Where nobody gave a key, no token is believed.
 */
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import {
  expiredCertificate,
  localCertificate,
  otherCertificate,
  testAuthority,
} from '../fixtures/certificates.ts';
import { startKeyServer } from '../fixtures/key-server.ts';
import { UNAVAILABLE } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, type Members, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const good = createSigningKey('ES256', 'good');
const bad = createSigningKey('ES256', 'bad');
const server = await startKeyServer(t);
const issuers: string[] = [];

/** Metadata that must not be used, for issuer `at` whose keys lie at `keys`. */
const METADATA: readonly (readonly [string, (at: string, keys: string) => object])[] = [
  ['of another issuer', (_, keys) => ({ issuer: 'https://other.test', jwks_uri: keys })],
  ['of the issuer with a slash', (at, keys) => ({ issuer: `${at}/`, jwks_uri: keys })],
  ['of the issuer in capitals', (at, keys) => ({ issuer: at.toUpperCase(), jwks_uri: keys })],
  ['of the issuer with a query', (at, keys) => ({ issuer: `${at}?x`, jwks_uri: keys })],
  ['of no issuer', (_, keys) => ({ jwks_uri: keys })],
  ['of a list of issuers', (at, keys) => ({ issuer: [at], jwks_uri: keys })],
  ['without jwks_uri', (at) => ({ issuer: at })],
  ['with keys in itself', (at) => ({ issuer: at, jwks: keySet(good), keys: [good.jwk] })],
  ['with a relative jwks_uri', (at) => ({ issuer: at, jwks_uri: '/metadata-keys' })],
  ['with a list of them', (at, keys) => ({ issuer: at, jwks_uri: [keys] })],
  ['with a file', (at) => ({ issuer: at, jwks_uri: 'file:///etc/passwd' })],
  ['with a data URL', (at) => ({ issuer: at, jwks_uri: `data:,${JSON.stringify(keySet(good))}` })],
  ['with http off loopback', (at) => ({ issuer: at, jwks_uri: 'http://192.0.2.1/keys' })],
  ['with http to the metadata of a cloud', (at) => ({ issuer: at, jwks_uri: 'http://169.254.169.254/keys' })],
  ['with http to a look-alike', (at) => ({ issuer: at, jwks_uri: 'http://127.0.0.1.other.test/keys' })],
  ['with credentials', (at, keys) => ({ issuer: at, jwks_uri: keys.replace('//', '//a:b@') })],
];
server.serve('/metadata-keys', keySet(good));
for (const [index, [, document]] of METADATA.entries()) {
  const at = `${server.url}/metadata-${index}`;
  server.serve(
    `/metadata-${index}/.well-known/openid-configuration`,
    document(at, `${server.url}/metadata-keys`),
  );
  issuers.push(`  metadata-${index}: {issuer: "${at}", audience: api}`);
}

/** An issuer of this name whose keys lie at that address. */
function issueAt(name: string, url: string, more: string): string {
  issuers.push(`  ${name}: {issuer: "https://${name}.test", audience: api, jwks_uri: "${url}"${more}}`);
  return name;
}

const tls = async (name: string, options: object, more = ''): Promise<string> => {
  const listener = createTlsServer(options, (_, response) => response.end(JSON.stringify(keySet(good))));
  listener.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    listener.close();
    listener.closeAllConnections();
  });
  const { port } = listener.address() as AddressInfo;
  return issueAt(name, `https://127.0.0.1:${port}/keys`, more);
};
const TRUST = ', ca_file: ca.pem';
const trusted = await tls('tls-good', localCertificate, TRUST);
const UNTRUSTED: readonly (readonly [string, string])[] = [
  ['of an unknown authority', await tls('tls-unknown', localCertificate, '')],
  ['for another name', await tls('tls-name', otherCertificate, TRUST)],
  // Trusted as itself, so that its end is all that is wrong with it.
  ['that has ended', await tls('tls-expired', expiredCertificate, ', ca_file: expired.pem')],
  [
    'of TLS 1.1',
    await tls(
      'tls-old',
      { ...localCertificate, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      TRUST,
    ),
  ],
  ['that is none', issueAt('tls-none', server.url.replace('http:', 'https:'), TRUST)],
];
const names = issuers.map((line) => line.trim().split(':', 1)[0]);
const world = await startWorld(t, {
  files: { 'ca.pem': testAuthority, 'expired.pem': expiredCertificate.cert },
  policy: (url) => `
upstream: ${url}
accept: [${names.join(', ')}]
issuers:
${issuers.join('\n')}
routes:
  - path: /**
`,
});
const request = (name: string, signer = good, header: Members = {}, claims: Members = {}) => ({
  target: '/orders',
  token: signToken(signer, { iss: `https://${name}.test`, ...claims }, header),
});

for (const [index, [name]] of METADATA.entries()) {
  t.test(`S16 metadata ${name} is not used`, async (t) => {
    await world.refused(t, request('', good, {}, { iss: `${server.url}/metadata-${index}` }), UNAVAILABLE);
    const line = await world.gateway.line((line) => line.issuer === `metadata-${index}` && 'cause' in line);
    // That the other place cannot be reached must not be why.
    t.match(String(line.cause), name.startsWith('of ') ? /names / : /has (no|a) jwks_uri/);
  });
}

t.test('S16 nobody asked for keys that such metadata named', async (t) => {
  t.equal(server.count('/metadata-keys'), 0);
});

t.test('S17 a certificate of the right authority for the right name', (t) =>
  world.forwarded(t, request(trusted)).then(() => undefined),
);
for (const [name, issuer] of UNTRUSTED) {
  t.test(`S17 a certificate ${name}`, async (t) => {
    await world.refused(t, request(issuer), UNAVAILABLE);
    if (issuer !== 'tls-expired') return;
    const line = await world.gateway.line((line) => line.issuer === issuer && 'cause' in line);
    t.match(String(line.cause), /has expired/, 'and nothing else is why');
  });
}

t.test('S9 where no key was given, none is believed', async (t) => {
  for (const [index] of METADATA.entries()) {
    const claims = { iss: `${server.url}/metadata-${index}` };
    await world.refused(t, request('', bad, { kid: undefined }, claims), UNAVAILABLE);
  }
});

t.test('S16 nothing leaked, nothing crashed', (t) => world.conclude(t));
