/**
 * An upstream that answers in the middle of an upload and closes: what it answered reaches the client whole, although writing
 * to it fails; what it did not finish is no answer.
 */
import { createServer, type Server } from 'node:http';
import { createServer as createBareServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import t, { type Test } from 'tap';
import { localCertificate, testAuthority } from '../fixtures/certificates.ts';
import { startForwarding, targetAt } from '../fixtures/forwarding.ts';
import { openConnection, type RawResponse } from '../fixtures/raw-client.ts';

const TRIES = 50;
const SIZES = [200_000, 1_000_000, 5_000_000];
const CHUNK = 16_384;

async function listen(t: Test, server: Server | ReturnType<typeof createBareServer>): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Sends as fast as it is taken, whatever is answered, and reads at the same time; null when no whole answer came. */
async function upload(port: number, size: number, chunked: boolean): Promise<RawResponse | null> {
  const connection = await openConnection(port);
  const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`;
  connection.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
  const piece = Buffer.alloc(CHUNK, 'x');
  let left = size;
  const pump = (): void => {
    while (left > 0 && connection.socket.writable) {
      const part = piece.subarray(0, Math.min(left, CHUNK));
      left -= part.length;
      if (chunked) connection.socket.write(`${part.length.toString(16)}\r\n`);
      const more = connection.socket.write(part);
      if (chunked) connection.socket.write(left === 0 ? '\r\n0\r\n\r\n' : '\r\n');
      if (!more) {
        connection.socket.once('drain', pump);
        return;
      }
    }
  };
  pump();
  const response = await connection.response('POST').catch(() => null);
  // With all of the upload read, the connection may serve more.
  if (response === null || response.get('connection') === 'close') await connection.closed();
  connection.destroy();
  return response;
}

/** Statuses and bodies of many tries, counted. */
async function outcomes(port: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < TRIES; i += 1) {
    const response = await upload(port, SIZES[i % SIZES.length] ?? CHUNK, i % 2 === 0);
    const name = response === null ? 'none' : `${response.status} ${response.body}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const ANSWER = 'HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo long';

t.test('a server of Node that answers 413 at once and closes', async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(413, { connection: 'close', 'content-length': 8 });
    response.end('too long');
  });
  const { port } = await startForwarding(t, { upstream: { targets: [targetAt(await listen(t, server))] } });
  t.strictSame(await outcomes(port), { '413 too long': TRIES });
});

t.test('one that answers in chunks and destroys the connection', async (t) => {
  const server = createServer((request, response) => {
    response.writeHead(413, { connection: 'close' });
    response.end('too long', () => request.socket.destroy());
  });
  const { port } = await startForwarding(t, { upstream: { targets: [targetAt(await listen(t, server))] } });
  t.strictSame(await outcomes(port), { '413 too long': TRIES });
});

t.test('one over TLS', async (t) => {
  const server = createTlsServer(localCertificate, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(ANSWER, () => socket.destroy()));
  });
  const tls = { ca: testAuthority, cert: null, key: null, serverName: null, insecureSkipVerify: false };
  const { port } = await startForwarding(t, {
    upstream: { targets: [targetAt(await listen(t, server), 'https')], tls },
  });
  t.strictSame(await outcomes(port), { '413 too long': TRIES });
});

t.test('an answer that is not whole is none', async (t) => {
  for (const part of ['', 'HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Le']) {
    const server = createBareServer((socket) => {
      socket.once('data', () =>
        part === '' ? socket.destroy() : socket.write(part, () => socket.destroy()),
      );
    });
    const { port, ending } = await startForwarding(t, {
      upstream: { targets: [targetAt(await listen(t, server))] },
    });
    for (let i = 0; i < 10; i += 1) {
      t.equal((await upload(port, 1_000_000, i % 2 === 0))?.status, 502);
      t.match((await ending()).refusal, { kind: 'bad_gateway', reason: 'reset' });
    }
  }
});

t.test('a body that is not whole is cut for the client too', async (t) => {
  const server = createBareServer((socket) => {
    socket.once('data', () => socket.write(ANSWER.slice(0, -3), () => socket.destroy()));
  });
  const { port } = await startForwarding(t, { upstream: { targets: [targetAt(await listen(t, server))] } });
  for (let i = 0; i < 10; i += 1) t.equal(await upload(port, 1_000_000, i % 2 === 0), null);
});
