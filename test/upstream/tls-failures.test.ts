/** Every failure of TLS with an upstream is 502 and named, for requests and for WebSocket handshakes alike. */
import { once } from 'node:events';
import { type AddressInfo, createServer as createNetServer, type Server } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import t, { type Test } from 'tap';
import { localCertificate, testAuthority } from '../fixtures/certificates.ts';
import { exchange } from '../fixtures/raw-client.ts';
import { serve } from '../fixtures/server.ts';

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n');

async function listen(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

const SERVERS: readonly [name: string, options: TlsOptions | 'plain' | 'silent'][] = [
  [
    'TLS 1.2 with a client certificate wanted',
    { maxVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: true, ca: testAuthority },
  ],
  [
    'TLS 1.3 with a client certificate wanted',
    { minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true, ca: testAuthority },
  ],
  ['no common cipher', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }],
  ['no common version', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }],
  ['no certificate at all', { cert: '', key: '' }],
  ['plain HTTP', 'plain'],
  ['a connection that closes at once', 'silent'],
];

for (const [name, options] of SERVERS) {
  t.test(name, async (t) => {
    const server =
      typeof options === 'string'
        ? createNetServer((socket) => {
            socket.on('error', () => {});
            if (options === 'silent') socket.destroy();
            else socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
          })
        : createServer({ ...localCertificate, ...options }, (socket) => socket.end());
    server.on('tlsClientError', () => {});
    const upstream = await listen(t, server);
    const { port, log } = await serve(
      t,
      `upstream: {url: "https://127.0.0.1:${upstream}", tls: {insecure_skip_verify: true}}
routes: [{path: /**, auth: none, websocket: true}]
`,
    );
    for (const fields of ['', `${UPGRADE}\r\n`]) {
      const [response] = await exchange(port, `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`, ['GET']);
      t.equal(response?.status, 502);
      t.equal(response?.body.toString(), '{"error":"bad_gateway"}');
    }
    const decisions = log.lines.filter(({ message }) => message === 'request');
    t.equal(decisions.length, 2);
    for (const { fields } of decisions as readonly { fields: Readonly<Record<string, unknown>> }[])
      t.match(String(fields['auth.reason']), /^(?:tls_failed|reset)$/, JSON.stringify(fields));
  });
}
