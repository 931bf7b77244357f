/**
 * R: where one message ends and the next begins, on both sides of the gate. What is a matter of spelling alone is
 * played by mutants; here are connections that go on, callers who wait or do not, and upstreams that lie.
 */
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { ADMINISTRATOR, READER, readerToken, startAttackWorld, UPGRADE } from '../fixtures/attack-world.ts';
import { openConnection, type RawResponse } from '../fixtures/raw-client.ts';
import {
  assertRefusal,
  BAD_GATEWAY,
  BAD_REQUEST,
  CONTENT_TOO_LARGE,
  METHOD_NOT_ALLOWED,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { requestBytes } from '../fixtures/world.ts';

const world = await startAttackWorld(t, { routes: ['- {path: /search/**, auth: none, tolerate: get_body}'] });
const { upstream, gateway } = world;
const HOST = 'Host: api.test\r\n';
const bearer = (token: string): string => `Authorization: Bearer ${token}\r\n`;
const chunked = 'Transfer-Encoding: chunked\r\n';

/** Bytes on one connection, and the statuses of all answers to them, in order. */
async function statuses(bytes: string | Buffer, methods: readonly string[]): Promise<number[]> {
  const connection = await openConnection(gateway.port);
  connection.write(bytes);
  const got: number[] = [];
  for (const method of methods) got.push((await connection.response(method)).status);
  connection.destroy();
  return got;
}

t.test("R7 ten thousand chunks of a byte are one body, and their extensions nobody's", async (t) => {
  // Work is in proportion to the bytes: what is bounded is a single extension, since nothing is passed on of it.
  for (const extension of ['', `;${'a'.repeat(100)}`, ';a="b"']) {
    const body = `${`1${extension}\r\nx\r\n`.repeat(10_000)}0\r\n\r\n`;
    const headers = [['Transfer-Encoding', 'chunked']] as const;
    const seen = await world.forwarded(t, { method: 'POST', target: '/public/x', headers, body });
    t.equal(seen.body.toString(), 'x'.repeat(10_000));
  }
});

t.test('R7 an extension of 20 kB is 413', async (t) => {
  const before = upstream.requests.length;
  const connection = await openConnection(gateway.port);
  const extension = 'a'.repeat(20_000);
  connection.write(`POST /public/x HTTP/1.1\r\n${HOST}${chunked}\r\n1;${extension}\r\nx\r\n0\r\n\r\n`);
  const response = await connection.response('POST');
  assertRefusal(t, response, CONTENT_TOO_LARGE);
  t.equal(response.get('connection'), 'close');
  await connection.closed();
  t.equal(upstream.requests.length, before);
  connection.destroy();
});

t.test('R10 what follows a chunked body is judged by its own credential', async (t) => {
  const first = `POST /api/x HTTP/1.1\r\n${HOST}${bearer(READER)}${chunked}\r\n5\r\nhello\r\n0\r\n\r\n`;
  const admin = (fields: string): string => `GET /admin/x HTTP/1.1\r\n${HOST}${fields}\r\n`;
  const bytes = first + admin('') + admin(bearer(READER)) + admin(bearer(ADMINISTRATOR)) + admin('');
  t.strictSame(await statuses(bytes, ['POST', 'GET', 'GET', 'GET', 'GET']), [200, 401, 403, 200, 401]);
});

t.test('R12 of a hundred pipelined requests each is judged alone and answered in its turn', async (t) => {
  const texts = Array.from({ length: 100 }, (_, index) =>
    [
      `GET /api/${index} HTTP/1.1\r\n${HOST}${bearer(index === 49 ? 'garbage' : READER)}\r\n`,
      `GET /api/${index} HTTP/1.1\r\n${HOST}\r\n`,
    ].slice(index % 10 === 3 ? 1 : 0, index % 10 === 3 ? 2 : 1),
  );
  upstream.answer = ({ target }) => `HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`;
  const connection = await openConnection(gateway.port);
  connection.write(texts.flat().join(''));
  for (let index = 0; index < 100; index += 1) {
    const response = await connection.response();
    const isBad = index === 49 || index % 10 === 3;
    t.equal(response.status, isBad ? 401 : 200, `${index}`);
    if (!isBad) t.equal(response.body.toString(), `/api/${index}`);
  }
  connection.destroy();
  upstream.answer = null;
});

t.test(
  'R15 R16 CL.0 0.CL a refused body is never a request, declared or in chunks, sent or still to come',
  async (t) => {
    const hidden = `GET /public/hidden HTTP/1.1\r\n${HOST}\r\n`;
    const body = hidden.repeat(2000);
    const inChunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    for (const [framing, bytes] of [
      [`Content-Length: ${body.length}\r\n`, body],
      [chunked, inChunks],
      [`Content-Length: ${body.length * 2}\r\n`, body],
    ] as const) {
      for (const target of ['/api/x', '/public/../x']) {
        const before = await upstream.mark();
        const connection = await openConnection(gateway.port);
        connection.write(`POST ${target} HTTP/1.1\r\n${HOST}${framing}\r\n`);
        const response = await connection.response('POST');
        assertRefusal(t, response, target === '/api/x' ? UNAUTHENTICATED : BAD_REQUEST);
        t.equal(response.get('connection'), 'close');
        connection.write(bytes);
        connection.socket.end();
        await connection.closed();
        t.equal(connection.rest().length, 0, 'no second answer');
        t.equal(await upstream.mark(), before);
        connection.destroy();
      }
    }
  },
);

const EXPECTATIONS: [lines: string, status: number, interim: number[]][] = [
  ['Expect: 100-continue\r\n', 200, [100]],
  ['Expect: 100-Continue\r\n', 200, [100]],
  ['Expect: y 100-continue\r\n', 417, []],
  ['Expect: 100-continue, y\r\n', 417, []],
  ['Expect: y\r\n', 417, []],
  ['Expect: 100-continue\r\nExpect: 100-continue\r\n', 417, []],
  ['Expect: y\r\nExpect: 100-continue\r\n', 417, []],
];
t.test(
  'R17 an expectation is answered when the caller is known, and never promises what is refused',
  async (t) => {
    for (const [lines, status, interim] of EXPECTATIONS) {
      const head = `HTTP/1.1\r\n${HOST}Content-Length: 5\r\n${lines}`;
      for (const credential of ['', bearer('garbage'), bearer(READER)]) {
        const connection = await openConnection(gateway.port);
        connection.write(`POST /api/x ${head}${credential}\r\n`);
        // Who waits for 100 sends nothing before it; who does not is refused before that.
        if (credential === bearer(READER) && status === 200) {
          t.equal((await connection.bytes(25)).toString(), 'HTTP/1.1 100 Continue\r\n\r\n');
          connection.write('hello');
          t.equal((await connection.response('POST')).status, 200);
          t.strictSame(upstream.requests.at(-1)?.all('expect'), []);
        } else {
          const response = await connection.response('POST');
          t.equal(response.status, status === 417 ? 417 : 401, lines);
          t.strictSame(response.interim, []);
        }
        connection.destroy();
      }
      t.equal(interim.length, status === 200 ? 1 : 0);
    }
  },
);

t.test('R19 no upgrade but a WebSocket is one, and HTTP/2 is not spoken behind any', async (t) => {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  for (const lines of [
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n',
    'Connection: Upgrade\r\nUpgrade: h2c\r\n',
    'Connection: upgrade, http2-settings\r\nUpgrade: H2C\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n',
    'Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n',
    'Connection: HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nUpgrade: h2c\r\n',
  ]) {
    const before = upstream.requests.length;
    const connection = await openConnection(gateway.port);
    connection.write(`GET /public/x HTTP/1.1\r\n${HOST}${lines}\r\n${preface}`);
    t.equal((await connection.response()).status, 200, lines);
    await connection.closed();
    // Refused as what follows a request, or not looked at behind the last one of its connection.
    t.match(connection.rest().toString('latin1'), /^(?:HTTP\/1\.1 400 |$)/, 'no frame of HTTP/2');
    connection.destroy();
    const seen = upstream.requests.slice(before);
    t.equal(seen.length, 1);
    for (const name of ['upgrade', 'http2-settings']) t.strictSame(seen[0]?.all(name), [], name);
    t.notMatch(seen[0]?.head, /upgrade|http2/i);
  }
});

t.test(
  'R20 the length that the upstream is told is one line, whatever the caller wrote it like',
  async (t) => {
    for (const name of ['Content-Length', 'content-length', 'CONTENT-LENGTH', 'cOnTeNt-lEnGtH']) {
      const headers = [
        [name, '0005'],
        ['Content_Length', '50'],
        ['Transfer.Encoding', 'chunked'],
      ] as const;
      const seen = await world.forwarded(t, { method: 'POST', target: '/public/x', headers, body: 'hello' });
      t.match(seen.head.match(/^.*(?:content.length|transfer.encoding).*$/gim), ['content-length: 5']);
      t.equal(seen.body.toString(), 'hello');
    }
  },
);

t.test("R21 an answer that nobody asked for is the next caller's never", async (t) => {
  upstream.answer = (request) => {
    const who = request.all('x-auth-subject').join();
    const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';
    return `HTTP/1.1 200 OK\r\nContent-Length: ${who.length}\r\n\r\n${who}${poison}`;
  };
  for (let count = 0; count < 20; count += 1) {
    const sub = `user-${count}`;
    const { body } = await world.send({ target: '/api/x', token: readerToken({ sub }) });
    t.equal(body.toString(), sub);
  }
  upstream.answer = null;
});

t.test('R23 a body passes byte for byte, whatever it is called', async (t) => {
  const body = Buffer.from([0xe9, 0x00, 0xff, 0x0a, 0x22, 0x7b]);
  for (const type of [
    'application/json\ta',
    'application/json garbage',
    'application/json;',
    ';;',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'text/plain; charset=iso-8859-1',
    'x'.repeat(8000),
    null,
  ]) {
    const headers = type === null ? [] : ([['Content-Type', type]] as const);
    const seen = await world.forwarded(t, { method: 'POST', target: '/public/x', headers, body });
    t.strictSame(seen.all('content-type'), type === null ? [] : [type]);
    t.strictSame(seen.body, body);
  }
});

/** What an upstream says, and what becomes of it: refused as a whole, or passed on as this check wants. */
const SAID: [
  name: string,
  answer: string | Buffer,
  check: 'bad_gateway' | ((t: Test, got: RawResponse) => void),
][] = [
  [
    'R24 a field that Connection names',
    'HTTP/1.1 200 OK\r\nConnection: x-secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nContent-Length: 2\r\n\r\nok',
    (t, got) => t.notMatch(got.head, /x-secret|^keep-alive: 5/im),
  ],
  [
    'R24 a coding before chunked',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'bad_gateway',
  ],
  ['R24 two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok', 'bad_gateway'],
  [
    'R24 length and coding',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'bad_gateway',
  ],
  ['R24 a flood of interim answers', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(5000), 'bad_gateway'],
  [
    'R24 a header of 100 kB',
    `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\nContent-Length: 0\r\n\r\n`,
    'bad_gateway',
  ],
  ['R24 a bare CR in a header', 'HTTP/1.1 200 OK\r\nX: a\rY: b\r\nContent-Length: 0\r\n\r\n', 'bad_gateway'],
  [
    'R24 a space before a colon',
    'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok',
    (t, got) => t.strictSame([got.status, got.body.toString(), got.get('content-length')], [200, 'ok', '2']),
  ],
  ['R24 what is no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n', 'bad_gateway'],
  [
    'R24 304 with a body',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\npoison',
    (t, got) => t.strictSame([got.status, got.body.length], [304, 0]),
  ],
  [
    'R26 101 that nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    'bad_gateway',
  ],
  [
    'R25 five thousand codings',
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 200 OK\r\nContent-Encoding: ${Array(2000).fill('gzip').join()}\r\nContent-Length: ${gzipSync('x').length}\r\n\r\n`,
      ),
      gzipSync('x'),
    ]),
    (t, got) => t.strictSame(got.body, gzipSync('x')),
  ],
  [
    'R27 a redirect to a place inside',
    'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n',
    (t, got) => t.strictSame([got.status, got.get('location')], [302, 'http://127.0.0.1:1/x']),
  ],
];
for (const [name, answer, check] of SAID) {
  t.test(`${name}, and the caller after that is not harmed`, async (t) => {
    upstream.answer = () => answer;
    const response = await world.send({ target: '/api/x', token: READER });
    if (check === 'bad_gateway') assertRefusal(t, response, BAD_GATEWAY);
    else check(t, response);
    upstream.answer = null;
    await world.forwarded(t, { target: '/api/x', token: READER });
  });
}

t.test('R28 CONNECT opens no tunnel for anybody', async (t) => {
  for (const credential of ['', bearer(ADMINISTRATOR)]) {
    await world.refused(
      t,
      `CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n${credential}\r\n`,
      METHOD_NOT_ALLOWED,
    );
    await world.refused(t, `CONNECT /admin/x HTTP/1.1\r\n${HOST}${credential}\r\n`, METHOD_NOT_ALLOWED);
  }
});

const METHODS = ['get', 'Get', 'gET', 'FOO', 'GETS', 'G\u00c9T', 'DESCRIBE', 'PLAY', 'ANNOUNCE', 'PRI'];
t.test("R28 what is no method of HTTP is nobody's, in any version that the parser takes", async (t) => {
  for (const method of METHODS) {
    for (const version of ['HTTP/1.1', 'RTSP/1.0', 'RTSP/1.1', 'ICE/1.0']) {
      for (const credential of ['', bearer(ADMINISTRATOR)]) {
        await world.refused(t, `${method} /public/x ${version}\r\n${HOST}${credential}\r\n`, BAD_REQUEST);
      }
    }
  }
});

t.test(
  'R11 R16 a tolerated body of GET reaches the upstream in one framing, before it is answered',
  async (t) => {
    const hidden = `GET /api/hidden HTTP/1.1\r\n${HOST}\r\n`;
    for (const method of ['GET', 'HEAD']) {
      const seen = await world.forwarded(t, { method, target: '/search/x', body: hidden });
      t.equal(seen.body.toString(), hidden);
      t.strictSame(seen.all('content-length'), [`${hidden.length}`]);
      await world.refused(t, { method, target: '/public/x', body: hidden }, BAD_REQUEST);
    }
  },
);

t.test('W8 an upgrade with bytes behind it, or behind another request, smuggles nothing', async (t) => {
  const upgrade = requestBytes({ target: '/public/x', headers: UPGRADE });
  const hidden = requestBytes({ target: '/admin/x' });
  upstream.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const before = upstream.requests.length;
  // The upstream refuses: what was sent as frames is never read as a request, there or here.
  const connection = await openConnection(gateway.port);
  connection.write(Buffer.concat([upgrade, hidden]));
  t.equal((await connection.response()).status, 200);
  await connection.closed();
  t.equal(connection.rest().length, 0);
  connection.destroy();
  t.strictSame(
    upstream.requests.slice(before).map(({ target }) => target),
    ['/public/x'],
  );
  t.strictSame(await statuses(Buffer.concat([hidden, upgrade]), ['GET', 'GET']), [401, 200]);
  upstream.answer = null;
});

t.test('R1 nothing leaked, nothing crashed', (t) => world.conclude(t));
