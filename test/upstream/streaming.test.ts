/** Bodies on their way, both ways: backpressure, early answers, bounds, and what happens when somebody leaves. */
import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { until } from '../fixtures/fake-time.ts';
import { type Forwarding, startForwarding, targetAt } from '../fixtures/forwarding.ts';
import { openConnection } from '../fixtures/raw-client.ts';
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts';

const MIB = 1024 * 1024;
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = (framing: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`;

/** An upstream whose every connection is handed to the test. */
async function startSocketUpstream(t: Test, take: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    take(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Nothing is under way and nothing is kept. */
async function atRest(t: Test, { upstreams }: Forwarding): Promise<void> {
  await until(() => upstreams.inFlight.running === 0);
  t.equal(upstreams.inFlight.waiting, 0);
  t.equal(upstreams.openStreams.size, 0);
}

t.test('3 MB of text go up and down byte for byte', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const text = Buffer.from(`${'ü\u0000é line\r\n'.repeat(300_000)}`).subarray(0, 3_000_000);
  upstream.answer = (request) =>
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${request.body.length}\r\n\r\n`),
      request.body,
    ]);
  const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
  for (const chunked of [false, true]) {
    const connection = await openConnection(forwarding.port);
    connection.write(
      post(
        `Content-Type: text/plain; charset=latin1\r\n${chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${text.length}`}`,
      ),
    );
    if (chunked) connection.write(`${text.length.toString(16)}\r\n`);
    connection.write(text);
    if (chunked) connection.write('\r\n0\r\n\r\n');
    const response = await connection.response('POST');
    t.equal(response.status, 200);
    t.ok(response.body.equals(text));
    t.strictSame(upstream.requests.at(-1)?.all('content-type'), ['text/plain; charset=latin1']);
    t.match((await forwarding.ending()).outcome, { bytesIn: text.length, bytesOut: text.length });
    connection.destroy();
  }
});

t.test('D14 64 MiB down to a slow reader: nobody holds more than the buffers', async (t) => {
  const size = 64 * MIB;
  const piece = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  const port = await startSocketUpstream(t, (socket) => {
    const pump = (): void => {
      while (sent < size) {
        sent += piece.length;
        if (!socket.write(piece)) {
          socket.once('drain', pump);
          return;
        }
      }
    };
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      pump();
    });
  });
  const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(port)] } });
  const connection = await openConnection(forwarding.port);
  connection.socket.removeAllListeners('data');
  connection.socket.pause();
  connection.write(GET);
  // Until nothing moves any more: what was taken from the upstream lies in the kernel's and our own buffers.
  let before = -1;
  while (before !== sent || sent === 0) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  t.ok(sent < 32 * MIB, `the upstream was held back at ${sent} bytes`);
  let read = 0;
  connection.socket.on('data', (chunk) => {
    read += chunk.length;
  });
  connection.socket.resume();
  t.match((await forwarding.ending()).outcome, { end: 'complete', bytesOut: size });
  await until(() => read > size);
  connection.destroy();
  await atRest(t, forwarding);
});

t.test('a long answer to a pipelined request waits for its turn, and comes whole', async (t) => {
  const upstream = await startRecordingUpstream(t);
  let release = (): void => {};
  const body = 'x'.repeat(4 * MIB);
  upstream.answer = (request, socket) => {
    if (request.target === '/second')
      return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    release = () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst');
    return undefined;
  };
  const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
  const connection = await openConnection(forwarding.port);
  connection.write(`GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n`);
  await until(() => upstream.requests.length === 2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(connection.rest().length, 0);
  release();
  t.equal((await connection.response()).body.toString(), 'first');
  t.equal((await connection.response()).body.toString(), body);
  connection.destroy();
  await atRest(t, forwarding);
});

t.test('D14 64 MiB up to a slow upstream: the caller is held back', async (t) => {
  const size = 64 * MIB;
  const hash = createHash('sha1');
  let received = 0;
  let upstreamSocket: Socket | null = null;
  const port = await startSocketUpstream(t, (socket) => {
    upstreamSocket = socket;
    socket.pause();
    let header = true;
    socket.on('data', (chunk: Buffer) => {
      const body = header ? chunk.subarray(chunk.indexOf('\r\n\r\n') + 4) : chunk;
      header = false;
      hash.update(body);
      received += body.length;
      if (received === size) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    socket.pause();
  });
  const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(port)] } });
  const connection = await openConnection(forwarding.port);
  connection.write(post(`Content-Length: ${size}`));
  const piece = Buffer.alloc(64 * 1024, 'y');
  let sent = 0;
  const pump = (): void => {
    while (sent < size) {
      sent += piece.length;
      if (!connection.socket.write(piece)) {
        connection.socket.once('drain', pump);
        return;
      }
    }
  };
  pump();
  let before = -1;
  while (before !== sent || upstreamSocket === null) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  t.ok(sent < 32 * MIB, `the caller was held back at ${sent} bytes`);
  (upstreamSocket as Socket).resume();
  t.equal((await connection.response('POST')).status, 200);
  t.equal(hash.digest('hex'), createHash('sha1').update(Buffer.alloc(size, 'y')).digest('hex'));
  connection.destroy();
  await atRest(t, forwarding);
});

t.test('R22 an answer that comes before the upload has ended', async (t) => {
  const table = [
    ['of a known length', 'HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nabc', 'abc'],
    ['without a body', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', 'abc'],
    ['in chunks, none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', ''],
  ] as const;
  for (const [name, answer, body] of table) {
    await t.test(name, async (t) => {
      let closed = 0;
      const sockets: Socket[] = [];
      const port = await startSocketUpstream(t, (socket) => {
        sockets.push(socket);
        socket.once('data', () => {
          // Answers, and reads no further.
          socket.pause();
          socket.write(answer);
        });
        socket.on('close', () => {
          closed += 1;
        });
      });
      const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(port)] } });
      const connection = await openConnection(forwarding.port);
      const size = 24 * MIB;
      connection.write(post(`Content-Length: ${size}`));
      // A client that sends all of it first and reads later, and then puts another request behind it.
      connection.socket.pause();
      await new Promise<void>((resolve) => connection.socket.write(Buffer.alloc(size), () => resolve()));
      connection.write('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
      connection.socket.resume();
      const response = await connection.response('POST');
      t.equal(response.status, Number(answer.slice(9, 12)));
      t.equal(response.body.toString(), body);
      t.equal(response.get('connection'), 'close');
      await connection.closed();
      t.equal(connection.rest().length, 0, 'nothing follows the answer');
      t.match((await forwarding.ending()).outcome, { end: 'complete' });
      for (const socket of sockets) socket.resume();
      await until(() => closed === 1);
      t.equal(forwarding.endings.length, 1, 'R15 what followed the upload was never a request');
      await atRest(t, forwarding);
    });
  }

  await t.test('to a caller who speaks HTTP/1.0 ends by a half-close', async (t) => {
    const port = await startSocketUpstream(t, (socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
      );
    });
    const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(port)] } });
    const connection = await openConnection(forwarding.port);
    connection.write('POST / HTTP/1.0\r\nContent-Length: 1000\r\n\r\nabc');
    const response = await connection.response('POST');
    t.equal(response.body.toString(), 'abc');
    connection.destroy();
    await atRest(t, forwarding);
  });

  await t.test('and the upload goes on while the upstream reads', async (t) => {
    const upstream = await startRecordingUpstream(t);
    upstream.onHead = (_request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
      return false;
    };
    upstream.answer = (request) => `${request.body.length.toString(16)}\r\n${request.body}\r\n0\r\n\r\n`;
    const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
    const connection = await openConnection(forwarding.port);
    connection.write(`${post('Content-Length: 4')}la`);
    await until(() => connection.rest().includes('first'));
    connection.write('st');
    const response = await connection.response('POST');
    t.equal(response.body.toString(), 'firstlast');
    t.equal(response.get('connection'), 'close');
    await connection.closed();
  });
});

t.test('a body that is longer than the route allows', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const targets = [targetAt(upstream.port)];
  const forwarding = await startForwarding(t, { upstream: { targets }, route: { bodyBytes: 10 } });
  await t.test('declared: 413 at once, and the upstream hears nothing', async (t) => {
    const connection = await openConnection(forwarding.port);
    connection.write(post('Content-Length: 11'));
    const response = await connection.response('POST');
    t.equal(response.status, 413);
    t.equal(response.get('connection'), 'close');
    t.equal(upstream.connections(), 0);
    t.match((await forwarding.ending()).refusal, { kind: 'content_too_large', reason: 'declared_length' });
    connection.destroy();
  });
  await t.test('grown: 413, and the upstream is left in the middle of a body', async (t) => {
    const connection = await openConnection(forwarding.port);
    connection.write(post('Transfer-Encoding: chunked'));
    connection.write('a\r\n0123456789\r\n');
    await until(() => upstream.connections() === 1);
    connection.write('1\r\na\r\n0\r\n\r\n');
    const response = await connection.response('POST');
    t.equal(response.status, 413);
    t.match((await forwarding.ending()).refusal, { kind: 'content_too_large', reason: 'body_too_long' });
    t.equal(upstream.requests.length, 0, 'it never saw a whole request');
    await connection.closed();
  });
  await t.test('exactly as long: forwarded', async (t) => {
    const connection = await openConnection(forwarding.port);
    connection.write(`${post('Content-Length: 10')}0123456789`);
    t.equal((await connection.response('POST')).status, 200);
    connection.destroy();
  });
  await t.test('grown after the answer began: cut', async (t) => {
    upstream.onHead = (_request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
      return true;
    };
    const connection = await openConnection(forwarding.port);
    connection.write(`${post('Transfer-Encoding: chunked')}1\r\n0\r\n`);
    await until(() => connection.rest().includes('abc'));
    connection.write('a\r\n123456789a\r\n');
    await t.rejects(connection.response('POST'));
    t.match(forwarding.endings.at(-1)?.outcome, { status: 200, end: 'body_too_long' });
  });
  await atRest(t, forwarding);
});

t.test('R18 D16 a caller who leaves takes the upstream exchange along', async (t) => {
  const start = async (t: Test, answer = '') => {
    const sockets: Socket[] = [];
    let closed = 0;
    const port = await startSocketUpstream(t, (socket) => {
      sockets.push(socket);
      socket.on('data', () => {});
      socket.once('data', () => socket.write(answer));
      socket.on('close', () => {
        closed += 1;
      });
    });
    const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(port)] } });
    return { forwarding, sockets, closed: () => closed };
  };
  const table = [
    ['B12 before an answer', GET, '', 'destroy'],
    ['by a reset before an answer', GET, '', 'reset'],
    ['in the middle of an upload', `${post('Content-Length: 100')}abc`, '', 'reset'],
    ['in the middle of a chunked upload', `${post('Transfer-Encoding: chunked')}3\r\nabc\r\n`, '', 'destroy'],
    ['in the middle of an answer', GET, 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc', 'destroy'],
  ] as const;
  for (const [name, request, answer, how] of table) {
    await t.test(name, async (t) => {
      const { forwarding, sockets, closed } = await start(t, answer);
      const connection = await openConnection(forwarding.port);
      connection.socket.on('error', () => {});
      connection.write(request);
      await until(() => sockets.length === 1);
      if (answer !== '') await until(() => connection.rest().includes('abc'));
      if (how === 'reset') connection.socket.resetAndDestroy();
      else connection.destroy();
      t.match((await forwarding.ending()).outcome, { end: 'client_gone', status: answer === '' ? 0 : 200 });
      await until(() => closed() === 1);
      await atRest(t, forwarding);
    });
  }
  await t.test('by a half-close in the middle of an upload', async (t) => {
    const { forwarding, sockets, closed } = await start(t);
    const connection = await openConnection(forwarding.port);
    connection.write(`${post('Content-Length: 100')}abc`);
    await until(() => sockets.length === 1);
    connection.socket.end();
    await forwarding.ending();
    await until(() => closed() === 1);
    await atRest(t, forwarding);
  });
  await t.test('while several of their requests are under way', async (t) => {
    const { forwarding, sockets, closed } = await start(t);
    const connection = await openConnection(forwarding.port);
    connection.write(`${GET.repeat(12)}${post('Content-Length: 3')}abc`);
    await until(() => sockets.length === 13);
    connection.destroy();
    for (let i = 0; i < 13; i += 1) t.match((await forwarding.ending()).outcome, { end: 'client_gone' });
    await until(() => closed() === 13);
    await atRest(t, forwarding);
  });
  await t.test('W7 before the request is forwarded', async (t) => {
    const upstream = await startRecordingUpstream(t);
    let asked = 0;
    const forwarding = await startForwarding(t, {
      upstream: { targets: [targetAt(upstream.port)] },
      before: (request) => {
        asked += 1;
        return new Promise((resolve) => request.socket.once('close', () => setImmediate(resolve)));
      },
    });
    const handshake =
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    for (const [i, request] of [GET, `${post('Content-Length: 9')}abc`, handshake].entries()) {
      const connection = await openConnection(forwarding.port);
      connection.socket.on('error', () => {});
      connection.write(request);
      await until(() => asked === i + 1);
      connection.socket.resetAndDestroy();
      t.match((await forwarding.ending()).outcome, { end: 'client_gone', status: 0 });
    }
    t.equal(upstream.connections(), 0, 'the upstream hears nothing of it');
    await atRest(t, forwarding);
  });
  await t.test('200 times, and nothing is kept', async (t) => {
    const { forwarding, sockets, closed } = await start(t);
    for (let i = 0; i < 200; i += 1) {
      const connection = await openConnection(forwarding.port);
      connection.write(GET);
      await until(() => sockets.length === i + 1);
      connection.destroy();
      await forwarding.ending();
    }
    await until(() => closed() === 200);
    await atRest(t, forwarding);
  });
});

t.test('time without a byte', async (t) => {
  const HALF = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc';
  await t.test('between body bytes of the upstream cuts', async (t) => {
    const port = await startSocketUpstream(t, (socket) => socket.once('data', () => socket.write(HALF)));
    const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(port)], idleTimeout: 50 } });
    const connection = await openConnection(forwarding.port);
    connection.write(GET);
    await t.rejects(connection.response());
    t.match((await forwarding.ending()).outcome, { status: 200, end: 'idle', bytesOut: 3 });
    await atRest(t, forwarding);
  });
  await t.test('is counted anew at every byte', async (t) => {
    const port = await startSocketUpstream(t, (socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
        for (let i = 0; i < 10; i += 1) setTimeout(() => socket.write('a'), 200 * i);
      }),
    );
    const forwarding = await startForwarding(t, {
      upstream: { targets: [targetAt(port)], idleTimeout: 1_500 },
    });
    const connection = await openConnection(forwarding.port);
    connection.write(GET);
    t.equal((await connection.response()).body.length, 10);
    connection.destroy();
  });
  await t.test('between body bytes of the caller is 408', async (t) => {
    const port = await startSocketUpstream(t, (socket) => socket.on('data', () => {}));
    const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(port)], idleTimeout: 50 } });
    const connection = await openConnection(forwarding.port);
    connection.write(`${post('Content-Length: 100')}abc`);
    t.equal((await connection.response('POST')).status, 408);
    t.match((await forwarding.ending()).refusal, { kind: 'request_timeout', reason: 'body_idle' });
    connection.destroy();
    await atRest(t, forwarding);
  });
  await t.test('because the caller takes nothing cuts', async (t) => {
    const port = await startSocketUpstream(t, (socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
        socket.write(Buffer.alloc(64 * MIB));
      });
    });
    const forwarding = await startForwarding(t, {
      upstream: { targets: [targetAt(port)], idleTimeout: 100 },
    });
    const connection = await openConnection(forwarding.port);
    connection.socket.removeAllListeners('data');
    connection.socket.pause();
    connection.socket.on('error', () => {});
    connection.write(GET);
    t.match((await forwarding.ending()).outcome, { end: 'idle' });
    connection.destroy();
    await atRest(t, forwarding);
  });
});

t.test('event streams', async (t) => {
  const HEAD =
    'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n';
  const EVENT = '9\r\ndata: 1\n\n\r\n';
  const start = (t: Test, options: Partial<Parameters<typeof startForwarding>[1]> = {}) => {
    let upstreamClosed = false;
    let write: (text: string) => void = () => {};
    const ready = startSocketUpstream(t, (socket) => {
      socket.once('data', () => socket.write(HEAD));
      socket.on('close', () => {
        upstreamClosed = true;
      });
      write = (text) => socket.write(text);
    });
    return ready.then(async (port) => {
      const targets = [targetAt(port)];
      const forwarding = await startForwarding(t, {
        ...options,
        upstream: { targets, idleTimeout: 50, ...options.upstream },
      });
      return { forwarding, write: (text: string) => write(text), upstreamClosed: () => upstreamClosed };
    });
  };
  await t.test('B14 begin at once, may be silent, and do not count as in flight', async (t) => {
    const { forwarding, write, upstreamClosed } = await start(t);
    const connection = await openConnection(forwarding.port);
    connection.write(GET);
    await until(() => connection.rest().includes('text/event-stream'));
    await until(() => forwarding.upstreams.openStreams.size === 1);
    t.equal(forwarding.upstreams.inFlight.running, 0);
    await new Promise((resolve) => setTimeout(resolve, 150));
    write(EVENT);
    await until(() => connection.rest().includes('data: 1'));
    connection.destroy();
    t.match((await forwarding.ending()).outcome, { end: 'client_gone', bytesOut: 9 });
    await until(upstreamClosed);
    await atRest(t, forwarding);
  });
  await t.test('are bound by an idle timeout that the route writes', async (t) => {
    const { forwarding } = await start(t, { route: { idleTimeoutBindsStreams: true } });
    const connection = await openConnection(forwarding.port);
    connection.write(GET);
    await t.rejects(connection.response());
    t.match((await forwarding.ending()).outcome, { end: 'idle' });
    await atRest(t, forwarding);
  });
  await t.test('WS07 end with their credential', async (t) => {
    let now = 0;
    const { forwarding, upstreamClosed } = await start(t, {
      now: () => now,
      plan: () => ({ expiresAt: 1 }),
    });
    const connection = await openConnection(forwarding.port);
    connection.write(GET);
    await until(() => forwarding.upstreams.openStreams.size === 1);
    now = 1;
    const response = await connection.response();
    t.equal(response.status, 200, 'the end is a clean one');
    t.match((await forwarding.ending()).outcome, { end: 'expired' });
    await until(upstreamClosed);
    await atRest(t, forwarding);
    connection.destroy();
  });
  await t.test('do not where the route says so', async (t) => {
    const { forwarding, write } = await start(t, {
      plan: () => ({ expiresAt: Date.now() + 20 }),
      route: { closeAtExpiry: false },
    });
    const connection = await openConnection(forwarding.port);
    connection.write(GET);
    await until(() => forwarding.upstreams.openStreams.size === 1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    write(`${EVENT}0\r\n\r\n`);
    t.equal((await connection.response()).body.toString(), 'data: 1\n\n');
    connection.destroy();
  });
  await t.test('end when a reload would refuse them, and when the process stops', async (t) => {
    const { forwarding } = await start(t);
    for (const end of ['expired', 'going_away'] as const) {
      const connection = await openConnection(forwarding.port);
      connection.write(GET);
      await until(() => forwarding.upstreams.openStreams.size === 1);
      await forwarding.upstreams.openStreams.endUnless(() => true);
      t.equal(forwarding.upstreams.openStreams.size, 1);
      if (end === 'expired') await forwarding.upstreams.openStreams.endUnless(() => false);
      else forwarding.upstreams.openStreams.endAll();
      t.match((await forwarding.ending()).outcome, { end });
      t.equal((await connection.response()).status, 200);
      connection.destroy();
    }
    await atRest(t, forwarding);
  });
});
