/** WebSockets: the handshake passed on, the tunnel, and how it ends. */
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../fixtures/fake-time.ts';
import { type ForwardingOptions, startForwarding, targetAt } from '../fixtures/forwarding.ts';
import { openConnection, type RawConnection } from '../fixtures/raw-client.ts';
import { type RecordedRequest, startRecordingUpstream } from '../fixtures/recording-upstream.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const handshake = (extra = ''): string =>
  `GET /chat?x=1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n${extra}\r\n`;
const acceptFor = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const switching = (extra = ''): string =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptFor(KEY)}\r\n${extra}\r\n`;

/** An upstream that answers handshakes with the given bytes; its side of each tunnel is kept. */
async function start(
  t: Test,
  answer: string,
  options: Omit<ForwardingOptions, 'upstream'> & { upstream?: object } = {},
) {
  const upstream = await startRecordingUpstream(t);
  const sockets: Socket[] = [];
  const received: Buffer[] = [];
  const handshakes: RecordedRequest[] = [];
  const arrivals = new EventEmitter();
  upstream.onHead = (request, socket) => {
    handshakes.push(request);
    sockets.push(socket);
    socket.on('data', (chunk) => received.push(chunk));
    if (answer !== '') socket.write(answer, 'latin1');
    arrivals.emit('handshake');
    return true;
  };
  const forwarding = await startForwarding(t, {
    ...options,
    upstream: { targets: [targetAt(upstream.port)], ...options.upstream },
  });
  const open = async (request = handshake()): Promise<RawConnection> => {
    const connection = await openConnection(forwarding.port);
    connection.socket.on('error', () => {});
    connection.write(request);
    return connection;
  };
  /** The upstream's side of the tunnel of this number; waits for it, however busy the machine is. */
  const socketOf = async (index: number): Promise<Socket> => {
    for (;;) {
      const socket = sockets[index];
      if (socket !== undefined) return socket;
      await once(arrivals, 'handshake');
    }
  };
  const text = () => Buffer.concat(received).toString('latin1');
  return { upstream, forwarding, open, sockets, socketOf, handshakes, received: text };
}

t.test(
  'W2 a handshake reaches the upstream with the headers of any request, and bytes pass both ways',
  async (t) => {
    const { open, sockets, handshakes, received, forwarding } = await start(
      t,
      switching('Sec-WebSocket-Protocol: two\r\nX-Up: 1\r\nKeep-Alive: x\r\n'),
      {
        plan: () => ({ identity: ['X-Auth-Subject', 'u1'] }),
      },
    );
    const connection = await open(
      handshake(
        'Origin: https://app.example\r\nSec-WebSocket-Protocol: one, two\r\nX-Auth-Subject: root\r\nAuthorization: Bearer t\r\n',
      ),
    );
    const response = await connection.response();
    t.equal(response.status, 101);
    t.strictSame(response.headerLines.map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort(), [
      'connection: Upgrade',
      `sec-websocket-accept: ${acceptFor(KEY)}`,
      'sec-websocket-protocol: two',
      'upgrade: websocket',
      'x-up: 1',
    ]);
    const [request] = handshakes;
    t.equal(request?.requestLine, 'GET /chat?x=1 HTTP/1.1');
    for (const [name, value] of [
      ['connection', 'upgrade'],
      ['upgrade', 'websocket'],
      ['sec-websocket-key', KEY],
      ['sec-websocket-version', '13'],
      ['sec-websocket-protocol', 'one, two'],
      ['origin', 'https://app.example'],
      ['x-auth-subject', 'u1'],
      ['x-forwarded-for', '127.0.0.1'],
    ] as const) {
      t.strictSame(request?.all(name), [value], name);
    }
    t.strictSame(request?.all('authorization'), []);
    connection.write('up');
    await until(() => received() === 'up');
    sockets[0]?.write('\x82\x04down', 'latin1');
    t.equal((await connection.bytes(6)).toString('latin1'), '\x82\x04down');
    t.equal(forwarding.upstreams.inFlight.running, 0, 'an open tunnel counts as a connection');
    t.equal(forwarding.upstreams.openStreams.size, 1);
    connection.socket.end();
    await until(() => sockets[0]?.destroyed === true);
    t.match((await forwarding.ending()).outcome, { status: 101, end: 'complete', bytesIn: 2, bytesOut: 6 });
    t.equal(forwarding.upstreams.openStreams.size, 0);
  },
);

t.test('W8 bytes behind the handshake, and behind the answer, are not lost', async (t) => {
  const { open, received } = await start(t, `${switching()}\x82\x01a`);
  const connection = await open(`${handshake()}early`);
  t.equal((await connection.response()).status, 101);
  t.equal((await connection.bytes(3)).toString('latin1'), '\x82\x01a');
  await until(() => received() === 'early');
  connection.destroy();
});

t.test('W13 an upstream that says something else is passed on, and the connection ends', async (t) => {
  const table = [
    [
      '401',
      'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\nKeep-Alive: x\r\n\r\nno',
      'no',
    ],
    [
      '403 in chunks',
      'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n',
      'no',
    ],
    ['302', 'HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n', ''],
    ['200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno', 'no'],
    [
      '426 after 103',
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n',
      '',
    ],
  ] as const;
  for (const [name, answer, body] of table) {
    await t.test(name, async (t) => {
      const { open, forwarding, sockets } = await start(t, answer);
      const connection = await open();
      const response = await connection.response();
      t.equal(response.status, Number(name.slice(0, 3)));
      t.equal(response.body.toString(), body);
      t.equal(response.get('connection'), 'close');
      t.strictSame(response.all('keep-alive'), []);
      await connection.closed();
      t.match((await forwarding.ending()).outcome, {
        status: response.status,
        end: 'complete',
        bytesOut: body.length,
      });
      await until(() => sockets[0]?.destroyed === true);
      t.equal(forwarding.upstreams.inFlight.running, 0);
      connection.destroy();
    });
  }
  await t.test('cut short: the caller sees that', async (t) => {
    const { open, forwarding, sockets } = await start(
      t,
      'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n',
    );
    const connection = await open();
    let failure = '';
    connection.socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? '';
    });
    await until(() => connection.rest().includes('no'));
    sockets[0]?.resetAndDestroy();
    t.match((await forwarding.ending()).outcome, { end: 'upstream_cut' });
    await until(() => connection.socket.destroyed);
    t.equal(failure, 'ECONNRESET');
  });
});

t.test('an upstream that agrees to something else is 502', async (t) => {
  const wrong = acceptFor('AAAAAAAAAAAAAAAAAAAAAA==');
  const table = [
    ['no key', switching().replace(/Sec-WebSocket-Accept.*\r\n/, '')],
    ['another key', switching().replace(acceptFor(KEY), wrong)],
    ['another protocol', switching().replace('Upgrade: websocket', 'Upgrade: h2c')],
    ['a subprotocol that was not offered', switching('Sec-WebSocket-Protocol: three\r\n')],
    ['two subprotocols', switching('Sec-WebSocket-Protocol: one\r\nSec-WebSocket-Protocol: two\r\n')],
    ['an extension that was not offered', switching('Sec-WebSocket-Extensions: permessage-deflate\r\n')],
    ['no header', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['no HTTP', 'hello\r\n\r\n'],
  ] as const;
  for (const [name, answer] of table) {
    await t.test(name, async (t) => {
      const { open, forwarding, sockets } = await start(t, answer);
      const connection = await open(handshake('Sec-WebSocket-Protocol: one, two\r\n'));
      const response = await connection.response();
      t.equal(response.status, 502);
      t.equal(response.body.toString(), '{"error":"bad_gateway"}');
      t.match((await forwarding.ending()).refusal, { kind: 'bad_gateway', reason: 'bad_response' });
      await connection.closed();
      await until(() => sockets[0]?.destroyed === true);
      connection.destroy();
    });
  }
  await t.test('what was offered may be chosen', async (t) => {
    const chosen = 'Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n';
    const { open } = await start(t, switching(chosen));
    const connection = await open(
      handshake('Sec-WebSocket-Extensions: x, permessage-deflate; client_max_window_bits\r\n'),
    );
    t.equal((await connection.response()).status, 101);
    connection.destroy();
  });
});

t.test('W15 an upstream that is not there or does not answer', async (t) => {
  await t.test('504 in time', async (t) => {
    const { open, forwarding, sockets } = await start(t, '', { route: { responseTimeout: 50 } });
    const connection = await open();
    t.equal((await connection.response()).status, 504);
    t.match((await forwarding.ending()).refusal, { reason: 'response_timeout' });
    await until(() => sockets[0]?.destroyed === true);
    connection.destroy();
  });
  await t.test('502', async (t) => {
    const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(1)] } });
    const connection = await openConnection(forwarding.port);
    connection.write(handshake());
    t.equal((await connection.response()).status, 502);
    await connection.closed();
    t.equal(forwarding.upstreams.inFlight.running, 0);
  });
});

t.test('W7 a caller who leaves takes the upstream along', async (t) => {
  for (const [name, answer] of [
    ['before the answer', ''],
    ['when the tunnel is open', switching()],
  ] as const) {
    await t.test(name, async (t) => {
      const { open, forwarding, sockets, socketOf } = await start(t, answer, {
        upstream: { connectTimeout: Number.POSITIVE_INFINITY },
      });
      for (let i = 0; i < 50; i += 1) {
        const connection = await open();
        const socket = await socketOf(i);
        if (answer !== '') await connection.response();
        connection.socket.resetAndDestroy();
        await closed(socket);
        t.match(
          (await forwarding.ending()).outcome,
          answer === '' ? { end: 'client_gone' } : { status: 101 },
        );
      }
      t.equal(sockets.length, 50, 'each handshake is sent once');
      t.equal(forwarding.upstreams.inFlight.running, 0);
      t.equal(forwarding.upstreams.openStreams.size, 0);
    });
  }
});

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

t.test('an upstream that is lost cuts the caller, one that ends ends it', async (t) => {
  const { open, forwarding, sockets } = await start(t, switching());
  const cut = await open();
  await cut.response();
  sockets[0]?.resetAndDestroy();
  t.match((await forwarding.ending()).outcome, { end: 'upstream_cut' });
  await until(() => cut.socket.destroyed);
  const ended = await open();
  await ended.response();
  sockets[1]?.end('\x88\x00', 'latin1');
  t.equal((await ended.bytes(2)).toString('latin1'), '\x88\x00');
  await ended.closed();
  t.match((await forwarding.ending()).outcome, { end: 'complete' });
});

t.test('WS05 W14 a tunnel ends with its credential', async (t) => {
  let now = 0;
  t.beforeEach(() => {
    now = 0;
  });
  const soon = { now: () => now, plan: () => ({ expiresAt: 1 }) };
  await t.test('by a close frame between two frames', async (t) => {
    const { open, forwarding, sockets } = await start(t, switching(), soon);
    const connection = await open();
    await connection.response();
    now = 1;
    const close = await connection.bytes(4);
    t.strictSame([...close], [0x88, 2, 0x03, 0xf0]);
    await connection.closed();
    connection.destroy();
    t.match((await forwarding.ending()).outcome, { status: 101, end: 'expired' });
    await until(() => sockets[0]?.destroyed === true);
    t.equal(forwarding.upstreams.openStreams.size, 0);
  });
  await t.test('after the frame that is under way, and without what follows it', async (t) => {
    const { open, forwarding, sockets } = await start(t, switching(), soon);
    const { promise: told, resolve } = Promise.withResolvers<void>();
    forwarding.upstreams.openStreams.opened = (stream) => {
      const end = stream.end.bind(stream);
      stream.end = (why) => {
        end(why);
        resolve();
      };
    };
    const connection = await open();
    await connection.response();
    sockets[0]?.write('\x82\x05ab', 'latin1');
    t.equal((await connection.bytes(4)).length, 4);
    now = 1;
    await told;
    t.equal(connection.rest().length, 0, 'no frame of ours inside of another');
    sockets[0]?.write('cde\x82\x01x', 'latin1');
    t.equal((await connection.bytes(7)).toString('latin1'), 'cde\x88\x02\x03\xf0');
    await connection.closed();
    t.equal(connection.rest().length, 0);
    connection.destroy();
    t.match((await forwarding.ending()).outcome, { end: 'expired' });
  });
  await t.test('by a cut when that frame does not end', async (t) => {
    const { open, forwarding, sockets } = await start(t, switching(), soon);
    const connection = await open();
    await connection.response();
    sockets[0]?.write('\x82\x05ab', 'latin1');
    await connection.bytes(4);
    now = 1;
    t.match((await forwarding.ending()).outcome, { end: 'expired' });
    await connection.closed();
    t.equal(connection.rest().length, 0);
    connection.destroy();
  });
  await t.test('not where the route says so', async (t) => {
    const { open, sockets } = await start(t, switching(), {
      plan: () => ({ expiresAt: Date.now() + 20 }),
      route: { closeAtExpiry: false },
    });
    const connection = await open();
    await connection.response();
    await new Promise((resolve) => setTimeout(resolve, 60));
    sockets[0]?.write('\x82\x00', 'latin1');
    t.equal((await connection.bytes(2)).toString('latin1'), '\x82\x00');
    connection.destroy();
  });
});

t.test(
  'a tunnel is closed when a reload would refuse it (1008), and when the process stops (1001)',
  async (t) => {
    const { open, forwarding } = await start(t, switching());
    for (const [code, end] of [
      [1008, 'expired'],
      [1001, 'going_away'],
    ] as const) {
      const connection = await open();
      await connection.response();
      await until(() => forwarding.upstreams.openStreams.size === 1);
      if (code === 1008)
        await forwarding.upstreams.openStreams.endUnless(({ route }) => route.path !== '/**');
      else forwarding.upstreams.openStreams.endAll();
      t.equal((await connection.bytes(4)).readUInt16BE(2), code);
      await connection.closed();
      connection.destroy();
      t.match((await forwarding.ending()).outcome, { end });
    }
  },
);

t.test('silence ends a tunnel only where the route writes an idle timeout', async (t) => {
  for (const binds of [false, true]) {
    const { open, forwarding, sockets } = await start(t, switching(), {
      route: { idleTimeout: 50, idleTimeoutBindsStreams: binds },
    });
    const connection = await open();
    await connection.response();
    if (binds) {
      t.match((await forwarding.ending()).outcome, { end: 'idle' });
      await connection.closed();
    } else {
      await new Promise((resolve) => setTimeout(resolve, 150));
      sockets[0]?.write('\x82\x00', 'latin1');
      t.equal((await connection.bytes(2)).length, 2);
    }
    connection.destroy();
  }
});

t.test('W16 who reads slowly holds the other side back, both ways', async (t) => {
  const piece = Buffer.alloc(64 * 1024, 'x');
  const size = 64 * 1024 * 1024;
  const pump = (socket: Socket) => {
    const state = { sent: 0 };
    const more = (): void => {
      while (state.sent < size) {
        state.sent += piece.length;
        if (!socket.write(piece)) {
          socket.once('drain', more);
          return;
        }
      }
    };
    more();
    return state;
  };
  const stands = async (state: { sent: number }) => {
    for (let before = -1; before !== state.sent; ) {
      before = state.sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return state.sent;
  };
  const { open, sockets } = await start(t, switching());
  const connection = await open();
  await connection.response();
  const [upstreamSocket] = sockets;
  if (!upstreamSocket) throw new Error('no socket');
  upstreamSocket.pause();
  t.ok((await stands(pump(connection.socket))) < size / 2, 'the caller is held back');
  connection.socket.removeAllListeners('data');
  connection.socket.pause();
  t.ok((await stands(pump(upstreamSocket))) < size / 2, 'the upstream is held back');
  connection.destroy();
});

t.test('a real client and a real server talk through the tunnel', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => server.close());
  server.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(port)] } });
  const client = new WebSocket(`ws://127.0.0.1:${forwarding.port}/`, ['chat'], { perMessageDeflate: true });
  await new Promise((resolve) => client.once('open', resolve));
  for (const message of ['hello', 'x'.repeat(100_000), '']) {
    client.send(message);
    const [echo] = await new Promise<[Buffer]>((resolve) =>
      client.once('message', (data: Buffer) => resolve([data])),
    );
    t.equal(echo.toString(), message);
  }
  const closed = new Promise<number>((resolve) => client.once('close', resolve));
  await forwarding.upstreams.openStreams.endUnless(() => false);
  t.equal(await closed, 1008, 'the client understands our close frame');
});
