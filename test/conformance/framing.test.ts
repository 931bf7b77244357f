/** One message, one reading: framing that others might read otherwise is 400 and nothing of it is forwarded (RFC 9112). */
import t from 'tap';
import { exchange, openConnection } from '../fixtures/raw-client.ts';
import { assertRefusal, BAD_REQUEST, METHOD_NOT_ALLOWED, UNAUTHENTICATED } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key);
const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
routes:
  - {path: /public/**, auth: none}
  - {path: /api/**}
  - {path: /search/**, auth: none, tolerate: get_body}
`,
});
const HEAD = 'Host: api.test\r\n';
const post = (fields: string, body = ''): string => `POST /public/x HTTP/1.1\r\n${HEAD}${fields}\r\n${body}`;
const get = (fields: string): string => `GET /public/x HTTP/1.1\r\n${HEAD}${fields}\r\n`;
const chunked = 'Transfer-Encoding: chunked\r\n';

const BROKEN: [string, string][] = [
  ['R1 length before coding', post(`Content-Length: 5\r\n${chunked}`, '0\r\n\r\n')],
  ['R1 coding before length', post(`${chunked}Content-Length: 5\r\n`, '0\r\n\r\n')],
  ['R2 two equal lengths', post('Content-Length: 2\r\nContent-Length: 2\r\n', 'hi')],
  ['R2 two different lengths', post('Content-Length: 2\r\nContent-Length: 3\r\n', 'hi')],
  ['R2 a list of lengths', post('Content-Length: 2, 2\r\n', 'hi')],
  ['R2 a length with a sign', post('Content-Length: +2\r\n', 'hi')],
  ['R2 a negative length', post('Content-Length: -1\r\n')],
  ['R2 a length in hexadecimal', post('Content-Length: 0x2\r\n', 'hi')],
  ['R2 an empty length', post('Content-Length:\r\n')],
  ['R2 a length of twenty digits', post('Content-Length: 99999999999999999999\r\n')],
  ['R3 an unknown coding', get('Transfer-Encoding: xchunked\r\n')],
  ['R3 identity', get('Transfer-Encoding: identity\r\n')],
  ['R3 identity after chunked', post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n')],
  ['R3 gzip before chunked', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n')],
  ['R3 chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n')],
  ['R3 two coding lines', post(chunked + chunked, '0\r\n\r\n')],
  ['R3 a coding with a parameter', post('Transfer-Encoding: chunked;x\r\n', '0\r\n\r\n')],
  ['R3 a quoted coding', post('Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n')],
  ['R4 a space before the colon', post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n')],
  ['R4 a vertical tab before the value', post('Transfer-Encoding:\x0bchunked\r\n', '0\r\n\r\n')],
  ['R4 NUL after the value', post('Transfer-Encoding: chunked\0\r\n', '0\r\n\r\n')],
  ['R5 a folded line', get('X-Folded: a\r\n\tb\r\n')],
  ['R6 a bare CR in a field', get('X-Bare: a\rX-Other: b\r\n')],
  ['R13 a space before the request line', ` GET /public/x HTTP/1.1\r\n${HEAD}\r\n`],
  ['R13 a tab in the request line', `GET\t/public/x\tHTTP/1.1\r\n${HEAD}\r\n`],
  ['R13 HTTP/1.2', `GET /public/x HTTP/1.2\r\n${HEAD}\r\n`],
  ['R13 HTTP/2.0', `GET /public/x HTTP/2.0\r\n${HEAD}\r\n`],
  ['R13 http/1.1 in lower case', `GET /public/x http/1.1\r\n${HEAD}\r\n`],
  ['R13 no version', 'GET /public/x\r\n\r\n'],
  ['R14 a space before the first field', `GET /public/x HTTP/1.1\r\n ${HEAD}\r\n`],
  ['R28 NUL in the method', `GE\0T /public/x HTTP/1.1\r\n${HEAD}\r\n`],
  ['R28 a space in the method', `G ET /public/x HTTP/1.1\r\n${HEAD}\r\n`],
  ['R28 the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
];
for (const [name, bytes] of BROKEN) {
  t.test(name, async (t) => {
    const response = await world.refused(t, bytes, BAD_REQUEST);
    t.equal(response.get('connection'), 'close');
  });
}

const BROKEN_CHUNKS: [string, string][] = [
  ['R8 a chunk size in C style', '0x5\r\nhello\r\n0\r\n\r\n'],
  ['R8 a negative chunk size', '-5\r\nhello\r\n0\r\n\r\n'],
  ['R8 a chunk size too large', 'ffffffffffffffff5\r\nhello\r\n0\r\n\r\n'],
  ['R9 data without its line end', '5\r\nhelloX0\r\n\r\n'],
  ['R6 a bare line feed in a chunk header', '5\nhello\r\n0\r\n\r\n'],
];
for (const [name, body] of BROKEN_CHUNKS) {
  t.test(`${name}: the connection ends and no whole request is forwarded`, async (t) => {
    const before = world.upstream.requests.length;
    const connection = await openConnection(world.gateway.port);
    connection.write(post(chunked, body));
    await connection.closed();
    t.match(connection.rest().toString('latin1'), /^($|HTTP\/1\.1 (400|502) )/);
    t.equal(world.upstream.requests.length, before);
    connection.destroy();
  });
}

t.test('R28 a method in lower case is its own method, not GET', async (t) => {
  const response = await world.send({ method: 'get', target: '/public/x' });
  t.ok([400, 405, 501].includes(response.status), `${response.status}`);
});

t.test('R28 G12 CONNECT is answered, not tunnelled', async (t) => {
  await world.refused(t, 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n', METHOD_NOT_ALLOWED);
});

t.test('G10 TRACE reflects nothing, and nobody is asked for a credential in it', async (t) => {
  for (const target of ['/public/x', '/api/x']) {
    for (const request of [{ token }, {}, { token: 'garbage' }]) {
      await world.refused(t, { method: 'TRACE', target, ...request }, METHOD_NOT_ALLOWED);
    }
  }
});

t.test('R10 what follows a chunked body is a request of its own', async (t) => {
  const connection = await openConnection(world.gateway.port);
  const next = `GET /api/x HTTP/1.1\r\n${HEAD}\r\n`;
  connection.write(post(chunked, `5\r\nhello\r\n0\r\n\r\n${next}`));
  t.equal((await connection.response('POST')).status, 200);
  const before = await world.upstream.mark();
  assertRefusal(t, await connection.response(), UNAUTHENTICATED);
  t.equal(await world.upstream.mark(), before);
  connection.destroy();
});

t.test('R11 a body on GET is 400 unless the route tolerates it', async (t) => {
  await world.refused(t, { method: 'GET', target: '/public/x', body: 'hello' }, BAD_REQUEST);
  const seen = await world.forwarded(t, { method: 'GET', target: '/search/x', body: 'hello' });
  t.equal(seen.body.toString(), 'hello');
});

t.test('R12 pipelined requests are answered in order, each judged alone', async (t) => {
  const connection = await openConnection(world.gateway.port);
  const request = (credential: string): string =>
    `GET /api/x HTTP/1.1\r\n${HEAD}Authorization: Bearer ${credential}\r\n\r\n`;
  const texts = Array.from({ length: 100 }, (_, index) => request(index === 49 ? 'garbage' : token));
  connection.write(texts.join(''));
  const statuses: number[] = [];
  for (const _ of texts) statuses.push((await connection.response()).status);
  t.strictSame(
    statuses.map((status, index) => (status === 200 ? -1 : index)).filter((index) => index >= 0),
    [49],
  );
  connection.destroy();
});

t.test('R13 two spaces in the request line are one, or none: never two readings', async (t) => {
  const before = world.upstream.requests.length;
  const [response] = await exchange(world.gateway.port, `GET  /public/x HTTP/1.1\r\n${HEAD}\r\n`);
  if (response?.status === 400) t.equal(world.upstream.requests.length, before);
  else t.equal(world.upstream.requests[before]?.requestLine, 'GET /public/x HTTP/1.1');
});

t.test('R13 one empty line before the request line is forgiven', async (t) => {
  const connection = await openConnection(world.gateway.port);
  connection.write(`\r\nGET /public/x HTTP/1.1\r\n${HEAD}\r\n`);
  t.equal((await connection.response()).status, 200);
  connection.destroy();
});

t.test(
  'R15 G18 a refused upload is read away, the answer arrives and nothing in it is a request',
  async (t) => {
    const smuggled = `GET /public/smuggled HTTP/1.1\r\n${HEAD}\r\n`;
    const body = Buffer.concat([Buffer.from(smuggled), Buffer.alloc(10 * 1024 * 1024, 'x')]);
    const before = await world.upstream.mark();
    const connection = await openConnection(world.gateway.port);
    connection.write(`POST /api/x HTTP/1.1\r\n${HEAD}Content-Length: ${body.length}\r\n\r\n`);
    connection.write(body);
    const response = await connection.response('POST');
    assertRefusal(t, response, UNAUTHENTICATED);
    t.equal(response.get('connection'), 'close');
    await connection.closed();
    t.equal(connection.rest().length, 0, 'no second answer');
    t.equal(await world.upstream.mark(), before);
  },
);

t.test('G18 a refusal without a body keeps the connection usable', async (t) => {
  const connection = await openConnection(world.gateway.port);
  connection.write(`GET /api/x HTTP/1.1\r\n${HEAD}\r\n`);
  assertRefusal(t, await connection.response(), UNAUTHENTICATED);
  connection.write(`GET /api/x HTTP/1.1\r\n${HEAD}Authorization: Bearer ${token}\r\n\r\n`);
  t.equal((await connection.response()).status, 200);
  connection.destroy();
});

t.test('R17 a caller who waits for 100 gets the refusal instead', async (t) => {
  const bytes = `POST /api/x HTTP/1.1\r\n${HEAD}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`;
  const response = await world.refused(t, bytes, UNAUTHENTICATED);
  t.strictSame(response.interim, []);
});

t.test('R17 with a good token 100 comes, then the answer', async (t) => {
  const before = world.upstream.requests.length;
  const connection = await openConnection(world.gateway.port);
  const fields = `Authorization: Bearer ${token}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n`;
  connection.write(`POST /api/x HTTP/1.1\r\n${HEAD}${fields}\r\n`);
  t.match((await connection.bytes(25)).toString(), /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  connection.write('hello');
  t.equal((await connection.response('POST')).status, 200);
  t.equal(world.upstream.requests[before]?.body.toString(), 'hello');
  t.strictSame(world.upstream.requests[before]?.all('expect'), []);
  connection.destroy();
});

t.test('R17 an unknown expectation is 417', async (t) => {
  const before = await world.upstream.mark();
  const headers = [['Expect', 'y 100-continue']] as const;
  const response = await world.send({ method: 'POST', target: '/public/x', headers, body: 'hello' });
  t.equal(response.status, 417);
  t.equal(await world.upstream.mark(), before);
});

t.test('R19 an h2c upgrade is no tunnel', async (t) => {
  const headers = [
    ['Connection', 'Upgrade, HTTP2-Settings'],
    ['Upgrade', 'h2c'],
    ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'],
  ] as const;
  const seen = await world.forwarded(t, { target: '/public/x', headers });
  t.strictSame(seen.all('upgrade'), []);
});

t.test('R23 odd content types pass untouched', async (t) => {
  for (const type of [
    'application/json\ta',
    'application/json;',
    ';;',
    'text/plain; charset=iso-8859-1',
    'x'.repeat(1000),
  ]) {
    const body = Buffer.from([0xe9, 0x00, 0xff, 0x0a]);
    const seen = await world.forwarded(t, {
      method: 'POST',
      target: '/public/x',
      headers: [['Content-Type', type]],
      body,
    });
    t.strictSame(seen.all('content-type'), [type]);
    t.strictSame(seen.body, body);
  }
});

const SPELLINGS = ['Chunked', 'CHUNKED', 'chunKed'];
t.test('R3 the coding has no case, and the upstream gets it in lower case', async (t) => {
  for (const coding of SPELLINGS) {
    const headers = [['Transfer-Encoding', coding]] as const;
    const body = '5\r\nhello\r\n0\r\n\r\n';
    const seen = await world.forwarded(t, { method: 'PROPFIND', target: '/public/x', headers, body });
    t.equal(seen.body.toString(), 'hello', coding);
    t.strictSame(seen.all('transfer-encoding'), ['chunked'], coding);
  }
  for (const fields of [
    'Transfer-Encoding: Chunked\r\nContent-Length: 5\r\n',
    'Transfer-Encoding: Chunked\r\nTransfer-Encoding: chunked\r\n',
    'Transfer-Encoding: Chunked, chunked\r\n',
    'Transfer-Encoding: Identity\r\n',
    'Transfer-Encoding: GZip, Chunked\r\n',
  ]) {
    await world.refused(t, post(fields, '0\r\n\r\n'), BAD_REQUEST);
  }
  await world.refused(
    t,
    `GET /public/x HTTP/1.0\r\n${HEAD}Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n`,
    BAD_REQUEST,
  );
});

const ENDS: [string, string][] = [
  ['the last chunk', '0\r\n\r\n'],
  ['zeros', '0000\r\n\r\n'],
  ['an extension', '0;a=b\r\n\r\n'],
  ['a trailer', '0\r\nX-Auth-Subject: root\r\n\r\n'],
];
for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS']) {
  t.test(`R11 ${method} with chunks that are none is forwarded without a body`, async (t) => {
    for (const [what, end] of ENDS) {
      const headers = [['Transfer-Encoding', 'chunked']] as const;
      const seen = await world.forwarded(t, { method, target: '/public/x', headers, body: end });
      t.equal(seen.method, method, what);
      t.equal(seen.body.length, 0);
      t.strictSame(seen.all('transfer-encoding'), [], what);
      t.strictSame(seen.all('x-auth-subject'), []);
      t.ok(seen.all('content-length').every((length) => length === '0'));
    }
  });
}

t.test('R11 nothing goes to the upstream before it is known that there is no content', async (t) => {
  const before = await world.upstream.mark();
  const connection = await openConnection(world.gateway.port);
  for (const part of [get(chunked), '0', '\r\n', 'X-T: a\r\n']) {
    connection.write(part);
    await world.send({ method: 'GET', target: '/none' });
  }
  t.equal(await world.upstream.mark(), before);
  connection.write('\r\n');
  t.equal((await connection.response()).status, 200);
  // The connection goes on, and what follows is a request of its own.
  connection.write(`${get(chunked)}0\r\n\r\nGET /api/x HTTP/1.1\r\n${HEAD}\r\n`);
  t.equal((await connection.response()).status, 200);
  assertRefusal(t, await connection.response(), UNAUTHENTICATED);
  connection.destroy();
});

t.test(
  'R11 the first byte of content refuses, and what follows on the connection is not looked at',
  async (t) => {
    const next = `GET /public/second HTTP/1.1\r\n${HEAD}\r\n`;
    for (const body of ['1\r\nx\r\n0\r\n\r\n', '1\r\nx']) {
      const before = await world.upstream.mark();
      const connection = await openConnection(world.gateway.port);
      connection.write(get(chunked));
      connection.write(body + next);
      assertRefusal(t, await connection.response(), BAD_REQUEST);
      await connection.closed();
      t.equal(connection.rest().length, 0);
      t.equal(await world.upstream.mark(), before);
      connection.destroy();
    }
  },
);

t.test('R11 a route that tolerates a body gets it, and none where there is none', async (t) => {
  const search = { target: '/search/x', headers: [['Transfer-Encoding', 'chunked']] } as const;
  const seen = await world.forwarded(t, { ...search, body: '5\r\nhello\r\n0\r\n\r\n' });
  t.equal(seen.body.toString(), 'hello');
  t.strictSame((await world.forwarded(t, { ...search, body: '0\r\n\r\n' })).all('transfer-encoding'), []);
});

t.test('R11 a client that asks first is told at once that its content is not wanted', async (t) => {
  const fields = `${chunked}Expect: 100-Continue\r\n`;
  await world.refused(t, get(fields), BAD_REQUEST);
});

t.test('R11 what never says whether it has content ends with the time for headers', async (t) => {
  const impatient = await startWorld(t, {
    policy: (url) => `
upstream: ${url}
timeouts: {headers: 100ms}
routes: [{path: /public/**, auth: none}]
`,
  });
  const before = await impatient.upstream.mark();
  for (const bytes of [get(chunked), `${get(chunked)}0\r\nX-Tra`]) {
    const connection = await openConnection(impatient.gateway.port);
    connection.write(bytes);
    const late = { ...BAD_REQUEST, status: 408, body: '{"error":"request_timeout"}' };
    assertRefusal(t, await connection.response(), late);
    connection.destroy();
  }
  const gone = await openConnection(impatient.gateway.port);
  gone.write(get(chunked));
  gone.destroy();
  t.equal(await impatient.upstream.mark(), before);
  await impatient.conclude(t);
});

t.test('R1 nothing leaked, nothing crashed', (t) => world.conclude(t));
