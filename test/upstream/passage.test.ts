/** Bytes that take turns: none is lost, doubled or out of order, whoever leaves meanwhile. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { TurnTaking } from '../../src/turn-taking.ts';
import { Passage } from '../../src/upstream/passage.ts';
import { until } from '../fixtures/fake-time.ts';
import { type Forwarding, startForwarding, targetAt } from '../fixtures/forwarding.ts';
import { openConnection } from '../fixtures/raw-client.ts';

const KIB = 1024;
const SIZE = 3_000_000;
/** Different at each place. */
const BYTES = Buffer.from(Array.from({ length: SIZE }, (_, at) => (at * 31 + (at >> 8)) & 0xff));
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const HANDSHAKE = `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`;
const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

t.test('every 64 KiB take a turn, of whoever they are moved for', async (t) => {
  const turns = new TurnTaking();
  const asked: string[] = [];
  turns.isNow = (peer) => {
    asked.push(peer);
    return asked.length !== 2;
  };
  const goOn = () => {};
  const passage = new Passage(turns, 'a');
  passage.passed(64 * KIB - 1);
  t.ok(passage.mayGoOn(goOn));
  t.strictSame(asked, [], 'little costs nothing');
  passage.passed(1);
  t.ok(passage.mayGoOn(goOn));
  t.strictSame(asked, ['a']);
  passage.passed(64 * KIB - 1);
  t.ok(passage.mayGoOn(goOn), 'counted anew');
  passage.passed(200 * KIB);
  t.notOk(passage.mayGoOn(goOn));
  t.ok(new Passage(turns, 'b').mayGoOn(goOn), 'each stream counts its own');
  t.equal(asked.length, 2);
});

/** A gateway where every piece waits for a turn, before an upstream whose every connection is handed to the test. */
async function start(t: Test, take: (socket: Socket) => void) {
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    socket.on('error', () => {});
    t.teardown(() => socket.destroy());
    take(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(address.port)] } });
  return { forwarding, turns: alwaysWait(forwarding) };
}

/** Turns that come in a later turn of the event loop, or when the test says so. */
function alwaysWait({ upstreams }: Forwarding): { asked: number; held: (() => void)[] | null } {
  const turns: { asked: number; held: (() => void)[] | null } = { asked: 0, held: null };
  upstreams.turns.isNow = (_peer, work) => {
    turns.asked += 1;
    if (turns.held === null) setImmediate(work);
    else turns.held.push(work);
    return false;
  };
  return turns;
}

/** Answers with the body that it gets, once it has it all. */
function echo(socket: Socket): void {
  const got: Buffer[] = [];
  let head = '';
  socket.on('data', (chunk: Buffer) => {
    got.push(chunk);
    const all = Buffer.concat(got);
    if (head === '') head = all.toString('latin1', 0, all.indexOf('\r\n\r\n') + 4);
    const body = all.subarray(head.length);
    if (body.length < SIZE) return;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
    socket.write(body);
  });
}

t.test('a body goes up and down byte for byte', async (t) => {
  const { forwarding, turns } = await start(t, echo);
  const connection = await openConnection(forwarding.port);
  connection.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${SIZE}\r\n\r\n`);
  connection.write(BYTES);
  const response = await connection.response('POST');
  t.equal(response.status, 200);
  t.ok(response.body.equals(BYTES));
  // Each read brings 64 KiB at most, so that every other one completes a piece at least.
  t.ok(turns.asked >= SIZE / (128 * KIB), `${turns.asked} turns`);
  connection.destroy();
});

t.test('a tunnel, both ways', async (t) => {
  const { forwarding, turns } = await start(t, (socket) => {
    socket.once('data', () => {
      socket.write(SWITCHED);
      socket.pipe(socket);
    });
  });
  const connection = await openConnection(forwarding.port);
  connection.write(HANDSHAKE);
  t.equal((await connection.response()).status, 101);
  connection.write(BYTES);
  await until(() => connection.rest().length >= SIZE);
  t.ok(connection.rest().equals(BYTES));
  t.ok(turns.asked >= SIZE / (128 * KIB), `${turns.asked} turns`);
  connection.destroy();
});

t.test('a large answer to a handshake', async (t) => {
  const { forwarding, turns } = await start(t, (socket) => {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${SIZE}\r\n\r\n`);
      socket.write(BYTES);
    });
  });
  const connection = await openConnection(forwarding.port);
  connection.write(HANDSHAKE);
  const response = await connection.response();
  t.equal(response.status, 403);
  t.ok(response.body.equals(BYTES));
  t.ok(turns.asked > 0);
});

t.test('a body that the end of the connection ends is whole although that end comes early', async (t) => {
  const { forwarding, turns } = await start(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
      socket.end(BYTES.subarray(0, 200 * KIB));
    });
  });
  turns.held = [];
  const connection = await openConnection(forwarding.port);
  connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => turns.asked === 1);
  for (;;) {
    const work = turns.held.shift();
    if (work === undefined) break;
    work();
    await new Promise((resolve) => setImmediate(resolve));
    await until(() => (turns.held?.length ?? 0) > 0 || forwarding.endings.length > 0);
  }
  const response = await connection.response();
  t.ok(response.body.equals(BYTES.subarray(0, 200 * KIB)));
  t.match((await forwarding.ending()).outcome, { end: 'complete', bytesOut: 200 * KIB });
});

t.test('whoever leaves before the turn comes is gone, and the turn does no harm', async (t) => {
  let gone = false;
  const { forwarding, turns } = await start(t, (socket) => {
    socket.once('close', () => {
      gone = true;
    });
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
      socket.write(BYTES);
    });
  });
  turns.held = [];
  const connection = await openConnection(forwarding.port);
  connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => turns.asked === 1);
  connection.socket.resetAndDestroy();
  t.match((await forwarding.ending()).outcome, { end: 'client_gone' });
  await until(() => gone);
  for (const work of turns.held) t.doesNotThrow(work);
  t.equal(turns.asked, 1, 'and nothing is read for nobody');
});

/** What moves bytes, and how many of them came through so far. */
const MOVERS: [
  name: string,
  moved: (upstream: () => number, caller: () => number) => number,
  begin: (bytes: Buffer) => (Buffer | string)[],
  answer: (bytes: Buffer) => (Buffer | string)[],
][] = [
  [
    'an upload',
    (upstream) => upstream(),
    (bytes) => [`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${SIZE}\r\n\r\n`, bytes],
    () => [],
  ],
  [
    'an answer',
    (_, caller) => caller(),
    () => ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    (bytes) => [`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`, bytes],
  ],
  [
    'an answer to a handshake',
    (_, caller) => caller(),
    () => [HANDSHAKE],
    (bytes) => [`HTTP/1.1 403 Forbidden\r\nContent-Length: ${SIZE}\r\n\r\n`, bytes],
  ],
  ['a tunnel inward', (upstream) => upstream(), (bytes) => [HANDSHAKE, bytes], () => [SWITCHED]],
  ['a tunnel outward', (_, caller) => caller(), () => [HANDSHAKE], (bytes) => [SWITCHED, bytes]],
];

t.test('whose turn does not come is not read any more, and goes on with the turn', async (t) => {
  const bytes = BYTES.subarray(0, 1024 * KIB);
  for (const [name, moved, begin, answer] of MOVERS) {
    let received = 0;
    const { forwarding, turns } = await start(t, (socket) => {
      socket.once('data', () => {
        for (const piece of answer(bytes)) socket.write(piece);
      });
      socket.on('data', (chunk) => {
        received += chunk.length;
      });
    });
    turns.held = [];
    const { socket } = await openConnection(forwarding.port);
    let read = 0;
    socket.on('data', (chunk: Buffer) => {
      read += chunk.length;
    });
    for (const piece of begin(bytes)) socket.write(piece);
    const count = (): number =>
      moved(
        () => received,
        () => read,
      );
    await until(() => turns.asked === 1 && count() >= 64 * KIB);
    // Whatever else the event loop had to do by then.
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    t.equal(turns.asked, 1, name);
    t.ok(count() < 256 * KIB, `${name}: ${count()} bytes`);
    const held = turns.held;
    turns.held = null;
    for (const work of held) work();
    await until(() => count() >= bytes.length);
    socket.destroy();
  }
});
