/**
 * What the pinned packages do by themselves, and that we are not hit. Each pair stands for a guard of ours: its first
 * half shows the defect in the package alone, its second that the gate is not affected. When the first half fails
 * after a version was raised, the defect is gone: the guard may go too, and so may the pair.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { applyLimits } from '../../src/listener.ts';
import { startAttackWorld, UPGRADE } from '../fixtures/attack-world.ts';
import { pair, startBareProxy } from '../fixtures/bare-proxy.ts';
import { selfSignedCertificate } from '../fixtures/certificates.ts';
import { exchange, openConnection, type RawResponse } from '../fixtures/raw-client.ts';
import { type Answerer, startRecordingUpstream } from '../fixtures/recording-upstream.ts';
import {
  assertRefusal,
  BAD_GATEWAY,
  BAD_REQUEST,
  HEADER_TOO_LARGE,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { policyOf, serve } from '../fixtures/server.ts';
import { type RequestParts, requestBytes } from '../fixtures/world.ts';

const world = await startAttackWorld(t, { routes: ['- {path: /**, auth: none}'] });
const upstream = await startRecordingUpstream(t);
const bare = await startBareProxy(t, upstream.url);

/** One request through the packages alone, and what their upstream saw. */
async function alone(request: RequestParts | string, port = bare) {
  const before = upstream.requests.length;
  const bytes = typeof request === 'string' ? request : requestBytes(request);
  const method = typeof request === 'string' ? 'GET' : (request.method ?? 'GET');
  const [response] = await exchange(port, bytes, [method]);
  if (response === undefined) throw new Error('no response');
  return { response, seen: upstream.requests.slice(before) };
}

const get = (lines: string, target = '/x'): string =>
  `GET ${target} HTTP/1.1\r\nHost: api.test\r\n${lines}\r\n`;

const onOurs = (bytes: string): Promise<RawResponse[]> => exchange(world.gateway.port, bytes);

pair(
  'F2 B2 an upstream certificate that nobody signed is taken',
  async (t) => {
    const port = await startSelfSigned(t);
    const [response] = await exchange(await startBareProxy(t, `https://127.0.0.1:${port}`), get(''));
    t.equal(response?.body.toString(), 'secret');
  },
  async (t) => {
    const url = `https://127.0.0.1:${await startSelfSigned(t)}`;
    const { port } = await serve(t, `upstream: ${url}\nroutes: [{path: /**, auth: none}]`);
    const [response] = await exchange(port, get(''));
    t.equal(response?.status, 502);
    t.equal(response?.body.toString(), '{"error":"bad_gateway"}');
  },
);

pair(
  'F5 B1 a path is judged as sent and forwarded repaired',
  async (t) => t.equal((await alone({ target: '/./admin/x' })).seen[0]?.target, '/admin/x'),
  (t) => world.refused(t, { target: '/./admin/x' }, BAD_REQUEST),
);

pair(
  'F6 a decoded parameter is put into the rewritten prefix',
  async (t) => {
    const options = { prefix: '/t/:tenant/api', rewritePrefix: '/tenants/:tenant/api' };
    const { seen } = await alone(
      { target: '/t/a%2fadmin%3f/api/x' },
      await startBareProxy(t, upstream.url, options),
    );
    t.match(seen[0]?.target, /^\/tenants\/a\/admin/);
  },
  (t) => world.refused(t, { target: '/t/a%2fadmin%3f/api/x' }, BAD_REQUEST),
);

pair(
  'F7 B15 what folds to the name of an identity header passes',
  async (t) => {
    const { seen } = await alone({ target: '/x', headers: [['X_Auth_Subject', 'root']] });
    t.strictSame(seen[0]?.all('x_auth_subject'), ['root']);
  },
  async (t) => {
    const seen = await world.forwarded(t, { target: '/x', headers: [['X_Auth_Subject', 'root']] });
    t.notMatch(seen.head, /root/);
  },
);

pair(
  'F8 of two Authorization lines the first counts, and of two Hosts',
  async (t) => {
    const { response, seen } = await alone(get('Host: b.test\r\nAuthorization: a\r\nAuthorization: b\r\n'));
    t.equal(response.status, 200);
    t.strictSame(seen[0]?.all('authorization'), ['a']);
  },
  async (t) => {
    await world.refused(t, get('Host: b.test\r\n'), BAD_REQUEST);
    t.equal((await onOurs(get('Authorization: a\r\nAuthorization: b\r\n', '/api/x')))[0]?.status, 400);
  },
);

pair(
  'F8 a request of HTTP/2.0 is one',
  async (t) => t.equal((await alone('GET /x HTTP/2.0\r\nHost: a\r\n\r\n')).response.status, 200),
  (t) => world.refused(t, 'GET /x HTTP/2.0\r\nHost: a\r\n\r\n', BAD_REQUEST),
);

pair(
  'F9 an unknown coding is forwarded and then refused',
  async (t) => {
    const before = upstream.requests.length;
    const connection = await openConnection(bare);
    connection.write(get('Transfer-Encoding: xchunked\r\n'));
    await connection.closed();
    await upstream.mark();
    t.match(connection.rest().toString(), /^HTTP\/1\.1 400 /);
    t.equal(upstream.requests.length, before + 1);
  },
  (t) => world.refused(t, get('Transfer-Encoding: xchunked\r\n'), BAD_REQUEST),
);

for (const lines of [
  'Keep-Alive: timeout=5\r\n',
  'Upgrade: foo\r\n',
  'Expect: 100-continue\r\nContent-Length: 0\r\n',
]) {
  pair(
    `F10 B7 ${lines.replace(/:.*/s, '')} makes a 500`,
    async (t) => t.equal((await alone(get(lines))).response.status, 500),
    async (t) => t.equal((await onOurs(get(lines)))[0]?.status, 200),
  );
}

const expecting =
  'POST /admin HTTP/1.1\r\nHost: api.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n';
pair(
  'F11 who will be refused is told to go on',
  async (t) => {
    const { response } = await alone(expecting);
    t.strictSame([response.interim, response.status], [[100], 401]);
  },
  async (t) => t.strictSame((await world.refused(t, expecting, UNAUTHENTICATED)).interim, []),
);

t.test(
  'F12 header lines that are too many no longer vanish: Node 24 itself answers 431, and we from 101 on',
  async (t) => {
    const filler = Array.from({ length: 999 }, (_, index) => `A${index}: \r\n`).join('');
    t.equal((await alone(get(`${filler}Authorization: x\r\n`))).response.status, 431);
    await world.refused(t, get(`${'A: \r\n'.repeat(101)}Authorization: x\r\n`, '/api/x'), HEADER_TOO_LARGE);
  },
);

pair(
  'F13 a request may take for ever',
  async (t) => t.equal(fastify().server.requestTimeout, 0),
  async (t) => {
    const server = createServer();
    const policy = await policyOf('upstream: http://a\nroutes: [{path: /**, auth: none}]');
    applyLimits(server, policy);
    t.match(server, { headersTimeout: 10_000, keepAliveTimeout: 75_000, maxConnections: 10_000 });
  },
);

/** What each sees of an upstream that answers so. */
async function answering(
  answer: Answerer,
  request: RequestParts | string,
): Promise<[RawResponse, RawResponse, number]> {
  upstream.answer = answer;
  world.upstream.answer = answer;
  try {
    const { response, seen } = await alone(request);
    const bytes = typeof request === 'string' ? request : requestBytes(request);
    const [ours] = await exchange(world.gateway.port, bytes);
    if (ours === undefined) throw new Error('no response');
    return [response, ours, seen.length];
  } finally {
    upstream.answer = null;
    world.upstream.answer = null;
  }
}

t.test('B3 a GET that is answered by 503 is sent ten times more: in the package, and not here', async (t) => {
  const before = world.upstream.requests.length;
  const [, ours, times] = await answering(
    () => 'HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n',
    get(''),
  );
  t.ok(times > 5, `${times} times`);
  t.strictSame(
    [ours.status, ours.get('retry-after'), world.upstream.requests.length - before],
    [503, '1', 1],
  );
});

t.test('B8 fields of one hop pass, from the upstream and to it: in the package, and not here', async (t) => {
  const request: RequestParts = {
    target: '/x',
    headers: [
      ['Proxy-Authorization', 'Basic eDp5'],
      ['TE', 'trailers'],
    ],
  };
  const [theirs, ours] = await answering(
    () => 'HTTP/1.1 200 OK\r\nConnection: x-secret\r\nX-Secret: 1\r\nContent-Length: 0\r\n\r\n',
    request,
  );
  t.strictSame([theirs.all('x-secret'), ours.all('x-secret')], [['1'], []]);
  t.strictSame(upstream.requests.at(-1)?.all('proxy-authorization'), ['Basic eDp5']);
  t.strictSame(world.upstream.requests.at(-1)?.all('proxy-authorization'), []);
});

t.test('B20 a long header of the upstream is 500: in the package, and not here', async (t) => {
  const [theirs, ours] = await answering(
    () => `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\nContent-Length: 0\r\n\r\n`,
    get(''),
  );
  t.strictSame([theirs.status, ours.status], [500, 502]);
});

pair(
  'B4 that an upstream is not there is 500, with its address',
  async (t) => {
    const { response } = await alone(get(''), await startBareProxy(t, 'http://127.0.0.1:9'));
    t.equal(response.status, 500);
    t.match(response.body.toString(), /127\.0\.0\.1:9/);
  },
  async (t) => {
    const { port } = await serve(t, 'upstream: http://127.0.0.1:9\nroutes: [{path: /**, auth: none}]');
    const [response] = await exchange(port, get(''));
    if (response === undefined) throw new Error('no response');
    assertRefusal(t, response, BAD_GATEWAY);
  },
);

const latin: RequestParts = {
  method: 'POST',
  target: '/x',
  headers: [['Content-Type', 'text/plain; charset=iso-8859-1']],
  body: Buffer.from([0xe9]),
};
pair(
  'B5 text is decoded as what it is not',
  async (t) => t.not((await alone(latin)).seen[0]?.body.toString('hex'), 'e9'),
  async (t) => t.equal((await world.forwarded(t, latin)).body.toString('hex'), 'e9'),
);

const search: RequestParts = {
  target: '/x',
  headers: [['Content-Type', 'application/json']],
  body: '{"query":1}',
};
pair(
  'B6 the body of a GET is dropped, and the answer is 200',
  async (t) => {
    const { response, seen } = await alone(search);
    t.strictSame([response.status, seen[0]?.body.length], [200, 0]);
  },
  (t) => world.refused(t, search, BAD_REQUEST),
);

pair(
  'B16 methods beyond the usual are 404',
  async (t) => t.equal((await alone({ method: 'PROPFIND', target: '/x' })).response.status, 404),
  (t) => world.forwarded(t, { method: 'PROPFIND', target: '/x' }),
);

pair(
  'B19 a token in the query is logged',
  async (t) => {
    let log = '';
    const write = (line: string): void => {
      log += line;
    };
    const app = fastify({ logger: { stream: { write } } });
    app.get('/x', async () => 'ok');
    await app.inject('/x?access_token=canary');
    t.match(log, /canary/);
  },
  async (t) => {
    await world.send({ target: '/x?access_token=canary-in-query' });
    t.notMatch(world.gateway.output(), /canary-in-query/);
  },
);

pair(
  'F4 B10 a WebSocket is opened before the upstream is asked, and of a request only its cookies go there',
  async (t) => {
    const heads: IncomingHttpHeaders[] = [];
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    t.teardown(() => server.close());
    server.on('connection', (socket, { headers }) => {
      heads.push(headers);
      socket.terminate();
    });
    const { port } = server.address() as AddressInfo;
    const proxy = await startBareProxy(t, `http://127.0.0.1:${port}`, { websocket: true });
    const headers = { authorization: 'x', origin: 'https://evil.test', 'user-agent': 'y' };
    const socket = new WebSocket(`ws://127.0.0.1:${proxy}/x`, { headers });
    socket.on('error', () => {});
    await once(socket, 'close');
    t.match(heads, [{ authorization: undefined, origin: undefined }]);
  },
  async (t) => {
    const headers = [...UPGRADE, ['Origin', 'https://evil.test'] as const];
    const seen = await world.forwarded(t, { target: '/public/x', headers });
    t.strictSame(seen.all('origin'), ['https://evil.test']);
  },
);

const KILLED_BY_PIPELINING = `
import { connect } from 'node:net';
import fastify from 'fastify';
import proxy from '@fastify/http-proxy';
const app = fastify();
app.addHook('onRequest', () => new Promise((resolve) => setTimeout(resolve, 50)));
await app.register(proxy, { upstream: 'http://127.0.0.1:9', websocket: true });
await app.listen({ port: 0, host: '127.0.0.1' });
const upgrade = 'Connection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n';
const socket = connect(app.server.address().port, '127.0.0.1');
socket.on('error', () => {});
socket.on('close', () => setTimeout(() => process.exit(0), 200));
socket.write('GET /a HTTP/1.1\\r\\nHost: a\\r\\n\\r\\nGET /b HTTP/1.1\\r\\nHost: a\\r\\n' + upgrade + '\\r\\n');
setTimeout(() => process.exit(0), 3000);
`;
pair(
  'F3 an upgrade behind an unanswered request ends the process',
  async (t) => {
    const { stderr, code } = await runInProcess(KILLED_BY_PIPELINING);
    t.equal(code, 1);
    t.match(stderr, /ERR_HTTP_SOCKET_ASSIGNED/);
  },
  async (t) => {
    const connection = await openConnection(world.gateway.port);
    connection.write(
      Buffer.concat([
        requestBytes({ target: '/public/a' }),
        requestBytes({ target: '/public/b', headers: UPGRADE }),
      ]),
    );
    t.equal((await connection.response()).status, 200);
    connection.destroy();
    t.ok(world.gateway.running());
  },
);

t.test('F1 nothing leaked, nothing crashed', (t) => world.conclude(t));

async function startSelfSigned(t: Test): Promise<number> {
  const server = createTlsServer({ ...selfSignedCertificate }, (_, response) => void response.end('secret'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Runs a program that may die; resolves with its last words. */
async function runInProcess(program: string): Promise<{ stderr: string; code: number | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: new URL('../..', import.meta.url),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { stderr, code };
}
