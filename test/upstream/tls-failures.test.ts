/** TLS failures of an upstream: each is 502 and named, for a request and for a WebSocket handshake, whatever OpenSSL calls it. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import t, { type Test } from 'tap';
import {
  expiredCertificate,
  localCertificate,
  otherCertificate,
  testAuthority,
} from '../fixtures/certificates.ts';
import { startForwarding, targetAt } from '../fixtures/forwarding.ts';
import { exchange } from '../fixtures/raw-client.ts';

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
const REQUESTS = ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', `GET / HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\n`];

async function listen(t: Test, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => socket.destroy())));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Asks both ways; gives reasons and causes. */
async function causes(t: Test, port: number): Promise<string[]> {
  const tls = { ca: testAuthority, cert: null, key: null, serverName: null, insecureSkipVerify: false };
  const { port: gateway, ending } = await startForwarding(t, {
    upstream: { targets: [targetAt(port, 'https')], tls },
  });
  const found: string[] = [];
  for (const request of REQUESTS) {
    const [response] = await exchange(gateway, request);
    t.equal(response?.status, 502);
    const { refusal } = await ending();
    found.push(
      `${refusal?.kind} ${refusal?.reason} ${JSON.stringify(refusal && 'detail' in refusal && refusal.detail)}`,
    );
  }
  return found;
}

t.test('every alert is tls_failed', async (t) => {
  let alert = 0;
  const port = await listen(
    t,
    createServer((socket) => socket.once('data', () => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, alert])))),
  );
  // RFC 8446 section 6: those that are defined, and those of earlier versions.
  for (const code of [
    10, 20, 21, 22, 30, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 60, 70, 71, 80, 86, 90, 100, 109, 110,
    111, 112, 113, 114, 115, 116, 120,
  ]) {
    alert = code;
    for (const found of await causes(t, port)) {
      t.match(found, /^bad_gateway tls_failed \{"cause":"[A-Z0-9_]+"\}$/, `${code}`);
      t.notMatch(found, /unknown/, `${code}`);
    }
  }
});

const SERVERS: readonly (readonly [name: string, options: TlsOptions])[] = [
  [
    'a client certificate is wanted in TLS 1.2',
    { ...localCertificate, requestCert: true, maxVersion: 'TLSv1.2' },
  ],
  [
    'no common cipher',
    { ...localCertificate, ciphers: 'ADH-AES128-SHA256:@SECLEVEL=0', maxVersion: 'TLSv1.2' },
  ],
  ['an old version', { ...localCertificate, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }],
  ['another name', otherCertificate],
  ['an expired certificate', expiredCertificate],
];
for (const [name, options] of SERVERS) {
  t.test(name, async (t) => {
    const server = createTlsServer({ ca: testAuthority, ...options }, (socket) =>
      socket.on('error', () => {}),
    );
    server.on('tlsClientError', () => {});
    for (const found of await causes(t, await listen(t, server))) t.match(found, /^bad_gateway tls_failed /);
  });
}

t.test(
  'a client certificate is wanted in TLS 1.3, where the handshake is over before that is said',
  async (t) => {
    const options = {
      ...localCertificate,
      ca: testAuthority,
      requestCert: true,
      minVersion: 'TLSv1.3',
    } as const;
    const server = createTlsServer(options, (socket) => socket.on('error', () => {}));
    server.on('tlsClientError', () => {});
    for (const found of await causes(t, await listen(t, server)))
      t.match(found, /^bad_gateway (?:reset|tls_failed) /);
  },
);

t.test('no TLS at all', async (t) => {
  const said = ['HTTP/1.1 400 Bad Request\r\n\r\n', 'SSH-2.0-x\r\n', '\u0000'.repeat(100)];
  for (const bytes of said) {
    const server = createServer((socket) => socket.once('data', () => socket.end(bytes)));
    for (const found of await causes(t, await listen(t, server))) t.match(found, /^bad_gateway tls_failed /);
  }
});

t.test('a connection that is lost in the handshake', async (t) => {
  const server = createServer((socket) => socket.once('data', () => socket.end()));
  for (const found of await causes(t, await listen(t, server))) t.match(found, /^bad_gateway reset /);
});
