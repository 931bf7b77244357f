import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ListenError, listenOn } from '../src/listen-on.ts';
import { startServer } from '../src/server.ts';
import { recordLog } from './fixtures/fake-time.ts';
import { exchange, openConnection } from './fixtures/raw-client.ts';
import { startRecordingUpstream } from './fixtures/recording-upstream.ts';
import { policyOf, serve } from './fixtures/server.ts';
import { createSigningKey, keySet, signToken } from './fixtures/token-signer.ts';

type Test = { teardown(run: () => unknown): void };

/** An upstream that answers when told to. */
async function holdingUpstream(t: Test) {
  const held: ServerResponse[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((_request, response) => {
    held.push(response);
    waiting.shift()?.();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const arrival = async (count = 1) => {
    while (held.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, held, arrival };
}

const open = (upstream: string, more = '') =>
  `upstream: ${upstream}\nroutes: [{ path: /open, auth: none }]\n${more}`;

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: api\r\n\r\n`;

t.test('a reload takes effect at once, and a request under way keeps the policy it met', async (t) => {
  const upstream = await holdingUpstream(t);
  const { server, port } = await serve(t, open(upstream.url));
  const connection = await openConnection(port);
  t.teardown(() => connection.destroy());
  connection.write(get('/open'));
  await upstream.arrival();

  const waiting = server.reload(
    await policyOf(`upstream: ${upstream.url}\nroutes: [{ path: /other, auth: none }]\n`),
  );
  t.strictSame(waiting, ['listen', 'admin'], 'what was written otherwise and stays until a restart');
  const [after] = await exchange(port, get('/open'));
  t.equal(after?.status, 404, 'no longer a route');

  upstream.held[0]?.end('late');
  const before = await connection.response();
  t.equal(before.status, 200);
  t.equal(before.body.toString(), 'late');
});

t.test('a reload ends the event streams that it would refuse, and no others', async (t) => {
  const upstream = await holdingUpstream(t);
  const routes = (...paths: string[]) =>
    `upstream: ${upstream.url}\nroutes:\n${paths.map((path) => `  - { path: ${path}, auth: none }\n`).join('')}`;
  const { server, port } = await serve(t, routes('/stays', '/goes'));
  const openStream = async (path: string, count: number) => {
    const connection = await openConnection(port);
    t.teardown(() => connection.destroy());
    connection.write(get(path));
    await upstream.arrival(count);
    const begun = once(connection.socket, 'data');
    upstream.held.at(-1)?.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    await begun;
    return connection;
  };
  const stays = await openStream('/stays', 1);
  const goes = await openStream('/goes', 2);
  server.reload(await policyOf(routes('/stays')));
  t.equal((await goes.response()).body.toString(), 'data: 1\n\n', 'ends');
  upstream.held[0]?.end('data: 2\n\n');
  t.equal((await stays.response()).body.toString(), 'data: 1\n\ndata: 2\n\n', 'goes on');
});

t.test('an event stream that opens after the reload that would refuse it ends as well', async (t) => {
  const upstream = await holdingUpstream(t);
  const routes = (...paths: string[]) =>
    `upstream: ${upstream.url}\nroutes:\n${paths.map((path) => `  - { path: ${path}, auth: none }\n`).join('')}`;
  const { server, port } = await serve(t, routes('/stays', '/goes'));
  const connections = [];
  for (const [index, path] of ['/stays', '/goes'].entries()) {
    const connection = await openConnection(port);
    t.teardown(() => connection.destroy());
    connection.write(get(path));
    await upstream.arrival(index + 1);
    connections.push(connection);
  }
  server.reload(await policyOf(routes('/stays')));
  const [stays, goes] = upstream.held;
  for (const response of [stays, goes]) {
    response?.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
  }
  t.match((await connections[1]?.response())?.status, 200, 'its answer had begun');
  stays?.end('data: 2\n\n');
  t.equal((await connections[0]?.response())?.body.toString(), 'data: 1\n\ndata: 2\n\n', 'goes on');
});

t.test(
  'D20 drain lets what is in flight end, refuses new connections, and announces the end of kept ones',
  async (t) => {
    const upstream = await holdingUpstream(t);
    const { server, port } = await serve(t, open(upstream.url));
    const idle = await openConnection(port);
    const busy = await openConnection(port);
    t.teardown(() => {
      idle.destroy();
      busy.destroy();
    });
    busy.write(get('/open'));
    await upstream.arrival();

    const drained = server.drain();
    t.notOk(
      server.readiness().every(({ ready }) => ready),
      'not ready while draining',
    );
    await idle.closed();
    await t.rejects(openConnection(port), 'no new connections');
    upstream.held[0]?.end('finished');
    const last = await busy.response();
    t.equal(last.body.toString(), 'finished');
    t.equal(last.get('connection'), 'close', 'nobody must believe in a connection that ends');
    await drained;
  },
);

t.test('drain does not wait longer than it may', async (t) => {
  const upstream = await holdingUpstream(t);
  const { server, port } = await serve(t, open(upstream.url, 'timeouts: { drain: 10ms }'));
  const stuck = await openConnection(port);
  t.teardown(() => stuck.destroy());
  stuck.write(get('/open'));
  await upstream.arrival();
  await server.drain();
  await stuck.closed();
});

t.test('an address in use is an error that leaves nothing listening', async (t) => {
  const taken = createTcpServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const policy = await policyOf(
    `listen: ["127.0.0.1:0", "127.0.0.1:${port}"]\nadmin: none\n${open('http://127.0.0.1:9')}`,
  );
  await t.rejects(startServer({ policy, dependencies: { now: Date.now, log: recordLog() } }), {
    key: 'listen[1]',
    cause: { code: 'EADDRINUSE' },
  });
});

t.test('a unix socket left by a dead process is replaced, one in use is not', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'sp-')), 'a.sock');
  const servers: Server[] = [];
  const listen = async () => {
    const server = createServer();
    await listenOn(server, { kind: 'unix', path });
    servers.push(server);
    return server;
  };
  t.teardown(() => {
    for (const server of servers) server.close();
  });
  await listen();
  await t.rejects(listen(), { code: 'EADDRINUSE' });
  t.ok(existsSync(path));
  // A process that died leaves the file behind: a child listens on it and is killed.
  const { spawn } = await import('node:child_process');
  const stale = path.replace('a.sock', 'b.sock');
  const child = spawn(process.execPath, [
    '-e',
    `require('node:net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  await once(child, 'close');
  t.ok(existsSync(stale));
  const server = createServer();
  await listenOn(server, { kind: 'unix', path: stale });
  server.close();
});

t.test('what the end of a drain cuts is logged as that, with the status that its client got', async (t) => {
  const upstream = await startRecordingUpstream(t);
  let asked = 0;
  const arrived = new Promise<void>((resolve) => {
    upstream.onHead = ({ target }, socket) => {
      if (target === '/open?begun') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
      asked += 1;
      if (asked === 3) resolve();
      return true;
    };
  });
  const key = createSigningKey('ES256');
  const silent = await holdingUpstream(t);
  const { server, port, log } = await serve(
    t,
    `upstream: ${upstream.url}
timeouts: {drain: 10ms}
limits: {in_flight: 3, queue: 9}
issuers:
  corp: {issuer: "https://issuer.test", audience: api, jwks_uri: "${silent.url}"}
routes: [{path: /open, auth: none, websocket: true}, {path: /closed}]
`,
  );
  const send = async (bytes: string) => {
    const connection = await openConnection(port);
    t.teardown(() => connection.destroy());
    connection.write(bytes);
    return connection;
  };
  const token = signToken(key, { iss: 'https://issuer.test', aud: 'api' });
  const handshake =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
  const connections = [
    await send(get('/open?silent')),
    await send(get('/open?begun')),
    await send(`GET /open?handshake HTTP/1.1\r\nHost: api\r\n${handshake}`),
  ];
  await arrived;
  connections.push(await send(get('/open?queued')));
  connections.push(await send(`GET /closed HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${token}\r\n\r\n`));
  await silent.arrival();
  // What was sent before has been read when this is answered.
  await exchange(port, get('/none'));
  await server.drain();
  await Promise.all(connections.map((connection) => connection.closed()));
  const ends = log.lines
    .filter(({ message }) => message === 'request')
    .map(({ fields }) => fields as Readonly<Record<string, unknown>>)
    .map((fields) => [fields.path, fields.status, fields.end ?? fields['auth.reason']].join(' '));
  t.strictSame(ends.toSorted(), [
    '/closed 0 keys_unavailable',
    '/none 401 no_route',
    '/open 0 going_away',
    '/open 0 going_away',
    '/open 0 going_away',
    '/open 200 going_away',
  ]);
});

t.test('a file that is no socket of a dead process is left alone', async (t) => {
  // A socket's path has 107 bytes at most, so it cannot lie below the working directory.
  const path = join(mkdtempSync(join(tmpdir(), 'sp-')), 'kept');
  writeFileSync(path, 'text');
  await t.rejects(listenOn(createServer(), { kind: 'unix', path }), { code: 'EADDRINUSE' });
  t.equal(readFileSync(path, 'utf8'), 'text');
});

t.test('why an address cannot be listened on is said with a remedy', async (t) => {
  const tcp = { kind: 'tcp', host: '::1', port: 80 } as const;
  const unix = { kind: 'unix', path: '/run/x.sock' } as const;
  const rows = [
    [tcp, 'EACCES', /^\[::1\]:80: permission denied; .*CAP_NET_BIND_SERVICE.* 1024 on \(EACCES\)$/],
    [tcp, 'EADDRINUSE', /choose another port \(EADDRINUSE\)$/],
    [tcp, 'EMFILE', /^\[::1\]:80: as Node says$/],
    [unix, 'EACCES', /^unix:\/run\/x\.sock: its directory .*choose another path \(EACCES\)$/],
    [unix, 'constructor', /^unix:\/run\/x\.sock: as Node says$/],
  ] as const;
  for (const [address, code, message] of rows) {
    const error = new ListenError('admin', address, Object.assign(new Error('as Node says'), { code }));
    t.match(error.message, message);
    t.equal(error.key, 'admin');
  }
});

t.test('an IPv4 peer of a dual-stack listener has one address everywhere', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const log = recordLog();
  const policy = await policyOf(`listen: "[::]:0"
admin: none
upstream: ${upstream.url}
forwarded: both
trusted_proxies: [127.0.0.2]
limits: {failed_credentials: {per_peer: 1/1h}}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(createSigningKey('ES256')))}}
routes: [{path: /open, auth: none}, {path: /closed}]
`);
  const server = await startServer({ policy, dependencies: { now: Date.now, log } });
  t.teardown(() => server.close());
  const port = Number(server.addresses.public[0]?.split(':').at(-1));
  const seenFor = async (bytes: string, from: string) => {
    await exchange(port, bytes, ['GET'], from);
    const seen = upstream.requests.at(-1);
    return [
      seen?.all('x-forwarded-for'),
      seen?.all('forwarded').map((text) => text.match(/for=[^;,]+/g)?.join()),
    ];
  };
  const told = 'GET /open HTTP/1.1\r\nHost: api\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n';
  t.strictSame(await seenFor(told, '127.0.0.1'), [['127.0.0.1'], ['for=127.0.0.1']]);
  const trusted = await seenFor(told, '127.0.0.2');
  t.strictSame(trusted, [['192.0.2.7, 127.0.0.2'], ['for=192.0.2.7,for=127.0.0.2']], 'trusted_proxies');
  const bad = 'GET /closed HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer a.b.c\r\n\r\n';
  const statuses = [];
  for (const from of ['127.0.0.1', '127.0.0.1', '127.0.0.3'])
    statuses.push((await exchange(port, bad, ['GET'], from))[0]?.status);
  t.strictSame(statuses, [401, 429, 401], 'each address has a budget of its own');
  await exchange(port, 'NONSENSE\r\n\r\n', ['GET'], '127.0.0.1');
  const addresses = log.lines.map(({ fields }) => fields as Readonly<Record<string, unknown>>);
  t.strictSame(
    addresses.filter(({ peer }) => peer !== undefined).map(({ peer }) => peer),
    ['127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.1', '127.0.0.3', '127.0.0.1'],
  );
  t.notMatch(JSON.stringify(log.lines), /::ffff/);
});
