/** What is allowed passes unchanged, and a failing upstream is 502 or 504 with fixed text (RFC 9110 sections 7.6, 15.6). */
import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import t from 'tap';
import { openConnection } from '../fixtures/raw-client.ts';
import {
  assertRefusal,
  BAD_GATEWAY,
  CONTENT_TOO_LARGE,
  GATEWAY_TIMEOUT,
  INVALID_TOKEN,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { requestBytes, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key);
const closedPort = await portThatRefuses();

const world = await startWorld(t, {
  policy: (url) => `
upstreams:
  default: ${url}
  down: http://127.0.0.1:${closedPort}
  slow: {url: "${url}", response_timeout: 300ms}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
routes:
  - {path: /api/**}
  - {path: /down/**, upstream: down}
  - {path: /slow/**, upstream: slow}
  - {path: /kept/**, forward_credential: true}
  - {path: /small/**, body_bytes: 1KiB}
`,
});
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

t.test('B5 a text upload of 3 MB arrives byte for byte', async (t) => {
  const text = Buffer.from('caf\u00e9 \u6f22\u5b57 line\r\n'.repeat(150_000));
  const latin = Buffer.from(text.toString('utf8'), 'latin1');
  for (const body of [text, latin]) {
    const headers = [['Content-Type', 'text/plain; charset=x']] as const;
    const seen = await world.forwarded(t, { method: 'POST', target: '/api/upload', token, headers, body });
    t.equal(digest(seen.body), digest(body));
    t.strictSame(seen.all('content-length'), [String(body.length)]);
    t.strictSame(seen.all('content-type'), ['text/plain; charset=x']);
  }
});

t.test('R11 a chunked upload arrives with its bytes', async (t) => {
  const chunk = 'x'.repeat(65_536);
  const body = `${`10000\r\n${chunk}\r\n`.repeat(16)}0\r\n\r\n`;
  const headers = [['Transfer-Encoding', 'chunked']] as const;
  const seen = await world.forwarded(t, { method: 'PUT', target: '/api/upload', token, headers, body });
  t.equal(seen.body.length, 16 * 65_536);
});

t.test('G15 an upstream that refuses connections is 502 with fixed text', async (t) => {
  const response = await world.send({ target: '/down/1', token });
  assertRefusal(t, response, BAD_GATEWAY);
  t.notMatch(response.head + response.body.toString(), new RegExp(`${closedPort}|127\\.0\\.0\\.1|ECONN`));
  t.equal((await world.send({ target: '/down/1' })).status, 401, 'and strangers do not learn it');
});

t.test('G15 an upstream that never answers is 504 with fixed text', async (t) => {
  world.upstream.answer = () => undefined;
  assertRefusal(t, await world.send({ target: '/slow/1', token }), GATEWAY_TIMEOUT);
  world.upstream.answer = null;
});

const BAD_ANSWERS: [string, string][] = [
  ['T6 a reset in place of an answer', ''],
  ['R24 no HTTP', 'hello\r\n\r\n'],
  ['R24 two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  [
    'R24 length and coding',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'R24 a header section over 16 KiB',
    `HTTP/1.1 200 OK\r\nX-Large: ${'x'.repeat(20_000)}\r\nContent-Length: 0\r\n\r\n`,
  ],
  [
    'R26 a protocol switch that nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
  ],
];
for (const [name, bytes] of BAD_ANSWERS) {
  t.test(`${name} from the upstream is 502, and the upload is sent once`, async (t) => {
    const before = world.upstream.requests.length;
    world.upstream.answer = (_, socket) => {
      socket.end(bytes);
      if (bytes === '') socket.destroy();
      return undefined;
    };
    assertRefusal(
      t,
      await world.send({ method: 'POST', target: '/api/x', token, body: 'once' }),
      BAD_GATEWAY,
    );
    t.equal(world.upstream.requests.length, before + 1);
    world.upstream.answer = null;
  });
}

t.test('T6 an answer that breaks off in its body breaks off for the caller too', async (t) => {
  world.upstream.answer = (_, socket) => {
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this');
    return undefined;
  };
  await t.rejects(world.send({ target: '/api/x', token }), /connection ended/);
  world.upstream.answer = null;
});

t.test('G13 an upstream 401 passes with its challenges in order', async (t) => {
  const lines = 'WWW-Authenticate: Basic realm="legacy"\r\nWWW-Authenticate: Negotiate\r\n';
  world.upstream.answer = () => `HTTP/1.1 401 Unauthorized\r\n${lines}Content-Length: 4\r\n\r\nmine`;
  const response = await world.send({ target: '/api/x', token });
  t.equal(response.status, 401);
  t.strictSame(response.all('www-authenticate'), ['Basic realm="legacy"', 'Negotiate']);
  t.equal(response.body.toString(), 'mine');
  world.upstream.answer = null;
});

t.test('R24 hop-by-hop fields of the upstream end here', async (t) => {
  const fields =
    'Connection: X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\nX-Kept: 1\r\n';
  world.upstream.answer = () => `HTTP/1.1 200 OK\r\n${fields}Content-Length: 2\r\n\r\nok`;
  const response = await world.send({ target: '/api/x', token });
  t.equal(response.status, 200);
  for (const name of ['x-secret', 'proxy-authenticate']) t.strictSame(response.all(name), [], name);
  t.notMatch(response.all('keep-alive').join(), /timeout=9/);
  t.strictSame(response.all('x-kept'), ['1']);
  world.upstream.answer = null;
});

t.test('R27 a redirect is passed on, not followed', async (t) => {
  const before = world.upstream.requests.length;
  world.upstream.answer = () =>
    'HTTP/1.1 302 Found\r\nLocation: http://internal:8080/x\r\nContent-Length: 0\r\n\r\n';
  const response = await world.send({ target: '/api/x', token });
  t.equal(response.status, 302);
  t.equal(response.get('location'), 'http://internal:8080/x');
  t.equal(world.upstream.requests.length, before + 1);
  world.upstream.answer = null;
});

t.test('G16 the credential is taken off, unless the route keeps it', async (t) => {
  t.strictSame((await world.forwarded(t, { target: '/api/1', token })).all('authorization'), []);
  t.strictSame((await world.forwarded(t, { target: '/kept/1', token })).all('authorization'), [
    `Bearer ${token}`,
  ]);
});

t.test('H01 HEAD without credentials has the header section of GET and no body', async (t) => {
  const stable = (head: string): string => head.replace(/^(date|x-request-id):.*\r\n/gim, '');
  const [get, head] = [
    await world.send({ target: '/api/1' }),
    await world.send({ method: 'HEAD', target: '/api/1' }),
  ];
  t.equal(stable(head.head), stable(get.head));
});

t.test('H01 HEAD is forwarded as HEAD and its length kept', async (t) => {
  world.upstream.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 123\r\nETag: "x"\r\n\r\n';
  const connection = await openConnection(world.gateway.port);
  for (const _ of [1, 2, 3]) {
    connection.write(requestBytes({ method: 'HEAD', target: '/api/1', token }));
    const response = await connection.response('HEAD');
    t.equal(response.get('content-length'), '123');
  }
  connection.destroy();
  world.upstream.answer = null;
});

t.test('H12 a refusal comes before any precondition', async (t) => {
  const headers = [
    ['If-None-Match', '*'],
    ['Range', 'bytes=0-1'],
  ] as const;
  await world.refused(t, { target: '/api/1', headers, token: 'x' }, INVALID_TOKEN);
});

t.test('R24 204 and 304 pass without a body, and the connection goes on', async (t) => {
  const connection = await openConnection(world.gateway.port);
  for (const line of ['204 No Content', '304 Not Modified']) {
    world.upstream.answer = () => `HTTP/1.1 ${line}\r\nETag: "x"\r\n\r\n`;
    connection.write(requestBytes({ target: '/api/1', token }));
    t.equal((await connection.response()).status, Number(line.slice(0, 3)));
  }
  world.upstream.answer = null;
  connection.write(requestBytes({ target: '/api/1', token }));
  t.equal((await connection.response()).status, 200);
  connection.destroy();
});

t.test('R24 a body over the limit of the route is 413', async (t) => {
  await world.refused(
    t,
    { method: 'POST', target: '/small/1', token, body: 'x'.repeat(1025) },
    CONTENT_TOO_LARGE,
  );
  await world.forwarded(t, { method: 'POST', target: '/small/1', token, body: 'x'.repeat(1024) });
});

t.test(
  'R22 an early answer to an upload reaches the caller, and its connection is not used again',
  async (t) => {
    world.upstream.onHead = (_, socket) => {
      socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\nearly');
      return true;
    };
    const connection = await openConnection(world.gateway.port);
    connection.write(
      requestBytes({ method: 'POST', target: '/api/1', token, headers: [['Content-Length', '1000000']] }),
    );
    connection.write('only a part of it');
    const response = await connection.response('POST');
    t.equal(response.status, 400);
    t.equal(response.body.toString(), 'early');
    connection.destroy();
    world.upstream.onHead = null;
    const before = world.upstream.connections();
    await world.forwarded(t, { target: '/api/1', token });
    t.equal(world.upstream.connections(), before + 1);
  },
);

t.test('R21 an answer that nobody asked for goes to nobody', async (t) => {
  const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine';
  const closed = new Promise<void>((resolve) => {
    world.upstream.answer = (_, socket: Socket) => {
      socket.once('close', () => resolve());
      return plain + plain.replace('mine', 'evil');
    };
  });
  t.equal((await world.send({ target: '/api/1', token })).body.toString(), 'mine');
  await closed;
  world.upstream.answer = () => plain;
  t.equal((await world.send({ target: '/api/1', token })).body.toString(), 'mine');
  world.upstream.answer = null;
});

t.test('R18 a caller who leaves takes the request to the upstream along', async (t) => {
  const gone = new Promise<void>((resolve) => {
    world.upstream.answer = (_, socket) => {
      socket.once('close', () => resolve());
      connection.destroy();
      return undefined;
    };
  });
  const connection = await openConnection(world.gateway.port);
  connection.write(requestBytes({ target: '/api/1', token }));
  await gone;
  t.pass('the upstream connection ended');
  world.upstream.answer = null;
});

t.test('G15 nothing leaked, nothing crashed', (t) => world.conclude(t));

/** A port on which nothing listens: it was just given back. */
async function portThatRefuses(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? address.port : 9;
}
