/** HEAD, bodies and uploads of refusals (RFC 9110 sections 8 to 13 and 15, RFC 9457): the same for every client, at once, and whole. */
import t from 'tap';
import { openConnection, type RawResponse } from '../fixtures/raw-client.ts';
import {
  BAD_REQUEST,
  type ExpectedRefusal,
  FORBIDDEN,
  INVALID_TOKEN,
  insufficientScope,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  TOKEN_EXPIRED,
  UNAUTHENTICATED,
  UNAVAILABLE,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, nowSeconds, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, requestBytes, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key, { scope: 'read' });
const expired = signToken(key, { exp: nowSeconds() - 900 });
const SILENT = 'https://silent.test';

const policyFor = (url: string, extra = ''): string => `
upstream: ${url}
${extra}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
  silent: {issuer: "${SILENT}", audience: api, jwks_uri: "http://127.0.0.1:9/keys"}
accept: [corp, silent]
routes:
  - {path: /api/**}
  - {path: /write/**, require: {scopes: write}}
  - {path: /staff/**, require: {roles: staff}}
  - {path: /only-get, methods: [GET]}
`;
const world = await startWorld(t, { policy: policyFor });

/** One request for every status that we give to a whole request. */
const DENIALS: [name: string, request: RequestParts, expected: ExpectedRefusal][] = [
  ['no credential', { target: '/api/1' }, UNAUTHENTICATED],
  ['a bad token', { target: '/api/1', token: 'a.b.c' }, INVALID_TOKEN],
  ['an expired token', { target: '/api/1', token: expired }, TOKEN_EXPIRED],
  ['a missing scope', { target: '/write/1', token }, insufficientScope('write')],
  ['a missing role', { target: '/staff/1', token }, FORBIDDEN],
  ['a path that no route has', { target: '/zzz', token }, NOT_FOUND],
  ['a path with two readings', { target: '/api/../zzz', token }, BAD_REQUEST],
  ['keys that cannot be had', { target: '/api/1', token: signToken(key, { iss: SILENT }) }, UNAVAILABLE],
];
/** A header section without what is another in each answer; seconds to wait run down meanwhile. */
const stable = ({ head }: RawResponse): string =>
  head.replace(/^(date|x-request-id):.*\r\n/gim, '').replace(/^(retry-after): \d+/im, '$1');

for (const [name, request, expected] of DENIALS) {
  const id = name === 'an expired token' ? 'H02' : 'H01';
  t.test(`${id} ${name}: HEAD has the header section of GET, and no body`, async (t) => {
    const get = await world.refused(t, request, expected);
    const head = await world.refused(t, { ...request, method: 'HEAD' }, expected);
    t.equal(stable(head), stable(get));
  });
}

t.test('H01 after a refused HEAD the connection goes on, and nothing is taken for its body', async (t) => {
  const connection = await openConnection(world.gateway.port);
  for (const _ of [1, 2, 3]) {
    connection.write(requestBytes({ method: 'HEAD', target: '/api/1' }));
    t.equal((await connection.response('HEAD')).status, 401);
  }
  connection.write(requestBytes({ target: '/api/1' }));
  t.equal((await connection.response()).body.toString(), UNAUTHENTICATED.body);
  connection.destroy();
});

const PROBLEM = 'application/problem+json';

t.test('H08 who asks for problem+json gets it, H10 and nothing of the request in it', async (t) => {
  const titles: Record<number, string> = {
    400: 'Bad Request',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'Not Found',
    503: 'Service Unavailable',
  };
  for (const [name, request, expected] of DENIALS) {
    // Bytes that are no request are answered before any field of theirs is believed.
    if (expected === BAD_REQUEST) continue;
    const response = await world.send({
      ...request,
      target: `${request.target}?secret=canary`,
      headers: [['Accept', PROBLEM]],
    });
    t.equal(response.status, expected.status, name);
    t.equal(response.get('content-type'), PROBLEM);
    t.strictSame(response.all('www-authenticate'), expected.challenges);
    const { code } = JSON.parse(expected.body);
    t.strictSame(JSON.parse(response.body.toString()), {
      type: 'about:blank',
      title: titles[expected.status],
      status: expected.status,
      ...(code !== undefined && { code }),
    });
    t.notMatch(response.head + response.body, /canary|\/api|\/write|alice|shop|issuer\.test/);
  }
});

t.test('H10 JSON bodies hold nothing of the request either', async (t) => {
  for (const [, request] of DENIALS) {
    const response = await world.send({ ...request, target: `${request.target}?secret=canary` });
    t.notMatch(response.head + response.body, /canary|\/api|\/write|alice|shop|issuer\.test/);
  }
});

t.test('H09 any other Accept gets JSON, never HTML and never 406', async (t) => {
  for (const accept of [
    '*/*',
    'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'text/html',
    'image/avif',
    'application/json;q=0',
    `${PROBLEM};q=0`,
    ',,;;q=',
    'é\u00ff',
    '',
  ]) {
    await world.refused(t, { target: '/api/1', headers: [['Accept', accept]] }, UNAUTHENTICATED);
  }
});

t.test('H11 a refusal is never encoded, whatever the client would take', async (t) => {
  for (const coding of ['gzip, br, zstd', 'gzip;q=1, identity;q=0', '*']) {
    await world.refused(t, { target: '/api/1', headers: [['Accept-Encoding', coding]] }, UNAUTHENTICATED);
    await world.refused(t, { target: '/staff/1', token, headers: [['Accept-Encoding', coding]] }, FORBIDDEN);
  }
});

t.test('H12 a refusal comes before any precondition and range', async (t) => {
  const conditions: (readonly [string, string])[] = [
    ['If-None-Match', '*'],
    ['If-Match', '"no-such"'],
    ['If-Modified-Since', 'Fri, 31 Dec 2100 23:59:59 GMT'],
    ['If-Unmodified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT'],
    ['Range', 'bytes=0-1'],
    ['Range', 'bytes=999999-'],
  ];
  for (const condition of conditions) {
    for (const [, request, expected] of DENIALS)
      await world.refused(t, { ...request, headers: [condition] }, expected);
  }
});

t.test('H13 Retry-After is a whole number of seconds', async (t) => {
  const response = await world.send({ target: '/api/1', token: signToken(key, { iss: SILENT }) });
  t.equal(response.status, 503);
  t.match(response.get('retry-after'), /^[1-9][0-9]*$/);
});

t.test('H14 no answer has Authentication-Info', async (t) => {
  const answers = [await world.send({ target: '/api/1', token })];
  t.equal(answers[0]?.status, 200);
  for (const [, request] of DENIALS) answers.push(await world.send(request));
  for (const response of answers) {
    t.strictSame(response.all('authentication-info'), []);
    t.strictSame(response.all('proxy-authentication-info'), []);
  }
});

t.test('H15 24 clients that send a whole upload before they read get their 401', async (t) => {
  const before = await world.upstream.mark();
  // Far more than sockets hold between them: it is our reading that lets the clients finish.
  const size = 16 * 1024 * 1024;
  const upload = Buffer.alloc(size, 'x');
  const outcomes = await Promise.all(
    Array.from({ length: 24 }, async (_, index) => {
      const chunked = index % 2 === 1;
      const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`;
      const connection = await openConnection(world.gateway.port);
      connection.socket.pause();
      const head = `POST /api/up HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer a.b.c\r\n${framing}\r\n\r\n`;
      connection.write(chunked ? `${head}${size.toString(16)}\r\n` : head);
      await new Promise<void>((resolve) => connection.socket.write(upload, () => resolve()));
      if (chunked) connection.write('\r\n0\r\n\r\n');
      connection.socket.resume();
      const response = await connection.response('POST');
      await connection.closed();
      const { status, body } = response;
      return `${status} ${response.get('connection')} ${body} ${connection.rest().length}`;
    }),
  );
  t.strictSame(new Set(outcomes), new Set([`401 close ${INVALID_TOKEN.body} 0`]));
  t.equal(outcomes.length, 24);
  t.equal(await world.upstream.mark(), before, 'the upstream saw nothing');
});

t.test('H15 the 401 does not wait for 100 MB that never come', async (t) => {
  const connection = await openConnection(world.gateway.port);
  connection.write(
    `POST /api/up HTTP/1.1\r\nHost: api.test\r\nContent-Length: ${100 * 1024 * 1024}\r\n\r\nbegun`,
  );
  const response = await connection.response('POST');
  t.equal(response.status, 401);
  t.equal(response.get('connection'), 'close');
  connection.destroy();
});

t.test('H16 who waits for 100 gets the refusal instead, and never the 100', async (t) => {
  for (const [name, { target, token: sent }, expected] of DENIALS) {
    if (expected.status === 400) continue;
    const authorization = sent === undefined ? '' : `Authorization: Bearer ${sent}\r\n`;
    const bytes = `POST ${target} HTTP/1.1\r\nHost: api.test\r\n${authorization}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`;
    const response = await world.refused(t, bytes, expected);
    t.strictSame(response.interim, [], name);
    t.equal(response.get('connection'), 'close', 'the body may follow all the same');
  }
});

t.test('H17 with a good token 100 comes, then the answer', async (t) => {
  const before = world.upstream.requests.length;
  const connection = await openConnection(world.gateway.port);
  connection.write(
    `POST /api/x HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ${token}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
  );
  t.match((await connection.bytes(25)).toString(), /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  connection.write('hello');
  t.equal((await connection.response('POST')).status, 200);
  t.equal(world.upstream.requests[before]?.body.toString(), 'hello');
  connection.destroy();
});

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

t.test('H18 a refusal has a request id of ours, which leads to its line in the log', async (t) => {
  for (const [name, request, expected] of DENIALS) {
    const response = await world.send({ ...request, headers: [['X-Request-Id', 'chosen-by-the-caller']] });
    const id = response.get('x-request-id');
    t.match(id, UUID, name);
    const line = await world.gateway.line((each) => each.request_id === id);
    t.equal(line.status, expected.status);
    t.type(line['auth.reason'], 'string');
  }
});

t.test('H18 a trusted proxy names the request, if the name harms nobody', async (t) => {
  const trusting = await startWorld(t, { policy: (url) => policyFor(url, 'trusted_proxies: [127.0.0.1]') });
  const named = async (sent: string): Promise<string | undefined> =>
    (await trusting.send({ target: '/api/1', headers: [['X-Request-Id', sent]] })).get('x-request-id');
  t.equal(await named('edge-7.a_B'), 'edge-7.a_B');
  for (const sent of ['a"b', 'a b', '<script>', 'x'.repeat(65), 'é', ''])
    t.match(await named(sent), UUID, sent);
  await trusting.conclude(t);
});

t.test('Z08 a method that is not there is refused in the same form', async (t) => {
  await world.refused(t, { method: 'PUT', target: '/only-get', token, body: 'x' }, METHOD_NOT_ALLOWED);
});

t.test('H14 nothing leaked, nothing crashed', (t) => world.conclude(t, ['canary']));
