/**
 * D: callers who want to use us up. Counted is what they cost (connections, descriptors, bytes, signatures), with a good
 * caller served meanwhile; what time and memory they take is measured under bench/.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { openLog } from '../../src/observe/log.ts';
import { until } from '../fixtures/fake-time.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { exchange, openConnection, type RawConnection } from '../fixtures/raw-client.ts';
import { assertRefusal, type ExpectedRefusal, HEADER_TOO_LARGE, INVALID_TOKEN } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { requestBytes, startWorld } from '../fixtures/world.ts';

const keys = [createSigningKey('ES256'), createSigningKey('RS256'), createSigningKey('PS512')] as const;
const strangers = [createSigningKey('ES256'), createSigningKey('RS256'), createSigningKey('PS512')] as const;
const policy = (url: string, more = ''): string => `
limits: {failed_credentials: none${more}}
timeouts: {headers: 1s}
upstream: ${url}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(...keys))}}
routes:
  - {path: /api/**}
  - {path: /cookie/**, token_sources: [{cookie: session}]}
  - {path: /public/**, auth: none}
`;
const world = await startWorld(t, { policy: (url) => policy(url) });
const { gateway, upstream } = world;
/** Connections on which the upstream keeps its answer back. */
const held = new Map<Socket, () => void>();
upstream.answer = ({ target }, socket) => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  if (!target.includes('/held')) return answer;
  held.set(socket, () => {
    held.delete(socket);
    socket.write(answer);
  });
  socket.once('close', () => held.delete(socket));
  // An answer that has begun, and stops.
  return target.includes('/half') ? 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf' : undefined;
};

const get = (target: string, ...fields: string[]): string =>
  `GET ${target} HTTP/1.1\r\nHost: api.test\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
const openMany = (count: number, port = gateway.port): Promise<RawConnection[]> =>
  Promise.all(Array.from({ length: count }, () => openConnection(port)));
const descriptors = (): number => readdirSync(`/proc/${gateway.pid}/fd`).length;
async function good(port = gateway.port): Promise<number | undefined> {
  const [response] = await exchange(port, requestBytes({ target: '/api/x', token: signToken(keys[0]) }));
  return response?.status;
}

t.test('D1 200 headers that never end: nobody behind them waits, and each is cut', async (t) => {
  const before = await upstream.mark();
  const slow = await openMany(200);
  for (const { write } of slow) write('GET /api/x HTTP/1.1\r\nHost: api.test\r\nX: ');
  t.equal(await upstream.mark(), before, 'the upstream heard nothing');
  t.equal(await good(), 200);
  let drips = 0;
  const drip = setInterval(() => {
    drips += 1;
    for (const { socket } of slow) if (socket.writable) socket.write('y');
  }, 300);
  const statuses = await Promise.all(slow.map(async (connection) => (await connection.response()).status));
  clearInterval(drip);
  t.ok(drips > 0, 'a byte now and then is no excuse');
  t.strictSame([...new Set(statuses)], [408]);
  for (const { socket } of slow) socket.destroy();
});

t.test('D4 idle connections up to the limit: whoever comes then is let go, until one leaves', async (t) => {
  const small = await startGateway(t, { policy: policy(upstream.url, ', connections: 50') });
  const idle = await openMany(50, small.port);
  for (const { write } of idle) write(get('/public/x'));
  for (const connection of idle) t.equal((await connection.response()).status, 200);
  const [late] = await openMany(1, small.port);
  late?.write(get('/public/x'));
  await late?.closed();
  t.equal(late?.rest().length, 0, 'no answer, and no place');
  t.ok(
    idle.every(({ socket }) => !socket.destroyed),
    'those who were there stay',
  );
  idle[0]?.write(get('/public/x'));
  t.equal((await idle[0]?.response())?.status, 200, 'and are served');
  for (const { socket } of idle) socket.resetAndDestroy();
  await until(() => readdirSync(`/proc/${small.pid}/fd`).length < 50);
  t.equal(await good(small.port), 200);
});

const FLOODS: [name: string, fields: string[], expected: ExpectedRefusal | 'forwarded'][] = [
  ['D5 101 fields', Array(101).fill('X: y'), HEADER_TOO_LARGE],
  ['D5 1,001 fields', Array(1_001).fill('X: y'), HEADER_TOO_LARGE],
  ['D5 3,000 fields', Array(3_000).fill('X:'), HEADER_TOO_LARGE],
  ['D5 a field of 16 kB', [`X: ${'y'.repeat(16_000)}`], 'forwarded'],
  ['D5 a field of 100 kB', [`X: ${'y'.repeat(100_000)}`], HEADER_TOO_LARGE],
  ['D5 a name of 40 kB', [`${'X'.repeat(40_000)}: y`], HEADER_TOO_LARGE],
  ['D6 5,000 cookies in one field', [`Cookie: ${Array(5_000).fill('a=b').join('; ')}`], 'forwarded'],
  ['D6 50 fields of cookies', Array(50).fill(`Cookie: ${Array(50).fill('a=b').join('; ')}`), 'forwarded'],
  ['D18 names that are numbers', Array.from({ length: 90 }, (_, index) => `${index}: y`), 'forwarded'],
  [
    'D18 names that collide where numbers are hashed',
    Array.from({ length: 90 }, (_, index) => `${index * 65_536}: y`),
    'forwarded',
  ],
];
for (const [name, fields, expected] of FLOODS) {
  t.test(name, async (t) => {
    const before = upstream.requests.length;
    const [response] = await exchange(gateway.port, get('/public/x', ...fields));
    if (!response) throw new Error('no response');
    if (expected === 'forwarded') {
      t.equal(response.status, 200);
      const seen = upstream.requests[before];
      t.strictSame(
        seen?.headerLines
          .map(([field]) => field.toLowerCase())
          .filter((field) => /^(x|cookie|\d+)$/.test(field)),
        fields.map((field) => field.slice(0, field.indexOf(':')).toLowerCase()),
      );
    } else {
      assertRefusal(t, response, expected);
      t.equal(upstream.requests.length, before);
    }
  });
}

t.test('D6 5,000 cookies where one is looked for', async (t) => {
  const cookies = Array(5_000).fill('a=b').join('; ');
  const [absent] = await exchange(gateway.port, get('/cookie/x', `Cookie: ${cookies}`));
  t.equal(absent?.status, 401);
  const [found] = await exchange(
    gateway.port,
    get('/cookie/x', `Cookie: ${cookies}; session=${signToken(keys[0])}`),
  );
  t.equal(found?.status, 200);
});

t.test(
  'D7 300 bad signatures of each kind at once: each is refused, and a good caller is served among them',
  async (t) => {
    const [es, rs, ps] = strangers;
    const flood = Array.from({ length: 900 }, (_, index) => signToken([es, rs, ps][index % 3] ?? es));
    const connections = await openMany(100);
    const refused: Promise<void>[] = [];
    const answers: string[] = [];
    for (const [index, { write }] of connections.entries()) {
      const own = flood.filter((_, at) => at % connections.length === index);
      write(Buffer.concat(own.map((token) => requestBytes({ target: '/api/x', token }))));
      refused.push(
        (async () => {
          for (const _ of own) {
            const response = await connections[index]?.response();
            answers.push(`${response?.status} ${response?.body}`);
          }
        })(),
      );
    }
    t.equal(await good(), 200);
    await Promise.all(refused);
    t.equal(answers.length, flood.length);
    t.strictSame([...new Set(answers)], [`401 ${INVALID_TOKEN.body}`]);
    for (const { socket } of connections) socket.destroy();
  },
);

t.test('D18 claims whose names are numbers, as many as a token holds', async (t) => {
  const claims = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [String(index * 1_024), 1]));
  t.equal((await world.send({ target: '/api/x', token: signToken(keys[0], claims) })).status, 200);
});

t.test('D13 a log that nobody reads costs lines, and neither memory nor a moment', async (t) => {
  const pipe = join(t.testdir(), 'log');
  execFileSync('mkfifo', [pipe]);
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const descriptor = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  const log = openLog({ level: 'info', format: 'json' }, descriptor, Date.now);
  const text = 'x'.repeat(1_000);
  const LINES = 12_000;
  for (let line = 0; line < LINES; line += 1) log.line('info', `"path":"${text}"`, 'request');
  t.ok(log.dropped() > LINES / 4, `${log.dropped()} of ${LINES} lines of 1 kB were dropped`);
  t.ok(log.dropped() < LINES / 2, 'and what may wait waits');
  // A reader that comes back makes room for others.
  let read = 0;
  const buffer = Buffer.alloc(1024 * 1024);
  await until(() => {
    try {
      read += readSync(reader, buffer);
    } catch {
      // Nothing there at the moment.
    }
    return read >= 512 * 1024;
  });
  const before = log.dropped();
  log.info({}, 'again');
  t.equal(log.dropped(), before);
  // The end of a process does not wait for a reader: what the pipe does not take is counted, and nothing is written after it.
  log.flushSync();
  const lost = log.dropped();
  t.ok(lost > before);
  log.info({}, 'never');
  log.line('info', '"path":"/"', 'never');
  t.equal(log.dropped(), lost);
  closeSync(reader);
});

/** Where callers leave. */
const LEAVING: [name: string, bytes: string, ready: (connection: RawConnection) => Promise<unknown>][] = [
  ['in the middle of a header', 'GET /public/x HTTP/1.1\r\nHost: a', async () => {}],
  [
    'in the middle of a body',
    'POST /public/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf',
    async () => {},
  ],
  ['while the upstream is asked', get('/public/held'), async () => until(() => held.size >= AT_ONCE)],
  ['in the middle of an answer', get('/public/held/half'), (connection) => connection.bytes(20)],
  ['while they are judged', get('/api/x', 'Authorization: Bearer TOKEN'), async () => {}],
  ['before an answer of ours', get('/api/x'), async () => {}],
  [
    'with three requests on their way',
    get('/public/held').repeat(3),
    async () => until(() => held.size >= AT_ONCE),
  ],
];
const AT_ONCE = 100;
const TIMES = 2;

t.test('D16 1,400 callers who reset leave no descriptor, and no request at the upstream', async (t) => {
  await good();
  await until(() => held.size === 0);
  const before = descriptors();
  for (const [name, bytes, ready] of LEAVING) {
    for (let done = 0; done < TIMES; done += 1) {
      const connections = await openMany(AT_ONCE);
      for (const { write } of connections) write(bytes.replace('TOKEN', () => signToken(keys[0])));
      await Promise.all(connections.map(ready));
      for (const { socket } of connections) socket.resetAndDestroy();
      await until(() => held.size === 0);
    }
    t.equal(await good(), 200, name);
  }
  // Connections that are kept to the upstream may be a few more than there were.
  const own = (): number => descriptors() - before;
  await until(() => own() <= 2 * AT_ONCE);
  await openMany(1).then(([connection]) => connection?.destroy());
  t.ok(own() <= AT_ONCE + 10, `${own()} more than before`);
  t.ok(gateway.running());
});

t.test('D17 without descriptors nobody gets in, and then everybody again', async (t) => {
  const small = await startGateway(t, { policy: policy(upstream.url), descriptors: 64 });
  const connections = await openMany(200, small.port);
  for (const { write } of connections) write(get('/public/held', 'Connection: close'));
  const closings = connections.map((connection) => connection.closed());
  // All who got in are held until somebody was turned away: then there were too many, however slow the machine.
  await Promise.race(closings);
  let ended = false;
  void Promise.all(closings).then(() => {
    ended = true;
  });
  await until(() => {
    for (const release of held.values()) release();
    return ended;
  });
  const statuses = connections.map((connection) => connection.rest().toString('latin1').slice(9, 12));
  t.strictSame(
    statuses.filter((status) => !['', '200', '503'].includes(status)),
    [],
    'served, failed, or let go',
  );
  t.ok(
    statuses.some((status) => status !== '200'),
    'there were too many: let go, or told that the upstream cannot be reached',
  );
  for (const { socket } of connections) socket.destroy();
  t.ok(small.running());
  await until(() => readdirSync(`/proc/${small.pid}/fd`).length < 60);
  t.equal(await good(small.port), 200);
});

t.test('D20 a stop with 300 in flight: each gets its answer, nobody new gets in, exit 0', async (t) => {
  const ending = await startGateway(t, { policy: policy(upstream.url) });
  const connections = await openMany(300, ending.port);
  for (const { write } of connections) write(get('/public/held'));
  await until(() => held.size >= connections.length);
  process.kill(ending.pid, 'SIGTERM');
  await ending.line(({ msg }) => msg === 'draining');
  await until(() => held.size >= connections.length);
  for (const release of held.values()) release();
  for (const connection of connections) {
    const response = await connection.response();
    t.equal(response.status, 200);
    t.equal(response.get('connection'), 'close');
  }
  await t.rejects(openConnection(ending.port));
  await until(() => !ending.running());
  t.equal(await ending.stop(), 0);
  for (const { socket } of connections) socket.destroy();
});

t.test('D1 nothing leaked, nothing crashed', (t) => world.conclude(t));
