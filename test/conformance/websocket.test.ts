/** WebSocket upgrades are judged like requests, before 101 (RFC 6455 section 4.2). */
import { createHash } from 'node:crypto';
import t from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { openConnection } from '../fixtures/raw-client.ts';
import {
  assertRefusal,
  BAD_REQUEST,
  FORBIDDEN,
  HEADER_TOO_LARGE,
  INVALID_TOKEN,
  TOKEN_EXPIRED,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, nowSeconds, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, requestBytes, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key, { scope: 'read' });
const echo = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  handleProtocols: (offered) => [...offered].at(-1) ?? false,
});
await new Promise((resolve) => echo.once('listening', resolve));
t.teardown(() => {
  for (const client of echo.clients) client.terminate();
  echo.close();
});
const handshakes: Record<string, unknown>[] = [];
echo.on('connection', (socket, request) => {
  handshakes.push(request.headers);
  socket.on('message', (data, binary) => socket.send(data, { binary }));
});
const echoAddress = echo.address();
const echoPort = typeof echoAddress === 'object' && echoAddress !== null ? echoAddress.port : 0;

const world = await startWorld(t, {
  policy: (url) => `
upstreams:
  default: ${url}
  echo: http://127.0.0.1:${echoPort}
issuers:
  corp: {issuer: https://issuer.test, audience: api, leeway: 0s, jwks: ${JSON.stringify(keySet(key))}}
routes:
  - {path: /echo/**, upstream: echo, websocket: true}
  - {path: /socket/**, websocket: true}
  - {path: /staff/**, websocket: true, require: {roles: staff}}
  - {path: /plain/**}
  - {path: /public/**, auth: none, websocket: true}
`,
});

const UPGRADE = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
] as const;
const upgrade = (target: string, more: RequestParts = {}): RequestParts => ({
  target,
  ...more,
  headers: [...UPGRADE, ...(more.headers ?? [])],
});
const socketTo = (target: string, options: object = {}, protocols: string[] = []): WebSocket =>
  new WebSocket(`ws://127.0.0.1:${world.gateway.port}${target}`, protocols, {
    headers: { authorization: `Bearer ${token}` },
    ...options,
  });

t.test('W1 WS01 an upgrade without a credential is 401 before 101', async (t) => {
  const response = await world.refused(t, upgrade('/echo/1'), UNAUTHENTICATED);
  t.equal(response.get('connection'), 'close');
  t.equal(handshakes.length, 0);
  const connection = await openConnection(world.gateway.port);
  connection.write(requestBytes(upgrade('/echo/1')));
  assertRefusal(t, await connection.response(), UNAUTHENTICATED);
  await connection.closed();
  t.equal(connection.rest().length, 0, 'nothing follows');
});

t.test('W1 WS02 a bad, an expired and a forbidden one are refused in the form of any request', async (t) => {
  await world.refused(t, upgrade('/echo/1', { token: 'x.y.z' }), INVALID_TOKEN);
  await world.refused(
    t,
    upgrade('/echo/1', { token: signToken(key, { exp: nowSeconds() - 90 }) }),
    TOKEN_EXPIRED,
  );
  await world.refused(t, upgrade('/staff/1', { token }), FORBIDDEN);
  t.equal(handshakes.length, 0);
});

t.test('G08 wss from a trusted proxy is https on a handshake, in both forms', async (t) => {
  const behind = await startWorld(t, {
    policy: () => `
upstream: http://127.0.0.1:${echoPort}
trusted_proxies: [127.0.0.0/8, "::1"]
forwarded: both
routes: [{path: /**, auth: none, websocket: true}]
`,
  });
  for (const [told, scheme] of [
    ['wss', 'https'],
    ['ws', 'http'],
    ['https', 'https'],
  ] as const) {
    const headers = { 'x-forwarded-proto': told };
    const socket = new WebSocket(`ws://127.0.0.1:${behind.gateway.port}/echo`, { headers });
    await opened(socket);
    const seen = handshakes.at(-1) ?? {};
    t.equal(seen['x-forwarded-proto'], scheme, told);
    t.match(String(seen.forwarded), new RegExp(`^for=127\\.0\\.0\\.1;proto=${scheme};host=`), told);
    socket.terminate();
  }
});

t.test('W2 a good one is let through, with our headers and without the token', async (t) => {
  const socket = socketTo('/echo/1', {
    headers: {
      authorization: `Bearer ${token}`,
      'x-auth-subject': 'root',
      x_auth_roles: 'admin',
      origin: 'https://app.test',
    },
  });
  await opened(socket);
  const seen = handshakes.at(-1) ?? {};
  t.equal(seen['x-auth-subject'], 'alice');
  t.equal(seen.x_auth_roles, undefined);
  t.equal(seen.authorization, undefined);
  t.equal(seen.origin, 'https://app.test', 'W6 Origin is forwarded');
  socket.terminate();
});

t.test('W2 messages pass both ways unchanged', async (t) => {
  const socket = socketTo('/echo/1');
  await opened(socket);
  for (const message of ['hello', 'x'.repeat(100_000)]) {
    const answer = nextMessage(socket);
    socket.send(message);
    t.equal((await answer).toString(), message);
  }
  const binary = Buffer.alloc(70_000, 7);
  const answer = nextMessage(socket);
  socket.send(binary);
  t.strictSame(await answer, binary);
  const closing = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.close(4321, 'done');
  t.equal(await closing, 4321);
});

t.test('W13 the upstream chooses the subprotocol', async (t) => {
  const socket = socketTo('/echo/1', {}, ['one', 'two']);
  await opened(socket);
  t.equal(socket.protocol, 'two');
  socket.terminate();
});

const REFUSED_TARGETS: [string, string][] = [
  ['W3 an absolute target of another host', 'http://evil.test/public/1'],
  ['W3 two slashes', '//evil.test/public/1'],
  ['W4 dot segments', '/public/../echo/1'],
  ['W4 encoded dot segments', '/public/%2e%2e/echo/1'],
  ['W4 a backslash', '/public/..\\echo/1'],
  ['W4 a path parameter', '/public/..;x=1/echo/1'],
  ['W4 an encoded slash', '/public%2f1'],
  ['W5 a fragment', '/public/1#x'],
];
for (const [name, target] of REFUSED_TARGETS) {
  t.test(name, async (t) => {
    await world.refused(t, upgrade(target), BAD_REQUEST);
    await world.refused(t, upgrade(target, { token }), BAD_REQUEST);
  });
}

t.test('W9 too many header lines in an upgrade are 431', async (t) => {
  const filler = Array.from({ length: 1001 }, (_, index) => [`X-Filler-${index}`, 'x'] as const);
  await world.refused(t, upgrade('/public/1', { headers: filler }), HEADER_TOO_LARGE);
});

t.test('W13 the refusal of the upstream is passed on before 101', async (t) => {
  for (const line of ['403 Forbidden', '500 Internal Server Error', '302 Found']) {
    world.upstream.answer = () => `HTTP/1.1 ${line}\r\nX-Mine: yes\r\nContent-Length: 2\r\n\r\nno`;
    const response = await world.send(upgrade('/socket/1', { token }));
    t.equal(response.status, Number(line.slice(0, 3)));
    t.equal(response.body.toString(), 'no');
    t.equal(response.get('x-mine'), 'yes');
  }
  world.upstream.answer = null;
});

t.test('W13 101 of the upstream is passed on without its hop-by-hop fields', async (t) => {
  world.upstream.answer = (request, socket) => {
    const accept = createHash('sha1')
      .update(`${request.all('sec-websocket-key')[0]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade, X-Secret\r\nUpgrade: websocket\r\nX-Secret: 1\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    return undefined;
  };
  const response = await world.send(upgrade('/socket/1', { token }));
  t.equal(response.status, 101);
  t.equal(response.get('sec-websocket-accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  t.match(response.get('connection'), /^upgrade$/i);
  t.match(response.get('upgrade'), /^websocket$/i);
  t.strictSame(response.all('x-secret'), []);
  world.upstream.answer = null;
});

t.test('W15 an upstream that is not there is 502 before 101', async (t) => {
  world.upstream.answer = (_, socket) => {
    socket.destroy();
    return undefined;
  };
  const response = await world.send(upgrade('/socket/1', { token }));
  t.equal(response.status, 502);
  world.upstream.answer = null;
});

t.test('W18 where the route does not allow it, an upgrade is a plain request', async (t) => {
  const seen = await world.forwarded(t, upgrade('/plain/1', { token }));
  t.strictSame(seen.all('upgrade'), []);
  for (const [name] of UPGRADE.slice(2)) t.ok(seen.all(name).length <= 1, name);
});

const BAD_HANDSHAKES: [string, RequestParts['headers']][] = [
  ['W12 another version', [UPGRADE[0], UPGRADE[1], ['Sec-WebSocket-Version', '12'], UPGRADE[3]]],
  ['W12 no key', [UPGRADE[0], UPGRADE[1], UPGRADE[2]]],
  ['W12 a key of another length', [UPGRADE[0], UPGRADE[1], UPGRADE[2], ['Sec-WebSocket-Key', 'c2hvcnQ=']]],
];
for (const [name, headers = []] of BAD_HANDSHAKES) {
  t.test(`${name} is never 101`, async (t) => {
    const response = await world.send({ target: '/echo/1', token, headers });
    t.not(response.status, 101);
    t.ok([200, 400, 426].includes(response.status), `${response.status}`);
  });
}

t.test('W12 a handshake by POST is never 101', async (t) => {
  const response = await world.send({ method: 'POST', body: '', ...upgrade('/echo/1', { token }) });
  t.not(response.status, 101);
});

t.test('W8 an upgrade pipelined behind a request is decided in its turn', async (t) => {
  const connection = await openConnection(world.gateway.port);
  connection.write(
    Buffer.concat([requestBytes({ target: '/plain/1', token }), requestBytes(upgrade('/echo/1'))]),
  );
  t.equal((await connection.response()).status, 200);
  const response = await connection.response();
  assertRefusal(t, response, response.status === 400 ? BAD_REQUEST : UNAUTHENTICATED);
  connection.destroy();
  t.ok(world.gateway.running());
});

t.test('W8 bytes sent before 101 reach nobody as a request', async (t) => {
  const before = world.upstream.requests.length;
  const connection = await openConnection(world.gateway.port);
  connection.write(
    Buffer.concat([requestBytes(upgrade('/echo/1')), requestBytes({ target: '/public/smuggled' })]),
  );
  assertRefusal(t, await connection.response(), UNAUTHENTICATED);
  await connection.closed();
  t.equal(connection.rest().length, 0);
  t.equal(world.upstream.requests.length, before);
});

t.test('W7 callers who reset while they are judged harm nobody', async (t) => {
  for (let count = 0; count < 50; count += 1) {
    const connection = await openConnection(world.gateway.port);
    connection.write(requestBytes(upgrade('/echo/1', { token: signToken(key, { jti: `reset-${count}` }) })));
    connection.socket.resetAndDestroy();
  }
  const socket = socketTo('/echo/1');
  await opened(socket);
  socket.terminate();
  t.ok(world.gateway.running());
});

t.test('W14 WS05 a socket ends when its credential does', async (t) => {
  const short = signToken(key, { exp: nowSeconds() + 2 });
  const socket = socketTo('/echo/1', { headers: { authorization: `Bearer ${short}` } });
  await opened(socket);
  const code = await new Promise<number>((resolve) => socket.once('close', resolve));
  t.equal(code, 1008);
});

t.test('W1 nothing leaked, nothing crashed', (t) => world.conclude(t));

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
}

function nextMessage(socket: WebSocket): Promise<Buffer> {
  return new Promise((resolve) => {
    socket.once('message', (data) => resolve(Buffer.isBuffer(data) ? data : Buffer.from(data.toString())));
  });
}
