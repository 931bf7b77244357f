/** Pages of other origins (Fetch, CORS protocol; RFC 6454): what they may ask, and that they can read every answer. */
import t, { type Test } from 'tap';
import { checkPolicy } from '../fixtures/gateway.ts';
import { exchange, type RawResponse } from '../fixtures/raw-client.ts';
import {
  AMBIGUOUS,
  assertRefusal,
  BAD_GATEWAY,
  BAD_REQUEST,
  CONTENT_TOO_LARGE,
  type ExpectedRefusal,
  FORBIDDEN,
  GATEWAY_TIMEOUT,
  HEADER_TOO_LARGE,
  INVALID_TOKEN,
  insufficientScope,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  UNAUTHENTICATED,
  UNAVAILABLE,
  URI_TOO_LONG,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, startWorld } from '../fixtures/world.ts';

const APP = 'https://app.example.com';
const LOCAL = 'http://localhost:5173';
const OWN = 'https://own.example.com';
const EVIL = 'https://evil.test';
const EXPOSED = 'WWW-Authenticate, DPoP-Nonce, Retry-After, X-Request-Id';
const PREFLIGHT_VARY = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers';

const key = createSigningKey('RS256');
const token = signToken(key);
const forged = signToken(createSigningKey('RS256', 'rs256-1'));
const lost = signToken(key, { iss: 'https://lost.test' });

const world = await startWorld(t, {
  policy: (url) => `
upstreams:
  default: ${url}
  slow: {url: "${url}", response_timeout: 300ms}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
  lost: {issuer: https://lost.test, audience: api, jwks_uri: "http://127.0.0.1:1/keys", insecure_http: true}
accept: [corp, lost]
cors: {origins: ["${APP}", "${LOCAL}"]}
routes:
  - path: /orders/**
  - {path: "/items/{id}", methods: [GET, PUT], require: {scopes: [items:write]}}
  - {path: /bosses/**, require: {roles: [boss]}}
  - {path: /prefixed, cors: {origins: "${OWN}", headers: [authorization, "Mcp-Param-*"]}}
  - {path: /own/**, methods: [GET], cors: {origins: "${OWN}", headers: [authorization, x-key], expose: [ETag], credentials: true, max_age: 1h}}
  - {path: /every/**, cors: {origins: "*"}}
  - {path: /closed/**, cors: none}
  - {path: /hidden/**, require: {roles: [boss]}, on_forbidden: 404}
  - {path: /hidden-get, methods: [GET], require: {roles: [boss]}, on_forbidden: 404}
  - {path: /public/**, auth: none}
  - {path: "/files/{name}", methods: [PUT], tolerate: [semicolon]}
  - {path: /split, methods: [GET], cors: {origins: "${OWN}"}}
  - {path: /split, methods: [OPTIONS], cors: none}
  - {path: /small, body_bytes: 4B}
  - {path: /slow, upstream: slow}
`,
});

const from = (origin: string | null, more: RequestParts = {}): RequestParts => ({
  ...more,
  headers: [...(origin === null ? [] : [['Origin', origin] as const]), ...(more.headers ?? [])],
});
const preflight = (origin: string | null, target: string, method = 'PUT', more: RequestParts = {}) =>
  from(origin, {
    method: 'OPTIONS',
    target,
    ...more,
    headers: [['Access-Control-Request-Method', method], ...(more.headers ?? [])],
  });

/** Every field of the protocol, by name, each at most once. */
function fieldsOf(response: RawResponse): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of response.headerLines) {
    const folded = name.toLowerCase();
    if (!folded.startsWith('access-control-') && folded !== 'vary') continue;
    if (folded in fields) throw new Error(`two lines of ${name}`);
    fields[folded] = value;
  }
  return fields;
}

const shared = (origin: string, more: Record<string, string> = {}) => ({
  'access-control-allow-origin': origin,
  'access-control-expose-headers': EXPOSED,
  vary: 'Origin',
  ...more,
});
const WITHHELD = { vary: 'Origin' };
const FORBIDDEN_ORIGIN = FORBIDDEN;

const granted = (origin: string, method: string, more: Record<string, string> = {}) => ({
  'access-control-allow-origin': origin,
  'access-control-allow-methods': method,
  'access-control-allow-headers': 'authorization, content-type',
  'access-control-max-age': '600',
  vary: PREFLIGHT_VARY,
  ...more,
});

async function grants(t: Test, request: RequestParts, fields: Record<string, string>): Promise<RawResponse> {
  const before = await world.upstream.mark();
  const response = await world.send(request);
  t.equal(response.status, 204);
  t.strictSame(fieldsOf(response), fields);
  t.strictSame(response.all('www-authenticate'), [], 'no challenge');
  t.equal(response.get('content-length'), undefined, 'a 204 has no length');
  t.equal(response.get('content-type'), undefined);
  t.match(response.get('x-request-id'), /./);
  t.equal(response.body.length, 0);
  t.equal(await world.upstream.mark(), before, 'the upstream saw nothing');
  return response;
}

const own = {
  'access-control-allow-credentials': 'true',
  'access-control-allow-headers': 'authorization, x-key',
};
const GRANTED: [string, RequestParts, Record<string, string>][] = [
  ['X01 a preflight of an allowed origin', preflight(APP, '/orders/1'), granted(APP, 'PUT')],
  ['X01 another origin of the list', preflight(LOCAL, '/orders/1', 'GET'), granted(LOCAL, 'GET')],
  ['X01 a preflight on a public route', preflight(APP, '/public/a'), granted(APP, 'PUT')],
  [
    'X01 headers that are asked for change nothing',
    preflight(APP, '/orders/1', 'PUT', {
      headers: [['Access-Control-Request-Headers', 'authorization, x-evil']],
    }),
    granted(APP, 'PUT'),
  ],
  [
    'X01 a credential sent along is not judged',
    preflight(APP, '/orders/1', 'PUT', { token: forged }),
    granted(APP, 'PUT'),
  ],
  [
    'X01 nor is a good one, which does not pass',
    preflight(APP, '/orders/1', 'PUT', { token }),
    granted(APP, 'PUT'),
  ],
  ['X01 a body is not forwarded', preflight(APP, '/orders/1', 'PUT', { body: 'x' }), granted(APP, 'PUT')],
  ['X01 a method that the place does not list', preflight(APP, '/items/1', 'DELETE'), granted(APP, 'DELETE')],
  ['X01 a path where nothing is', preflight(APP, '/nothing/here'), granted(APP, 'PUT')],
  ['X01 a form that only the route asked about tolerates', preflight(APP, '/files/a;b'), granted(APP, 'PUT')],
  ['X01 X07 a target that is then told 400', preflight(APP, '/orders/a;b'), granted(APP, 'PUT')],
  [
    "X01 X08 the route's own block counts",
    preflight(OWN, '/own/1', 'GET'),
    granted(OWN, 'GET', { ...own, 'access-control-max-age': '3600' }),
  ],
  [
    'X01 the route of the method asked about counts, not that of OPTIONS',
    preflight(OWN, '/split', 'GET'),
    granted(OWN, 'GET'),
  ],
  ['X01 any origin, where all are allowed', preflight(EVIL, '/every/1'), granted('*', 'PUT')],
  ['X01 a sandboxed page too, where all are allowed', preflight('null', '/every/1'), granted('*', 'PUT')],
];
for (const [name, request, fields] of GRANTED) {
  t.test(name, async (t) => {
    await grants(t, request, fields);
  });
}

t.test('X02 a star for headers is refused at load, since it never covers Authorization', async (t) => {
  for (const headers of ['"*"', '[authorization, "*"]', '"*-param"', '"mcp-*-a"', '"mcp-**"']) {
    const result = await checkPolicy(t, {
      policy: `upstream: http://127.0.0.1:3000\ncors: {origins: ["${APP}"], headers: ${headers}}\nroutes: [{path: /, auth: none}]\n`,
    });
    t.not(result.exitCode, 0);
    t.match(result.stdout + result.stderr, /cors\.headers.*Authorization.*\[authorization, content-type\]/);
  }
});

t.test('X02 X01 names that begin as the policy says are granted as they are asked for', async (t) => {
  const asked =
    'authorization, Mcp-Param-Region, mcp-param-a, mcp-param-a, mcp-param-, x-evil, mcp-param-b c, mcp-param-é';
  const sent = preflight(OWN, '/prefixed', 'POST', {
    headers: [['Access-Control-Request-Headers', asked]],
  });
  const names = 'authorization, mcp-param-region, mcp-param-a';
  await grants(t, sent, granted(OWN, 'POST', { 'access-control-allow-headers': names }));
  const none = granted(OWN, 'POST', { 'access-control-allow-headers': 'authorization' });
  await grants(t, preflight(OWN, '/prefixed', 'POST'), none);
});

const DENIED_PREFLIGHTS: [string, RequestParts][] = [
  ['X03 a preflight of another origin', preflight(EVIL, '/orders/1')],
  ['X03 of an origin that another route allows', preflight(OWN, '/orders/1')],
  ['X03 of an origin that only the top level allows', preflight(APP, '/own/1', 'GET')],
  ['X03 with a good token', preflight(EVIL, '/orders/1', 'PUT', { token })],
  ['X03 where nothing is', preflight(EVIL, '/nothing/here')],
  ['X03 for a target that is 400 anyway', preflight(EVIL, '/orders/a;b')],
  ['X03 on a public route', preflight(EVIL, '/public/a')],
  ['X03 where OPTIONS has a route without a block', preflight(EVIL, '/split', 'GET')],
];
for (const [name, request] of DENIED_PREFLIGHTS) {
  t.test(name, async (t) => {
    const response = await world.refused(t, request, FORBIDDEN_ORIGIN);
    t.strictSame(fieldsOf(response), WITHHELD);
  });
}

t.test('X04 without a block a preflight is a request like any other', async (t) => {
  const response = await world.refused(t, preflight(APP, '/closed/1'), UNAUTHENTICATED);
  t.strictSame(fieldsOf(response), {});
  const forwarded = await world.forwarded(t, preflight(APP, '/closed/1', 'PUT', { token }));
  t.equal(forwarded.method, 'OPTIONS');
  t.strictSame(forwarded.all('access-control-request-method'), ['PUT']);
  await world.refused(t, preflight(APP, '/split', 'OPTIONS'), UNAUTHENTICATED);
});

const NO_PREFLIGHTS: [string, RequestParts][] = [
  ['X05 OPTIONS without a method asked about', from(APP, { method: 'OPTIONS', target: '/orders/1' })],
  ['X05 OPTIONS of no origin', preflight(null, '/orders/1')],
  ['X05 OPTIONS that asks about what is no method', preflight(APP, '/orders/1', '<script>')],
  ['X05 OPTIONS that asks about several', preflight(APP, '/orders/1', 'GET, PUT')],
  ['X05 OPTIONS that asks about nothing', preflight(APP, '/orders/1', '')],
  ['X05 another method that looks like one', preflight(APP, '/orders/1', 'PUT', { method: 'GET' })],
];
for (const [name, request] of NO_PREFLIGHTS) {
  t.test(`${name} is a request like any other`, async (t) => {
    const response = await world.refused(t, request, UNAUTHENTICATED);
    t.notMatch(response.head, /script/);
    t.equal((await world.forwarded(t, { ...request, token })).method, request.method);
  });
}

t.test('X05 two lines of a field that has one value are 400, and nothing of them comes back', async (t) => {
  const twice = { headers: [['access-control-request-method', 'DELETE']] as const };
  const response = await world.refused(t, preflight(APP, '/orders/1', 'PUT', twice), BAD_REQUEST);
  t.strictSame(fieldsOf(response), {});
  await world.refused(t, preflight(APP, '/orders/1', 'PUT', { headers: [['Origin', APP]] }), BAD_REQUEST);
});

type Row = [name: string, request: RequestParts, expected: ExpectedRefusal];
const scoped = { target: '/items/1', token };
const REFUSALS: Row[] = [
  ['X06 401 without a credential', { target: '/orders/1' }, UNAUTHENTICATED],
  ['X06 401 for a bad token', { target: '/orders/1', token: forged }, INVALID_TOKEN],
  ['X06 401 where nothing is', { target: '/nothing/here' }, UNAUTHENTICATED],
  [
    'X07 400 for two credentials',
    { target: '/orders/1', token, headers: [['Authorization', `Bearer ${token}`]] },
    AMBIGUOUS,
  ],
  ['X07 400 for a target of two readings', { target: '/orders/a;b', token }, BAD_REQUEST],
  ['X07 403 insufficient_scope', scoped, insufficientScope('items:write')],
  ['X07 403', { target: '/bosses/1', token }, FORBIDDEN],
  ['X07 404', { target: '/nothing/here', token }, NOT_FOUND],
  ['X07 404 of a concealed route', { target: '/hidden/1', token }, NOT_FOUND],
  ['X07 405', { ...scoped, method: 'DELETE' }, METHOD_NOT_ALLOWED],
  ['X07 413', { target: '/small', method: 'POST', token, body: 'too long' }, CONTENT_TOO_LARGE],
  ['X07 503', { target: '/orders/1', token: lost }, UNAVAILABLE],
];
for (const [name, request, expected] of REFUSALS) {
  t.test(`${name} can be read by a page of an allowed origin`, async (t) => {
    t.strictSame(fieldsOf(await world.refused(t, from(APP, request), expected)), shared(APP));
  });
  t.test(`X09 ${name} cannot be read by others`, async (t) => {
    for (const origin of [EVIL, 'null', `${APP}.evil.test`, null]) {
      const response = await world.refused(t, from(origin, request), expected);
      t.strictSame(fieldsOf(response), WITHHELD, String(origin));
    }
  });
}

t.test('X07 502 and 504 can be read too', async (t) => {
  world.upstream.answer = () => 'this is no HTTP\r\n\r\n';
  const broken = await world.send(from(APP, { target: '/orders/1', token }));
  assertRefusal(t, broken, BAD_GATEWAY);
  t.strictSame(fieldsOf(broken), shared(APP));
  world.upstream.answer = () => undefined;
  const late = await world.send(from(APP, { target: '/slow', token }));
  assertRefusal(t, late, GATEWAY_TIMEOUT);
  t.strictSame(fieldsOf(late), shared(APP));
  world.upstream.answer = null;
});

t.test("X07 405 and 401 of a place follow the place's own block", async (t) => {
  const request = { target: '/own/1', method: 'DELETE' };
  const fields = shared(OWN, {
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': `${EXPOSED}, ETag`,
  });
  t.strictSame(
    fieldsOf(await world.refused(t, from(OWN, { ...request, token }), METHOD_NOT_ALLOWED)),
    fields,
  );
  t.strictSame(fieldsOf(await world.refused(t, from(OWN, request), UNAUTHENTICATED)), fields);
  t.strictSame(fieldsOf(await world.refused(t, from(APP, request), UNAUTHENTICATED)), WITHHELD);
});

t.test('X08 with credentials the origin is named, and no field is a star', async (t) => {
  world.upstream.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: "1"\r\n\r\n';
  for (const request of [{ target: '/own/1', token }, { target: '/own/1' }]) {
    const response = await world.send(from(OWN, request));
    const fields = fieldsOf(response);
    t.equal(fields['access-control-allow-origin'], OWN);
    t.equal(fields['access-control-allow-credentials'], 'true');
    t.equal(fields['access-control-expose-headers'], `${EXPOSED}, ETag`);
    t.notOk(Object.values(fields).some((value) => value.includes('*')));
  }
  world.upstream.answer = null;
  t.equal(
    fieldsOf(await world.send(from(APP, { target: '/orders/1' })))['access-control-allow-credentials'],
    undefined,
  );
});

t.test('X08 a star with credentials is refused at load', async (t) => {
  const result = await checkPolicy(t, {
    policy:
      'upstream: http://127.0.0.1:3000\ncors: {origins: "*", credentials: true}\nroutes: [{path: /, auth: none}]\n',
  });
  t.not(result.exitCode, 0);
  t.match(result.stdout + result.stderr, /cors\.origins.*wildcard_with_credentials/);
});

t.test('X10 an origin is compared as text with the list, and comes from there', async (t) => {
  const alike = [
    'null',
    '*',
    'https://APP.example.com',
    `${APP}:443`,
    `${APP}/`,
    `${APP}, ${EVIL}`,
    'https://a.app.example.com',
    'https://app.example.comx',
    'http://app.example.com',
    'http://localhost:51730',
  ];
  for (const origin of alike) {
    const response = await world.send(from(origin, { target: '/orders/1' }));
    t.strictSame(fieldsOf(response), WITHHELD, origin);
    await world.refused(t, preflight(origin, '/orders/1'), FORBIDDEN_ORIGIN);
  }
});

t.test('X10 null is refused at load', async (t) => {
  const result = await checkPolicy(t, {
    policy: 'upstream: http://127.0.0.1:3000\ncors: {origins: ["null"]}\nroutes: [{path: /, auth: none}]\n',
  });
  t.not(result.exitCode, 0);
  t.match(result.stdout + result.stderr, /cors\.origins\[0\].*sandboxed/);
});

const UPSTREAM_FIELDS: [string, string][] = [
  ['none', ''],
  ['the same', `Access-Control-Allow-Origin: ${APP}\r\n`],
  ['a star with credentials', 'Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n'],
  ['odd case', `aCCESS-cONTROL-aLLOW-oRIGIN: ${EVIL}\r\nACCESS-CONTROL-EXPOSE-HEADERS: *\r\n`],
  ['two', `Access-Control-Allow-Origin: ${EVIL}\r\naccess-control-allow-origin: ${APP}\r\n`],
  ['and Vary', `Access-Control-Allow-Origin: ${EVIL}\r\nvary: origin\r\n`],
];
for (const [name, lines] of UPSTREAM_FIELDS) {
  t.test(`X11 what the upstream says of origins (${name}) is replaced`, async (t) => {
    world.upstream.answer = () => `HTTP/1.1 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`;
    const vary = lines.includes('vary') ? { vary: 'origin' } : { vary: 'Origin' };
    for (const target of ['/orders/1', '/public/1']) {
      const mine = await world.send(from(APP, { target, token }));
      t.strictSame(fieldsOf(mine), shared(APP, vary));
      t.strictSame(fieldsOf(await world.send(from(EVIL, { target, token }))), vary);
      t.strictSame(fieldsOf(await world.send(from(null, { target, token }))), vary);
    }
    world.upstream.answer = null;
  });
}

t.test('X11 a refusal of the upstream is shared too, and keeps its own Vary', async (t) => {
  world.upstream.answer = () => 'HTTP/1.1 409 Conflict\r\nVary: Accept\r\nContent-Length: 0\r\n\r\n';
  const response = await world.send(from(APP, { target: '/orders/1', token }));
  t.equal(response.status, 409);
  t.strictSame(response.all('vary'), ['Accept', 'Origin']);
  t.strictSame(response.all('access-control-allow-origin'), [APP]);
  world.upstream.answer = null;
});

t.test('X11 without a block the upstream speaks for itself', async (t) => {
  world.upstream.answer = () =>
    `HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: ${EVIL}\r\nContent-Length: 0\r\n\r\n`;
  const response = await world.send(from(APP, { target: '/closed/1', token }));
  t.strictSame(fieldsOf(response), { 'access-control-allow-origin': EVIL });
  world.upstream.answer = null;
});

const BEFORE_ROUTES: [string, string, ExpectedRefusal][] = [
  [
    'a target that is too long',
    `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: api.test\r\nOrigin: ${APP}\r\n\r\n`,
    URI_TOO_LONG,
  ],
  [
    'a header that is too large',
    `GET / HTTP/1.1\r\nHost: api.test\r\nOrigin: ${APP}\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`,
    HEADER_TOO_LARGE,
  ],
  [
    'bytes that are no request',
    `GET / HTTP/1.1\r\nHost: api.test\r\nOrigin: ${APP}\r\nBad Name: 1\r\n\r\n`,
    BAD_REQUEST,
  ],
  ['two hosts', `GET / HTTP/1.1\r\nHost: api.test\r\nHost: api.test\r\nOrigin: ${APP}\r\n\r\n`, BAD_REQUEST],
];
for (const [name, bytes, expected] of BEFORE_ROUTES) {
  t.test(`X12 ${name} is refused in JSON before any route or origin is known`, async (t) => {
    const [response] = await exchange(world.gateway.port, bytes);
    if (response === undefined) throw new Error('no response');
    assertRefusal(t, response, expected);
    t.strictSame(fieldsOf(response), {});
  });
}

/** The header section without what differs from answer to answer, and the seconds of Retry-After, which pass. */
const unalike = (response: RawResponse): string =>
  response.head.replace(/^(?:Date|X-Request-Id): .*\r\n/gim, '').replace(/^(Retry-After): \d+/im, '$1') +
  response.body.toString('latin1');

t.test('Z10 a concealed route is to pages what nothing is', async (t) => {
  for (const origin of [APP, EVIL, null]) {
    for (const method of ['GET', 'PUT', 'TRACE']) {
      for (const more of [{}, { token }, { token: forged }, { token: lost }]) {
        const nothing = await world.send(preflight(origin, '/nothing', method, more));
        const nothingThere = await world.send(from(origin, { target: '/nothing', method, ...more }));
        for (const target of ['/hidden/1', '/hidden-get']) {
          const label = `${origin} ${method} ${target}`;
          t.equal(
            unalike(await world.send(preflight(origin, target, method, more))),
            unalike(nothing),
            label,
          );
          const there = await world.send(from(origin, { target, method, ...more }));
          t.equal(unalike(there), unalike(nothingThere), label);
        }
      }
    }
  }
});

t.test('nothing leaked, nothing crashed', async (t) => {
  await world.conclude(t);
});
