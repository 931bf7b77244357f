/**
 * W: WebSockets. An upgrade is judged like any request, before 101; then bytes pass as they are, so that what is odd in
 * them is the peers' to judge, and ours only to hold back.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import t, { type Test } from 'tap';
import { TurnTaking } from '../../src/turn-taking.ts';
import { Splice } from '../../src/upstream/splice.ts';
import { UPGRADE } from '../fixtures/attack-world.ts';
import { until } from '../fixtures/fake-time.ts';
import { startKeyServer } from '../fixtures/key-server.ts';
import { openConnection, type RawConnection } from '../fixtures/raw-client.ts';
import type { RecordedRequest } from '../fixtures/recording-upstream.ts';
import {
  BAD_GATEWAY,
  BAD_REQUEST,
  type ExpectedRefusal,
  FORBIDDEN,
  GATEWAY_TIMEOUT,
  HEADER_TOO_LARGE,
  INVALID_TOKEN,
  insufficientScope,
  NOT_FOUND,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, requestBytes, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const keyServer = await startKeyServer(t);
/** Let go of those who wait for keys. */
const waitingForKeys: (() => void)[] = [];
keyServer.serve('/slow', (_, response) => {
  waitingForKeys.push(() => response.end(JSON.stringify(keySet(key))));
});
const world = await startWorld(t, {
  policy: (url) => `
limits: {failed_credentials: none}
public_url: https://api.test
upstreams:
  default: ${url}
  nobody: http://127.0.0.1:2
accept: [corp]
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
  slow: {issuer: https://slow.test, audience: api, jwks_uri: "${keyServer.url}/slow", refresh: {timeout: 30s}}
token_sources: [authorization]
routes:
  - {path: /socket/**, websocket: true}
  - {path: /admin/**, websocket: true, require: {scopes: admin}}
  - {path: /slow/**, websocket: true, accept: [slow]}
  - {path: /cookie/**, websocket: true, token_sources: [{cookie: session}]}
  - {path: /nobody/**, websocket: true, upstream: nobody}
  - {path: /silent/**, websocket: true, response_timeout: 200ms}
  - {path: /plain/**}
  - {path: /public/**, auth: none}
`,
});
const { gateway, upstream } = world;
upstream.answer = answer;

const token = (claims: object = {}): string => signToken(key, { scope: 'read', ...claims });
const upgrade = (target: string, more: RequestParts = {}): RequestParts => ({
  target,
  token: token(),
  ...more,
  headers: [...UPGRADE, ...(more.headers ?? [])],
});
const withoutToken = (target: string, ...headers: [string, string][]): RequestParts => ({
  target,
  headers: [...UPGRADE, ...headers],
});
const without = (name: string, ...more: [string, string][]): RequestParts => ({
  target: '/socket/x',
  token: token(),
  headers: [...UPGRADE.filter(([each]) => each !== name), ...more],
});

/** Sockets of upstreams that hold their answer back or became tunnels, those that closed left out. */
const held = new Set<Socket>();
/** What came through each tunnel, in all. */
let received = Buffer.alloc(0);

function answer(request: RecordedRequest, socket: Socket): string | undefined {
  const { target } = request;
  if (target.startsWith('/silent') || target.endsWith('/hold')) {
    hold(socket);
    return undefined;
  }
  const refusing = /\/says-(\d+)$/.exec(target)?.[1];
  if (refusing !== undefined) {
    const more = refusing.startsWith('3') ? 'Location: http://internal.test/\r\n' : 'X-Said: x\r\n';
    return `HTTP/1.1 ${refusing} No\r\n${more}Content-Length: 2\r\nConnection: close\r\n\r\nno`;
  }
  if (request.all('upgrade').length === 0) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  hold(socket);
  socket.removeAllListeners('data');
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
  });
  return switching(request);
}

function hold(socket: Socket): void {
  held.add(socket);
  socket.once('close', () => held.delete(socket));
}

function switching(request: RecordedRequest): string {
  const asked = `${request.all('sec-websocket-key')[0]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(asked).digest('base64');
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'];
  return `${[...lines, `Sec-WebSocket-Accept: ${accept}`].join('\r\n')}\r\n\r\n`;
}

/** Nothing of these reaches the upstream, and none is 101. */
const REFUSED: [name: string, request: RequestParts | string, expected: ExpectedRefusal][] = [
  ['W1 without a token', withoutToken('/socket/x'), UNAUTHENTICATED],
  ['W1 with a bad one', upgrade('/socket/x', { token: 'x.y.z' }), INVALID_TOKEN],
  ['W1 without the scope', upgrade('/admin/x'), insufficientScope('admin')],
  ['W3 P31 an absolute target to another host', upgrade('http://evil.test/socket/x'), BAD_REQUEST],
  ['W3 in the scheme of WebSockets', upgrade('ws://api.test/socket/x'), BAD_REQUEST],
  ['W3 a host in the path', upgrade('//evil.test/socket/x'), BAD_REQUEST],
  ['W3 a user before the host', upgrade('http://api.test@evil.test/socket/x'), BAD_REQUEST],
  ['W5 a fragment', upgrade('/socket/x#y'), BAD_REQUEST],
  ['W5 a fragment that is all', upgrade('/socket#'), BAD_REQUEST],
  [
    'W6 a cookie and another origin',
    withoutToken('/cookie/x', ['Cookie', `session=${token()}`], ['Origin', 'https://evil.test']),
    FORBIDDEN,
  ],
  ['W6 a cookie and no origin', withoutToken('/cookie/x', ['Cookie', `session=${token()}`]), FORBIDDEN],
  [
    'W6 a cookie and an opaque origin',
    withoutToken('/cookie/x', ['Cookie', `session=${token()}`], ['Origin', 'null']),
    FORBIDDEN,
  ],
  [
    'W9 1,001 fields',
    upgrade('/socket/x', {
      headers: Array.from({ length: 1_001 }, (_, n) => [`X-${n}`, 'y'] as [string, string]),
    }),
    HEADER_TOO_LARGE,
  ],
  ['W13 an upstream that is not there', upgrade('/nobody/x'), BAD_GATEWAY],
  ['W18 where nothing is', upgrade('/nowhere/x'), NOT_FOUND],
];
for (const [name, request, expected] of REFUSED) {
  t.test(name, async (t) => {
    const response = await world.refused(t, request, expected);
    t.strictSame(response.all('upgrade'), []);
  });
}

t.test('W2 W6 a good one is let through with what we say of it, and with its Origin', async (t) => {
  const headers: [string, string][] = [
    ['X-Auth-Subject', 'root'],
    ['X_Auth_Roles', 'boss'],
    ['Origin', 'https://app.test'],
  ];
  const connection = await opened(t, upgrade('/socket/w2', { headers }));
  const seen = upstream.requests.at(-1);
  t.strictSame(seen?.all('x-auth-subject'), ['alice']);
  t.strictSame(seen?.all('x_auth_roles'), []);
  t.strictSame(seen?.all('authorization'), []);
  t.strictSame(seen?.all('origin'), ['https://app.test']);
  connection.destroy();
});

/** Handshakes that are none: a plain request, which the upstream sees without any sign of an upgrade. */
const PLAIN: [name: string, request: RequestParts][] = [
  ['W12 another version', without('Sec-WebSocket-Version', ['Sec-WebSocket-Version', '8'])],
  ['W12 no version', without('Sec-WebSocket-Version')],
  ['W12 no key', without('Sec-WebSocket-Key')],
  ['W12 a short key', without('Sec-WebSocket-Key', ['Sec-WebSocket-Key', 'AAAA'])],
  ['W12 two keys', upgrade('/socket/x', { headers: [['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA==']] })],
  ['W12 by POST', upgrade('/socket/x', { method: 'POST', body: 'x' })],
  ['W12 with a body', upgrade('/socket/x', { body: 'x' })],
  ['W12 to another protocol', without('Upgrade', ['Upgrade', 'h2c'])],
  ['W18 where no WebSocket is opened', upgrade('/plain/x')],
];
for (const [name, request] of PLAIN) {
  t.test(name, async (t) => {
    const before = await upstream.mark();
    const response = await world.send(request);
    t.not(response.status, 101);
    if (response.status === 200) {
      const seen = upstream.requests.at(-1);
      for (const field of ['upgrade', 'authorization']) t.strictSame(seen?.all(field), [], field);
    } else {
      t.equal(response.status, 400);
      t.equal(await upstream.mark(), before);
    }
  });
}

t.test('W13 what the upstream says instead comes before any 101', async (t) => {
  for (const status of [200, 301, 401, 403, 404, 426, 500, 503]) {
    const connection = await openConnection(gateway.port);
    connection.write(requestBytes(upgrade(`/socket/says-${status}`)));
    const response = await connection.response();
    t.equal(response.status, status);
    t.equal(response.body.toString(), 'no');
    await connection.closed();
  }
});

t.test('W15 an upstream that never answers is 504 before any 101', async (t) => {
  const connection = await openConnection(gateway.port);
  connection.write(requestBytes(upgrade('/silent/x')));
  const response = await connection.response();
  t.equal(response.status, 504);
  t.equal(response.body.toString(), GATEWAY_TIMEOUT.body);
  await until(() => held.size === 0);
});

t.test('W8 an upgrade behind a request, behind an upgrade, and bytes behind both', async (t) => {
  const get = requestBytes({ target: '/public/x' });
  const anonymous = requestBytes(withoutToken('/socket/x'));
  const admin = requestBytes({ target: '/admin/smuggled' });
  const rows: [Buffer[], number[]][] = [
    [
      [get, anonymous],
      [200, 401],
    ],
    [
      [get, get, get, anonymous, admin],
      [200, 200, 200, 401],
    ],
    [[anonymous, anonymous], [401]],
    [[anonymous, admin], [401]],
    [[requestBytes(upgrade('/admin/x')), admin, get], [403]],
  ];
  for (const [requests, statuses] of rows) {
    const connection = await openConnection(gateway.port);
    connection.write(Buffer.concat(requests));
    for (const status of statuses) t.equal((await connection.response()).status, status);
    connection.socket.end();
    await connection.closed();
    if (statuses.at(-1) !== 401 || requests.length <= 2) t.equal(connection.rest().length, 0);
    connection.destroy();
  }
  const smuggled = upstream.requests.filter(({ target }) => target.includes('smuggled'));
  t.equal(smuggled.length, 0);
  t.ok(gateway.running());
});

t.test('W8 bytes behind a good handshake belong to its tunnel, whatever they look like', async (t) => {
  received = Buffer.alloc(0);
  const connection = await openConnection(gateway.port);
  const hidden = requestBytes({ target: '/admin/smuggled' });
  connection.write(Buffer.concat([requestBytes(upgrade('/socket/x')), hidden]));
  t.equal((await connection.response()).status, 101);
  await until(() => received.length >= hidden.length);
  t.strictSame(received, hidden);
  t.equal(upstream.requests.filter(({ target }) => target.includes('smuggled')).length, 0);
  connection.destroy();
});

t.test('W10 a subprotocol of 16,000 spaces is one value like any other', async (t) => {
  const offered = `b${' '.repeat(16_000)}x`;
  const response = await world.send(
    upgrade('/socket/says-403', { headers: [['Sec-WebSocket-Protocol', offered]] }),
  );
  t.equal(response.status, 403);
});

/** Frames as they are, since we read none: who speaks WebSocket judges them (the list wants 1009 of us). */
const FRAMES: [name: string, bytes: Buffer][] = [
  ['W11 fragments without an end', Buffer.concat(Array(20_000).fill(Buffer.from('00810000000061', 'hex')))],
  ['W11 1 GB announced', Buffer.from('82ff000000004000000000000000', 'hex')],
  ['W11 more announced than a number holds', Buffer.from('82ffffffffffffffffff00000000', 'hex')],
  ['W11 a frame that says it is compressed', Buffer.from('c18500000000f248cdc9c9', 'hex')],
  ['W11 reserved bits and opcodes', Buffer.from('f08000000000ff8000000000', 'hex')],
  [
    'W17 a flood of pings, none of which we answer',
    Buffer.concat(Array(50_000).fill(Buffer.from('898000000000', 'hex'))),
  ],
];
for (const [name, bytes] of FRAMES) {
  t.test(`${name}: passed on as it is`, async (t) => {
    received = Buffer.alloc(0);
    const connection = await opened(t, upgrade('/socket/x'));
    connection.write(bytes);
    await until(() => received.length >= bytes.length);
    t.ok(received.equals(bytes));
    t.equal(connection.rest().length, 0, 'nothing comes back that no peer sent');
    connection.destroy();
  });
}

t.test('W16 a side that does not read costs one buffer, whatever the other sends', async (t) => {
  for (const [name, from] of [
    ['a slow upstream', 'client'],
    ['a slow client', 'upstream'],
  ] as const) {
    const client = new Stuck();
    const other = new Stuck();
    const pace = { idle: Number.POSITIVE_INFINITY, turns: new TurnTaking(), peer: 'a client' };
    const splice = new Splice(client, other, pace, () => {});
    const [sender, reader] = from === 'client' ? [client, other] : [other, client];
    await sender.pour(64 * 1024 * 1024);
    t.ok(sender.isPaused(), name);
    t.ok(reader.writableLength <= BUFFER + PIECE, `${name}: ${reader.writableLength} bytes wait`);
    t.ok(splice.bytesIn + splice.bytesOut <= BUFFER + PIECE, `${name}: and no more were taken`);
    client.destroy();
    other.destroy();
  }
});

/** How often each is reset. */
const RESETS = 1_000;
const AT_ONCE = 100;
/** Where a caller resets, and when the connection is there. */
const PHASES: [
  name: string,
  request: () => RequestParts,
  ready: (connection: RawConnection) => Promise<unknown>,
][] = [
  ['while its signature is verified', () => upgrade('/socket/hold'), async () => {}],
  [
    'while keys are fetched',
    () => upgrade('/slow/hold', { token: token({ iss: 'https://slow.test' }) }),
    async () => {},
  ],
  ['while the upstream is asked', () => upgrade('/socket/hold'), () => until(() => held.size >= AT_ONCE)],
  ['when the tunnel is open', () => upgrade('/socket/x'), async (connection) => connection.response()],
  [
    'with bytes behind its handshake',
    () => upgrade('/socket/x'),
    async (connection) => connection.write('x'.repeat(1_000)),
  ],
];

t.test('W7 callers who reset, 1,000 in each state, leave nothing behind', async (t) => {
  await world.send({ target: '/public/x' });
  const before = descriptors();
  for (const [name, request, ready] of PHASES) {
    for (let done = 0; done < RESETS; done += AT_ONCE) {
      const connections = await Promise.all(
        Array.from({ length: AT_ONCE }, () => openConnection(gateway.port)),
      );
      for (const connection of connections) connection.write(requestBytes(request()));
      await Promise.all(connections.map(ready));
      // What was sent before this has been read when this is answered.
      if (name === 'while keys are fetched') t.equal((await world.send({ target: '/public/x' })).status, 200);
      for (const connection of connections) connection.socket.resetAndDestroy();
      await until(() => held.size === 0);
    }
    await until(() => descriptors() <= before);
    t.pass(`${name}: ${descriptors()} descriptors, ${before} before`);
  }
  for (const release of waitingForKeys.splice(0)) release();
  const late = await opened(t, upgrade('/slow/x', { token: token({ iss: 'https://slow.test' }) }));
  late.destroy();
  t.ok(gateway.running());
  t.strictSame(
    gateway.lines.filter(({ msg }) => msg === 'internal failure'),
    [],
  );
});

t.test('W1 W7 nothing leaked, nothing crashed', (t) => world.conclude(t));

function descriptors(): number {
  return readdirSync(`/proc/${gateway.pid}/fd`).length;
}

/** A connection that has become a tunnel. */
async function opened(t: Test, request: RequestParts): Promise<RawConnection> {
  const connection = await openConnection(gateway.port);
  connection.write(requestBytes(request));
  t.equal((await connection.response()).status, 101);
  return connection;
}

const BUFFER = 64 * 1024;
const PIECE = 16 * 1024;

/** A connection whose other side sends what it can, and never takes what it is sent. */
class Stuck extends Duplex {
  #wanted = false;

  constructor() {
    super({ readableHighWaterMark: BUFFER, writableHighWaterMark: BUFFER });
  }

  override _read(): void {
    this.#wanted = true;
  }

  /** Never done. */
  override _write(): void {}

  /** Sends pieces for as long as they are asked for. */
  async pour(most: number): Promise<void> {
    for (let sent = 0; sent < most; sent += PIECE) {
      this.#wanted = false;
      this.push(Buffer.alloc(PIECE, 'x'));
      await new Promise((resolve) => setImmediate(resolve));
      if (this.isPaused() || !this.#wanted) return;
    }
  }
}
