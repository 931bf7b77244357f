import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { createListener } from '../src/listener.ts';
import { exchange, openConnection } from './fixtures/raw-client.ts';
import { policyOf, serve } from './fixtures/server.ts';

type Test = { teardown(run: () => unknown): void };

async function upstream(t: Test) {
  const seen: { url: string | undefined; response: ServerResponse }[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    seen.push({ url: request.url, response });
    waiting.shift()?.();
    request.resume();
    if (request.url !== '/held') response.end(request.url);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    seen,
    url: `http://127.0.0.1:${port}`,
    next: () => new Promise<void>((resolve) => waiting.push(resolve)),
  };
}

const policy = (url: string) => `upstream: ${url}\nroutes: [{ path: /**, auth: none }]\n`;
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: api\r\n\r\n`;

t.test('R12 a broken message is answered after the answers that are due before it', async (t) => {
  const { url, seen, next } = await upstream(t);
  const { port } = await serve(t, policy(url));
  const connection = await openConnection(port);
  t.teardown(() => connection.destroy());
  const arrived = next();
  connection.write(`${get('/held')}garbage that is no request\r\n\r\n`);
  await arrived;
  seen[0]?.response.end('first');
  t.equal((await connection.response()).body.toString(), 'first');
  const second = await connection.response();
  t.equal(second.status, 400);
  t.equal(second.body.toString(), '{"error":"bad_request"}');
  t.equal(second.get('connection'), 'close');
  await connection.closed();
});

t.test(
  'a body that breaks its framing ends the connection, and the request is not answered as if it were whole',
  async (t) => {
    const { url } = await upstream(t);
    const { port } = await serve(t, policy(url));
    const connection = await openConnection(port);
    t.teardown(() => connection.destroy());
    connection.write('POST /held HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n');
    const { status } = await connection.response();
    t.equal(status, 400);
    await connection.closed();
  },
);

t.test('R28 CONNECT is 405 with an empty Allow, and closes', async (t) => {
  const { url, seen } = await upstream(t);
  const { port } = await serve(t, policy(url));
  const [response] = await exchange(port, 'CONNECT api:443 HTTP/1.1\r\nHost: api:443\r\n\r\n');
  t.equal(response?.status, 405);
  t.equal(response?.get('allow'), '');
  t.equal(seen.length, 0);
});

t.test('W8 an upgrade behind an unanswered request is a plain request, in turn', async (t) => {
  const { url, seen, next } = await upstream(t);
  const { port } = await serve(t, `upstream: ${url}\nroutes: [{ path: /**, auth: none, websocket: true }]\n`);
  const connection = await openConnection(port);
  t.teardown(() => connection.destroy());
  const arrived = next();
  connection.write(
    `${get('/held')}GET /socket HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  await arrived;
  seen.find(({ url: path }) => path === '/held')?.response.end('first');
  t.equal((await connection.response()).body.toString(), 'first');
  t.equal((await connection.response()).body.toString(), '/socket');
});

t.test('after a 400 nothing more is read from the connection', async (t) => {
  const { url, seen } = await upstream(t);
  const { port } = await serve(t, policy(url));
  const connection = await openConnection(port);
  t.teardown(() => connection.destroy());
  connection.write(`${get('/a/../b')}${get('/after')}`);
  const response = await connection.response();
  t.equal(response.status, 400);
  t.equal(response.get('connection'), 'close');
  await connection.closed();
  t.equal(connection.rest().length, 0);
  t.strictSame(
    seen.map(({ url: path }) => path),
    [],
  );
});

t.test('a header section over the limits is 431, also where Node counts first', async (t) => {
  const { url } = await upstream(t);
  const { port, log } = await serve(
    t,
    `${policy(url)}limits: { header_bytes: 4KiB, target_bytes: 1KiB, token_bytes: 2KiB }\n`,
  );
  const [long] = await exchange(port, `GET / HTTP/1.1\r\nHost: api\r\nX: ${'a'.repeat(5000)}\r\n\r\n`);
  t.equal(long?.status, 431);
  const [longer] = await exchange(port, `GET / HTTP/1.1\r\nHost: api\r\nX: ${'a'.repeat(50_000)}\r\n\r\n`);
  t.equal(longer?.status, 431);
  t.equal(longer?.body.toString(), '{"error":"header_too_large"}');
  t.ok(log.lines.every((line) => !JSON.stringify(line).includes('aaaa')));
});

t.test('a header that does not come in time is 408', async (t) => {
  const { url } = await upstream(t);
  const { port } = await serve(t, `${policy(url)}timeouts: { headers: 100ms }\n`);
  const connection = await openConnection(port);
  t.teardown(() => connection.destroy());
  connection.write('GET / HTTP/1.1\r\nHost: ');
  const response = await connection.response();
  t.equal(response.status, 408);
  t.equal(response.body.toString(), '{"error":"request_timeout"}');
});

t.test(
  'HTTP/1.0 is never kept alive, not even when asked for, and nothing behind it is looked at',
  async (t) => {
    const { url, seen } = await upstream(t);
    const { port } = await serve(t, policy(url));
    const old = (path: string) => `GET ${path} HTTP/1.0\r\nHost: api\r\nConnection: keep-alive\r\n\r\n`;
    const connection = await openConnection(port);
    t.teardown(() => connection.destroy());
    connection.write(old('/one') + old('/two'));
    const response = await connection.response();
    t.equal(response.get('connection'), 'close');
    t.equal(response.body.toString(), '/one');
    await connection.closed();
    t.strictSame(
      seen.map(({ url: path }) => path),
      ['/one'],
    );
  },
);

t.test('what follows a request that asked for the end of the connection is not looked at', async (t) => {
  const { url, seen } = await upstream(t);
  const { port } = await serve(t, policy(url));
  const connection = await openConnection(port);
  t.teardown(() => connection.destroy());
  connection.write(`GET /last HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n${get('/more')}`);
  t.equal((await connection.response()).body.toString(), '/last');
  await connection.closed();
  t.equal(seen.length, 1);
});

t.test(
  'R19 a declined upgrade is the last request of its connection, because Node drops what came with it',
  async (t) => {
    const { url, seen, next } = await upstream(t);
    const { port } = await serve(t, policy(url));
    const declined = (path: string) =>
      `GET ${path} HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`;
    for (const more of [get('/behind'), 'POST /behind HTTP/1.1\r\nHost: api\r\nContent-Length: 99\r\n\r\n']) {
      const connection = await openConnection(port);
      t.teardown(() => connection.destroy());
      const arrived = next();
      connection.write(declined('/held') + more);
      await arrived;
      // The body of what was dropped, where a parser that reads on would find a request.
      connection.write(get('/hidden'));
      seen.at(-1)?.response.end('served');
      const response = await connection.response();
      t.equal(response.body.toString(), 'served');
      t.equal(response.get('connection'), 'close');
      await connection.closed();
      t.equal(connection.rest().length, 0);
    }
    t.strictSame(
      seen.map(({ url: path }) => path),
      ['/held', '/held'],
    );
  },
);

t.test(
  'of a thousand requests in one read 128 are looked at, and the connection ends with the last',
  async (t) => {
    const { url, seen } = await upstream(t);
    const { port } = await serve(t, policy(url));
    const connection = await openConnection(port);
    t.teardown(() => connection.destroy());
    connection.write(get('/a').repeat(1000));
    const closes: (string | undefined)[] = [];
    for (let answers = 0; answers < 128; answers += 1) {
      const response = await connection.response();
      t.equal(response.status, 200);
      closes.push(response.get('connection'));
    }
    await connection.closed();
    t.equal(connection.rest().length, 0, 'nothing follows');
    t.equal(seen.length, 128, 'work was done for these only');
    t.strictSame(closes.filter((value) => value === 'close').length, 1);
    t.equal(closes.at(-1), 'close');
  },
);

t.test('the same for requests that are refused at once', async (t) => {
  const { url, seen } = await upstream(t);
  const key = `{id: one, subject: one, sha256: "${'0'.repeat(64)}"}`;
  const { port, log } = await serve(
    t,
    `upstream: ${url}\napi_keys: {keys: {keys: [${key}]}}\nroutes: [{ path: /** }]\n`,
  );
  const connection = await openConnection(port);
  t.teardown(() => connection.destroy());
  connection.write(get('/a').repeat(1000));
  const statuses: number[] = [];
  for (let answers = 0; answers < 128; answers += 1) statuses.push((await connection.response()).status);
  await connection.closed();
  t.strictSame([...new Set(statuses)], [401]);
  t.equal(connection.rest().length, 0);
  t.equal(
    log.lines.filter(({ fields }) => 'status' in fields && fields.status === 401).length,
    128,
    'each that was judged is logged',
  );
  t.equal(seen.length, 0);
});

t.test('127 at a time may follow each other on one connection for ever', async (t) => {
  const { url, seen } = await upstream(t);
  const { port } = await serve(t, policy(url));
  const connection = await openConnection(port);
  t.teardown(() => connection.destroy());
  for (let burst = 0; burst < 5; burst += 1) {
    connection.write(get('/a').repeat(127));
    for (let answers = 0; answers < 127; answers += 1) t.equal((await connection.response()).status, 200);
  }
  t.equal(seen.length, 5 * 127);
});

t.test(
  'a request that comes while it waits to be told that it is late is served, and nothing else is said',
  async (t) => {
    const broken: string[] = [];
    const { server } = createListener(
      {
        request: (_, response) => {
          // Long after the others had their turn.
          setImmediate(() => setImmediate(() => setImmediate(() => response.end('in time'))));
        },
        upgrade: () => {},
        wantsTunnel: () => false,
        connect: () => {},
        broken: (error, socket) => {
          broken.push(String(error.code));
          socket.destroy();
        },
      },
      await policyOf(
        'listen: 127.0.0.1:0\nadmin: none\nupstream: http://127.0.0.1:9\nroutes: [{ path: /**, auth: none }]\n',
      ),
    );
    const late = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    server.prependListener('request', (request) => server.emit('clientError', late, request.socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    const connection = await openConnection((server.address() as AddressInfo).port);
    t.teardown(() => connection.destroy());
    for (let times = 0; times < 2; times += 1) {
      connection.write(get('/a'));
      t.equal((await connection.response()).body.toString(), 'in time');
    }
    t.strictSame(broken, []);
    const [socket] = await Promise.all([
      once(server, 'connection').then(([each]) => each),
      openConnection((server.address() as AddressInfo).port),
    ]);
    server.emit('clientError', late, socket);
    t.strictSame(broken, [], 'not before its turn');
    await once(socket, 'close');
    t.strictSame(broken, ['ERR_HTTP_REQUEST_TIMEOUT']);
  },
);

/** A listener whose requests are kept, and answered by whoever asks for it. */
async function listen(t: Test, request: (request: IncomingMessage, response: ServerResponse) => void) {
  const none = (): never => {
    throw new Error('only requests come');
  };
  const entrance = { request, upgrade: none, connect: none, broken: none, wantsTunnel: () => false };
  const { server } = createListener(entrance, await policyOf(policy('http://127.0.0.1:1')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

t.test('D2 whoever sends one request does not wait for a hundred of another peer', async (t) => {
  const seen: string[] = [];
  const port = await listen(t, ({ socket }, response) => {
    seen.push(socket.remoteAddress ?? '');
    response.end();
  });
  const many = await Promise.all(Array.from({ length: 100 }, () => openConnection(port, '127.0.0.2')));
  const all = [...many, await openConnection(port, '127.0.0.3')];
  t.teardown(() => all.map(({ destroy }) => destroy()));
  const askAll = (): Promise<unknown> => {
    for (const { write } of all) write(get('/'));
    return Promise.all(all.map((connection) => connection.response()));
  };
  // Node accepts one connection in a turn: from now on all can be read in the same one.
  await askAll();
  seen.length = 0;
  await askAll();
  t.equal(seen.length, 101, 'nobody is left out');
  t.ok(seen.indexOf('127.0.0.3') < 20, `it was number ${seen.indexOf('127.0.0.3')}`);
});

t.test('R12 what waits behind a request that ends the connection is not looked at', async (t) => {
  const seen: (string | undefined)[] = [];
  const port = await listen(t, ({ url }, response) => {
    seen.push(url);
    if (url === '/5') response.shouldKeepAlive = false;
    response.end(url);
  });
  const connection = await openConnection(port);
  connection.write(['/1', '/2', '/3', '/4', '/5', '/6', '/7'].map(get).join(''));
  for (const path of ['/1', '/2', '/3', '/4', '/5'])
    t.equal((await connection.response()).body.toString(), path);
  await connection.closed();
  t.strictSame(seen, ['/1', '/2', '/3', '/4', '/5']);
});

t.test('a reset costs no stack trace for each request that was unanswered', async (t) => {
  const limit = Error.stackTraceLimit;
  const errors: Promise<unknown>[] = [];
  let all = (): void => {};
  const arrived = new Promise<void>((resolve) => {
    all = resolve;
  });
  const port = await listen(t, (request) => {
    errors.push(once(request, 'error').then(([error]) => error));
    if (errors.length === 8) all();
  });
  const connection = await openConnection(port);
  connection.write(get('/').repeat(8));
  await arrived;
  connection.socket.resetAndDestroy();
  for (const error of await Promise.all(errors)) {
    t.ok(error instanceof Error && error.message === 'aborted');
    t.notMatch(error instanceof Error ? error.stack : '', /\n\s+at /);
  }
  t.equal(Error.stackTraceLimit, limit);
  t.match(new Error('ours').stack, /\n\s+at /, 'errors of our own have one');
});
