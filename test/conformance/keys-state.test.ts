/**
 * Keys over rotations, outages and restarts: what rests on a withdrawn key ends at once, an outage ends nothing, and
 * operators are told.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../fixtures/fake-time.ts';
import { startKeyServer } from '../fixtures/key-server.ts';
import { openConnection, type RawConnection } from '../fixtures/raw-client.ts';
import { INVALID_TOKEN, UNAVAILABLE } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, type SigningKey, signToken } from '../fixtures/token-signer.ts';
import { requestBytes, startWorld, type World } from '../fixtures/world.ts';

const server = await startKeyServer(t);
const down = (_: unknown, response: ServerResponse): void => void response.writeHead(503).end('maintenance');
const target = '/orders/1';
const issuerOf = (name: string): { iss: string } => ({ iss: `https://${name}.test` });
const entry = (name: string, refresh: string): string =>
  `  ${name}: {issuer: "https://${name}.test", audience: api, jwks_uri: "${server.url}/${name}", refresh: {${refresh}}}`;

/** What `/readyz` says: status and text. */
async function readiness(world: World, query = ''): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${world.gateway.adminPort}/readyz${query}`);
  return `${response.status} ${await response.text()}`;
}

/** Makes the gateway fetch the issuer's keys: nobody has seen that key id. */
async function askAgain(world: World, name: string, kid: string): Promise<number> {
  return (await world.send({ target, token: signToken(createSigningKey('ES256', kid), issuerOf(name)) }))
    .status;
}

const old = createSigningKey('ES256', 'old');
const other = createSigningKey('ES256', 'other');
const partner = createSigningKey('ES256', 'old');
const brief = createSigningKey('ES256', 'brief');
server.serve('/corp', keySet(old, other));
server.serve('/partner', keySet(partner));
server.serve('/brief', keySet(brief));

t.test('streams', async (t) => {
  const echo = await startEcho(t);
  const world = await startWorld(t, {
    policy: (url) => `
upstreams: {default: ${url}, echo: "http://127.0.0.1:${echo.port}"}
accept: [corp, partner, brief]
issuers:
${entry('corp', 'cooldown: 100ms')}
${entry('partner', 'cooldown: 10s')}
${entry('brief', 'interval: 1s, max_stale: 1s, cooldown: 100ms')}
routes:
  - {path: /echo/**, upstream: echo, websocket: true}
  - {path: /events/**}
  - {path: /orders/**}
`,
  });
  const events = new Map<string, Socket>();
  world.upstream.answer = ({ target: asked }, socket) => {
    if (!asked.startsWith('/events')) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    events.set(asked, socket);
    return 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n';
  };
  const token = (key: SigningKey, name: string): string => signToken(key, issuerOf(name));
  const socketOf = (key: SigningKey, name: string): Promise<WebSocket> =>
    echo.connect(world.gateway.port, token(key, name));
  const eventsOf = async (path: string, key: SigningKey, name: string): Promise<RawConnection> => {
    const connection = await openConnection(world.gateway.port);
    t.teardown(() => connection.destroy());
    connection.write(requestBytes({ target: path, token: token(key, name) }));
    await until(() => events.has(path));
    return connection;
  };

  await t.test(
    'T45 WS05 a key that is withdrawn ends the WebSockets and event streams that rest on it',
    async (t) => {
      const gone = await socketOf(old, 'corp');
      const stays = [await socketOf(other, 'corp'), await socketOf(partner, 'partner')];
      const goneEvents = await eventsOf('/events/gone', old, 'corp');
      const staysEvents = await eventsOf('/events/stays', other, 'corp');
      const closed = new Promise<number>((resolve) => gone.once('close', resolve));
      const remembered = token(old, 'corp');
      await world.forwarded(t, { target, token: remembered });

      server.serve('/corp', keySet(other));
      t.equal(await askAgain(world, 'corp', 'unseen-1'), 401);
      t.equal(await closed, 1008);
      // Read strictly: a stream that was cut in the middle of a chunk would be an error.
      t.equal((await goneEvents.response()).body.toString(), 'data: 1\n\n');

      for (const socket of stays) t.equal(await echo.ask(socket, 'still there?'), 'still there?');
      events.get('/events/stays')?.write('9\r\ndata: 2\n\n\r\n0\r\n\r\n');
      t.equal((await staysEvents.response()).body.toString(), 'data: 1\n\ndata: 2\n\n');
      await world.refused(t, { target, token: remembered }, INVALID_TOKEN);
      await world.gateway.line((line) => Array.isArray(line.withdrawn) && line.withdrawn.includes('old'));
      for (const socket of stays) socket.terminate();
    },
  );

  await t.test('T45 a stream that opens after its key was withdrawn meanwhile ends as well', async (t) => {
    const late = createSigningKey('ES256', 'late');
    server.serve('/corp', keySet(other, late));
    await world.forwarded(t, { target, token: token(late, 'corp') });
    const asked = echo.hold();
    const opening = socketOf(late, 'corp');
    await asked;
    server.serve('/corp', keySet(other));
    t.equal(await askAgain(world, 'corp', 'unseen-2'), 401);
    echo.release();
    const socket = await opening;
    const code = await new Promise<number>((resolve) => socket.once('close', resolve));
    t.equal(code, 1008);
  });

  await t.test('K04 S19 an outage ends no stream, not even when the keys have grown too old', async (t) => {
    const socket = await socketOf(brief, 'brief');
    server.serve('/brief', down);
    const expired = await world.gateway.line((line) => /too old/.test(String(line.msg)));
    t.match(expired, { issuer: 'brief', level: 'error' });
    await world.refused(t, { target, token: token(brief, 'brief') }, UNAVAILABLE);
    t.match(await readiness(world, '?verbose'), /^200 (?:.*\n)*\[\+\]brief expired, 0 keys[,;] .*status 503/);
    t.equal(await readiness(world), '200 ok\n', 'it was ready once');
    t.equal(await echo.ask(socket, 'still there?'), 'still there?');
    server.serve('/brief', keySet(brief));
    const again = await world.gateway.line(
      (line) => line.issuer === 'brief' && /again/.test(String(line.msg)),
    );
    t.type(again.outage_s, 'number');
    await world.forwarded(t, { target, token: token(brief, 'brief') });
    t.equal(await echo.ask(socket, 'and now?'), 'and now?');
    socket.terminate();
  });

  await t.test(
    'K04 stale keys are counted, and shown to operators with age, trouble and the next try',
    async (t) => {
      await world.forwarded(t, { target, token: token(partner, 'partner') });
      server.serve('/partner', down);
      t.equal(await askAgain(world, 'partner', 'unseen-3'), 503);
      for (let n = 0; n < 3; n += 1)
        await world.forwarded(t, { target, token: signToken(partner, { ...issuerOf('partner'), n }) });
      const text = await readiness(world, '?verbose');
      t.match(
        text,
        /^200 (?:.*\n)*\[\+\]partner stale, 1 keys, obtained \d+ s ago, next try in \d+ s; \d+ failed attempts?: http:\/\/127\.0\.0\.1:\d+\/partner answered with status 503.*?; held until \d{4}-.*; attempts \d+, failed \d+, look-ups \d+, unknown ids \d+, judged stale 3, withdrawn 0\n/,
      );
      t.equal(await readiness(world), '200 ok\n', 'stale is ready');
      const told = await world.gateway.line((line) => line.issuer === 'partner' && line.failures === 1);
      t.match(told, {
        level: 'warn',
        kind: 'status',
        status: 503,
        url: `${server.url}/partner`,
        held_until: String,
      });
    },
  );

  await t.test('K04 nothing leaked, nothing crashed', (t) => world.conclude(t));
});

t.test('K22 down at start: 503 and not ready; it comes up by itself once the provider does', async (t) => {
  server.serve('/late', down);
  const key = createSigningKey('ES256', 'late');
  const world = await startWorld(t, {
    policy: (url) => `
upstream: ${url}
issuers:
${entry('late', 'cooldown: 100ms')}
routes: [{path: /orders/**}]
`,
  });
  const token = signToken(key, issuerOf('late'));
  t.equal(await readiness(world), '503 not ready\n');
  await world.refused(t, { target, token }, UNAVAILABLE);
  t.match(
    await readiness(world, '?verbose'),
    /^503 \[-\]late waiting, 0 keys[,;] .*status 503(?:.*\n)*not ready\n$/,
  );
  t.equal((await fetch(`http://127.0.0.1:${world.gateway.adminPort}/livez`)).status, 200);
  server.serve('/late', keySet(key));
  const again = await world.gateway.line((line) => /obtained again/.test(String(line.msg)));
  t.match(again, { issuer: 'late', kids: ['late'], failures: Number, outage_s: Number });
  t.equal(await readiness(world), '200 ok\n');
  await world.forwarded(t, { target, token });
  await world.conclude(t);
});

t.test('K22 cache_file', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-cache-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'corp.json');
  const key = createSigningKey('ES256', 'kept');
  const token = signToken(key, issuerOf('kept'));
  const start = (t: Test): Promise<World> =>
    startWorld(t, {
      policy: (url) => `
upstream: ${url}
issuers:
${entry('kept', `cooldown: 100ms, cache_file: "${file}"`)}
routes: [{path: /orders/**}]
`,
    });

  await t.test('K22 good keys are written for their owner alone', async (t) => {
    server.serve('/kept', { keys: [...keySet(key).keys, { kty: 'oct', kid: 'shared', k: 'c2VjcmV0' }] });
    const world = await start(t);
    await world.forwarded(t, { target, token });
    await until(() => existsSync(file));
    t.equal(statSync(file).mode & 0o777, 0o600);
    const kept = readFileSync(file, 'utf8');
    t.match(JSON.parse(kept), { issuer: 'https://kept.test', document: { keys: { length: 1 } } });
    t.notMatch(kept, /c2VjcmV0/, 'what was left out is not kept');
    await world.conclude(t);
  });

  await t.test(
    'K22 after a restart without the provider they are used, and its answer replaces them',
    async (t) => {
      server.serve('/kept', down);
      const world = await start(t);
      await world.forwarded(t, { target, token });
      t.equal(await readiness(world), '200 ok\n');
      t.match(await readiness(world, '?verbose'), /\[\+\]kept stale, 1 keys, /);
      await world.gateway.line((line) => line.file === file && /cache_file/.test(String(line.msg)));
      server.serve('/kept', keySet(createSigningKey('ES256', 'newer')));
      await world.gateway.line((line) => /obtained again/.test(String(line.msg)));
      await world.refused(t, { target, token }, INVALID_TOKEN);
      await until(() => readFileSync(file, 'utf8').includes('"newer"'));
      await world.conclude(t);
    },
  );

  await t.test('K22 a file that says something else is told and ignored: 503, as without it', async (t) => {
    server.serve('/kept', down);
    writeFileSync(file, readFileSync(file, 'utf8').replace('https://kept.test', 'https://elsewhere.test'));
    const world = await start(t);
    await world.refused(t, { target, token }, UNAVAILABLE);
    const told = await world.gateway.line((line) => /cache_file is not used/.test(String(line.msg)));
    t.match(told, { issuer: 'kept', file, reason: 'was written for another issuer' });
    t.equal(await readiness(world), '503 not ready\n');
    await world.conclude(t);
  });
});

interface Echo {
  readonly port: number;
  connect(gatewayPort: number, token: string): Promise<WebSocket>;
  ask(socket: WebSocket, text: string): Promise<string>;
  /** Answers no handshake until `release`; resolves when one has come. */
  hold(): Promise<void>;
  release(): void;
}

/** A WebSocket server behind the gateway that gives back what it is told. */
async function startEcho(t: Test): Promise<Echo> {
  let held: (() => void) | null = null;
  let wait: Promise<void> = Promise.resolve();
  let arrived: () => void = () => {};
  const sockets = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    verifyClient: (_, answer) => {
      arrived();
      void wait.then(() => answer(true));
    },
  });
  await new Promise((resolve) => sockets.once('listening', resolve));
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
  t.teardown(() => {
    for (const client of sockets.clients) client.terminate();
    sockets.close();
  });
  const address = sockets.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    connect: async (gatewayPort, token) => {
      const headers = { authorization: `Bearer ${token}` };
      const socket = new WebSocket(`ws://127.0.0.1:${gatewayPort}/echo/1`, [], { headers });
      await new Promise<void>((resolve, reject) => {
        socket.once('open', () => resolve());
        socket.once('error', reject);
      });
      return socket;
    },
    ask: (socket, text) =>
      new Promise((resolve, reject) => {
        socket.once('message', (data) => resolve(String(data)));
        socket.once('close', (code) => reject(new Error(`closed with ${code}`)));
        socket.send(text);
      }),
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      wait = promise;
      held = resolve;
      return new Promise((come) => {
        arrived = come;
      });
    },
    release: () => held?.(),
  };
}
