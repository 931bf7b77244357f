/**
 * T: the way to an upstream. It is who the policy names, by an address of the policy and a certificate for it, whatever a
 * caller says; what goes wrong on that way is told by a status, and done once.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import t from 'tap';
import { UPGRADE } from '../fixtures/attack-world.ts';
import {
  expiredCertificate,
  localCertificate,
  otherCertificate,
  selfSignedCertificate,
  testAuthority,
} from '../fixtures/certificates.ts';
import { BAD_GATEWAY, BAD_REQUEST, type ExpectedRefusal, GATEWAY_TIMEOUT } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key, { tenant: 'evil.test' });
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';

/** Bytes of requests that each of our TLS upstreams has read, by its port. */
const read = new Map<number, string>();

async function listen(server: Server, where: string | number, host?: string): Promise<number> {
  await new Promise<void>((resolve) =>
    typeof where === 'string' ? server.listen(where, resolve) : server.listen(where, host, resolve),
  );
  t.teardown(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function tlsUpstream(options: TlsOptions): Promise<number> {
  let port = 0;
  const server = createTlsServer(options, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      read.set(port, (read.get(port) ?? '') + chunk.toString('latin1'));
      socket.end(OK);
    });
  });
  server.on('tlsClientError', () => {});
  port = await listen(server, 0, '127.0.0.1');
  return port;
}

const [good, self, other, expired, old] = await Promise.all([
  tlsUpstream(localCertificate),
  tlsUpstream(selfSignedCertificate),
  tlsUpstream(otherCertificate),
  tlsUpstream(expiredCertificate),
  tlsUpstream({ ...localCertificate, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }),
]);
const plain = (): Server =>
  createServer((socket) => socket.on('error', () => {}).on('data', () => socket.end(OK)));
const directory = mkdtempSync(join(tmpdir(), 'sallyport-upstream-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const path = join(directory, 'upstream.sock');
await listen(plain(), path);
const version6 = await listen(plain(), 0, '::1').catch(() => 0);

const names = [
  'good',
  'untrusted',
  'self',
  'other',
  'expired',
  'old',
  'refused',
  'lost',
  'socket',
  'six',
  'main',
  'late',
];
const world = await startWorld(t, {
  files: { 'ca.pem': testAuthority },
  policy: (url) => `
upstreams:
  main: "${url}"
  late: {url: "${url}", response_timeout: 200ms, idle_timeout: 200ms}
  good: {url: "https://localhost:${good}", tls: {ca_file: ca.pem}}
  untrusted: https://localhost:${good}
  self: {url: "https://localhost:${self}", tls: {ca_file: ca.pem}}
  other: {url: "https://localhost:${other}", tls: {ca_file: ca.pem}}
  expired: {url: "https://localhost:${expired}", tls: {ca_file: ca.pem}}
  old: {url: "https://localhost:${old}", tls: {ca_file: ca.pem}}
  refused: http://127.0.0.1:2
  lost: http://upstream.invalid
  socket: unix:${path}
  six: http://[::1]:${version6 || 2}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
routes:
${names.map((name) => `  - {path: /${name}/**, upstream: ${name}, websocket: true}`).join('\n')}
  - {path: "/t/{tenant}/{rest...}", upstream: main, rewrite: {path: "/{tenant}/{rest...}"}}
`,
});
const { upstream } = world;

/** Ways to ask: none of them may reach an upstream that is not who it should be. */
const WAYS: readonly (readonly [name: string, more: RequestParts])[] = [
  ['GET', {}],
  ['POST', { method: 'POST', body: 'secret' }],
  ['an upgrade', { headers: UPGRADE }],
  ['a Host of the certificate', { host: 'other.test' }],
];
const UNTRUSTED: [name: string, target: string, port: number][] = [
  ['T1 signed by itself', '/self/x', self],
  ['T2 for another name', '/other/x', other],
  ['T3 of another time', '/expired/x', expired],
  ['T4 signed by nobody we know', '/untrusted/x', good],
  ['T4 spoken to in a version that is no more', '/old/x', old],
];
for (const [name, target, port] of UNTRUSTED) {
  t.test(`${name}: 502, and it never reads a byte of a request`, async (t) => {
    const before = read.get(port);
    for (const [way, more] of WAYS) {
      t.comment(way);
      await world.refused(t, { target, token, ...more }, BAD_GATEWAY);
    }
    t.equal(read.get(port), before);
  });
}

t.test('T2 T4 the one that is who it should be is spoken to', async (t) => {
  for (const host of ['api.test', 'other.test', 'localhost']) {
    t.equal((await world.send({ target: '/good/x', token, host })).status, 200, host);
  }
  t.match(read.get(good), /^GET \/good\/x HTTP\/1\.1\r\n/);
});

/** What an upstream does instead of an answer, and what the caller is told. */
const FAILING: [name: string, target: string, status: ExpectedRefusal][] = [
  ['refuses connections', '/refused/x', BAD_GATEWAY],
  // The list wants 503, which would say that trying again helps; of a name that is nobody's that is not known.
  ['has a name that nobody has', '/lost/x', BAD_GATEWAY],
  ['resets', '/main/reset', BAD_GATEWAY],
  ['ends', '/main/end', BAD_GATEWAY],
  ['resets in the middle of a head', '/main/head', BAD_GATEWAY],
  ['says nothing', '/late/silent', GATEWAY_TIMEOUT],
  ['says half a head, and then nothing', '/late/half', GATEWAY_TIMEOUT],
];
upstream.answer = ({ target }, socket) => {
  if (target === '/main/reset') socket.resetAndDestroy();
  else if (target === '/main/end') socket.end();
  else if (target === '/main/head') socket.write('HTTP/1.1 200 OK\r\nX: ', () => socket.resetAndDestroy());
  else if (target === '/late/half') socket.write('HTTP/1.1 200 OK\r\nX: ');
  else if (target === '/main/body') {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', () => socket.resetAndDestroy());
  } else if (target === '/late/stops') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
  else if (target !== '/late/silent') return OK;
  return undefined;
};
for (const [name, target, expected] of FAILING) {
  t.test(`T6 T9 an upstream that ${name}`, async (t) => {
    for (const method of ['GET', 'POST', 'DELETE', 'PATCH']) {
      const before = upstream.requests.length;
      const response = await world.send({ target, token, method, ...(method !== 'GET' && { body: 'once' }) });
      t.equal(response.status, expected.status, method);
      t.equal(response.body.toString(), expected.body);
      t.equal(
        upstream.requests.length - before,
        /^\/(?:main|late)\//.test(target) ? 1 : 0,
        `${method}: never twice`,
      );
    }
  });
}

t.test('T6 an answer that breaks off, or stops, breaks off for the caller too', async (t) => {
  for (const target of ['/main/body', '/late/stops']) {
    await t.rejects(world.send({ target, token }), /connection ended/, target);
  }
  t.ok(world.gateway.running());
});

t.test('T8 a unix socket, and an address of IPv6', async (t) => {
  t.equal((await world.send({ target: '/socket/x', token })).status, 200);
  if (version6 > 0) t.equal((await world.send({ target: '/six/x', token })).status, 200);
});

const NAMES = ['evil.test', 'evil.test:80', '127.0.0.1:2', 'localhost', '[::1]', '169.254.169.254'];
t.test('T7 nothing that a caller says chooses where a request goes', async (t) => {
  const fields = [
    'X-Forwarded-Host',
    'X-Forwarded-Server',
    'X-Host',
    'X-Original-Host',
    'X-Upstream',
    'Forwarded',
    'X-Rewrite-URL',
  ];
  for (const name of NAMES) {
    await world.forwarded(t, { target: '/main/x', token, host: name });
    const headers = fields.map((field) => [field, field === 'Forwarded' ? `host="${name}"` : name] as const);
    await world.forwarded(t, { target: '/main/x', token, headers });
    await world.forwarded(t, { target: `/main/x?url=http://${name}/&host=${name}`, token });
  }
});

/** Parameters that would end an authority, if any were made of them; and what the upstream sees of each. */
const PARAMETERS: Record<string, string | null> = {
  'evil.com@': '/evil.com@/x',
  '@evil.com': '/@evil.com/x',
  'evil.com:80': '/evil.com:80/x',
  // Decoded and written anew: a segment may hold an "@" (RFC 3986 section 3.3), and no authority begins in a path.
  '%40evil.com': '/@evil.com/x',
  '127.0.0.1%23': '/127.0.0.1%23/x',
  '127.0.0.1%3F': '/127.0.0.1%3F/x',
  'http:': '/http:/x',
  '..': null,
  '%2e%2e': null,
  '%2e': null,
  '%2f%2fevil.com': null,
  '%5cevil.com': null,
  '127.0.0.1#': null,
  '': null,
};
t.test('T7 a parameter stays one segment of the path', async (t) => {
  for (const [parameter, seen] of Object.entries(PARAMETERS)) {
    const request = { target: `/t/${parameter}/x`, token };
    if (seen === null) await world.refused(t, request, BAD_REQUEST);
    else t.equal((await world.forwarded(t, request)).target, seen, parameter);
  }
});

t.test('T1 nothing leaked, nothing crashed', (t) => world.conclude(t));
