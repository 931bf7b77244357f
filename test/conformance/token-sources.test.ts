/**
 * Tokens where browsers can put them: cookies, the query, the subprotocols of a WebSocket (RFC 6750 sections 2.3
 * and 3.1, RFC 6265, RFC 6455). Each is looked at where it is configured only, and reaches an upstream nowhere.
 */
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import type { RecordedRequest } from '../fixtures/recording-upstream.ts';
import {
  AMBIGUOUS,
  BAD_GATEWAY,
  INVALID_TOKEN,
  TOKEN_EXPIRED,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, nowSeconds, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const partnerKey = createSigningKey('ES256', 'partner-1');
const token = signToken(key);
const other = signToken(key, { sub: 'mallory' });
const partner = signToken(partnerKey, { iss: 'https://partner.test', sub: 'peter' });
const expired = signToken(key, { exp: nowSeconds() - 3600 });
const CANARIES = ['canary-in-query', 'canary-in-cookie', 'canary-in-protocol', 'canary-in-referer'];

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
const handshakes: { url: string | undefined; headers: Record<string, unknown> }[] = [];
echo.on('connection', (_, { url, headers }) => handshakes.push({ url, headers }));
const echoAddress = echo.address();
const echoPort = typeof echoAddress === 'object' && echoAddress !== null ? echoAddress.port : 0;

const world = await startWorld(t, {
  policy: (url) => `
log: {level: trace}
upstreams:
  default: ${url}
  echo: http://127.0.0.1:${echoPort}
accept: [corp]
issuers:
  corp: {issuer: https://issuer.test, audience: api, leeway: 0s, jwks: ${JSON.stringify(keySet(key))}}
  partner: {issuer: https://partner.test, audience: api, jwks: ${JSON.stringify(keySet(partnerKey))}}
routes:
  - {path: /plain/**, websocket: true}
  - {path: /public/**, auth: none}
  - {path: /query/**, token_sources: [authorization, {query: access_token}]}
  - {path: /page/**, token_sources: [authorization, {cookie: session}]}
  - {path: /every/**, token_sources: [authorization, {cookie: session}, {query: access_token}]}
  - {path: /mixed/**, auth: optional, token_sources: [{cookie: session}]}
  - {path: /kept/**, forward_credential: true, token_sources: [authorization, {cookie: session}, {query: access_token}]}
  - {path: /some/**, accept: [corp, partner], token_sources: [authorization, {query: access_token, issuers: [partner]}]}
  - path: /blind/**
    forward_credential: true
    token_sources: {query: access_token}
    require:
      when: >-
        !has(request.query.access_token) && request.query.a == "1" && !("cookie" in request.headers)
        && !("sec-websocket-protocol" in request.headers)
  - {path: /echo/**, upstream: echo, websocket: true, token_sources: [authorization, {websocket_protocol: bearer}]}
  - {path: /socket/**, websocket: true, token_sources: {websocket_protocol: bearer}}
`,
});

const inQuery = (target: string, headers: RequestParts['headers'] = []): RequestParts => ({
  target,
  headers,
});
const inCookie = (target: string, ...lines: string[]): RequestParts => ({
  target,
  headers: lines.map((line) => ['Cookie', line] as const),
});

/** Nothing of any token in what the upstream was sent. */
function holdsNoToken(t: Test, seen: RecordedRequest): void {
  const head = [seen.requestLine, ...seen.headerLines.flat()].join('\n');
  for (const each of [token, other, partner]) t.notOk(head.includes(each.split('.')[2] ?? each), 'no token');
}

t.test('A15 a query token is taken, cut, and its answer kept out of caches', async (t) => {
  const request = inQuery(`/query/1?a=%2f&access_token=${token}&b=`);
  const response = await world.send(request);
  t.equal(response.status, 200);
  t.strictSame(response.all('cache-control'), ['private']);
  const seen = await world.forwarded(t, request);
  t.equal(seen.target, '/query/1?a=%2f&b=');
  t.strictSame(seen.all('x-auth-subject'), ['alice']);
  holdsNoToken(t, seen);
});

const TAKEN: [string, string, string][] = [
  ['K5 the name may be encoded', `?acces%73_token=${token}`, ''],
  ['K5 the value is decoded once', `?access_token=${token.replaceAll('.', '%2E')}`, ''],
  ['K7 all else stays byte for byte', `?A=%41+%2b&&access_token=${token}&=;x[]=%zz`, '?A=%41+%2b&&=;x[]=%zz'],
  [
    'K5 other names are other parameters',
    `?access_token=${token}&Access_Token=1&access_token[]=2`,
    '?Access_Token=1&access_token[]=2',
  ],
];
for (const [name, query, rest] of TAKEN) {
  t.test(name, async (t) => {
    const seen = await world.forwarded(t, inQuery(`/query/1${query}`));
    t.equal(seen.target, `/query/1${rest}`);
  });
}

t.test('M14 a token in the header and one in the query are ambiguous, whatever they are worth', async (t) => {
  for (const second of [token, other, 'x', '%zz']) {
    await world.refused(t, { target: `/query/1?access_token=${second}`, token }, AMBIGUOUS);
  }
  const broken = inQuery(`/query/1?access_token=${token}`, [['Authorization', 'Bearer']]);
  await world.refused(t, broken, AMBIGUOUS);
});

const TWICE = [
  `?access_token=${token}&access_token=${token}`,
  `?access_token=${token}&access_token=`,
  `?access_token&access_token=${token}`,
  `?acces%73_token=${other}&access_token=${token}`,
  `?a=1;access_token=${other}&access_token=${token}`,
];
t.test('M16 the parameter twice is ambiguous, even once empty', async (t) => {
  for (const query of TWICE) await world.refused(t, inQuery(`/query/1${query}`), AMBIGUOUS);
});

t.test('K5 what is no token in the query is refused, and what is empty is none', async (t) => {
  for (const value of [
    'abc',
    `%20${token}`,
    token.replaceAll('.', '%252E'),
    `${token}%zz`,
    'a b'.replace(' ', '+'),
  ]) {
    await world.refused(t, inQuery(`/query/1?access_token=${value}`), INVALID_TOKEN);
  }
  await world.refused(t, inQuery(`/query/1?access_token=${expired}`), TOKEN_EXPIRED);
  for (const query of [
    '?access_token=',
    '?access_token',
    `?access_token[]=${token}`,
    `?ACCESS_TOKEN=${token}`,
  ]) {
    await world.refused(t, inQuery(`/query/1${query}`), UNAUTHENTICATED);
  }
});

t.test('A12 a query token counts on no other route, and is cut there all the same', async (t) => {
  for (const path of ['/plain/1', '/page/1', '/nothing/1']) {
    await world.refused(t, inQuery(`${path}?access_token=${token}`), UNAUTHENTICATED);
  }
  for (const target of ['/plain/1', '/page/1', '/public/1', '/some/1']) {
    const seen = await world.forwarded(
      t,
      inQuery(`${target}?x&access_token=${target === '/some/1' ? '' : other}`, [
        ['Authorization', `Bearer ${token}`],
      ]),
    );
    t.equal(seen.target, `${target}?x`);
    holdsNoToken(t, seen);
  }
});

t.test('A14 a cookie counts on no other route, and is cut there all the same', async (t) => {
  for (const path of ['/plain/1', '/query/1', '/nothing/1']) {
    await world.refused(t, inCookie(path, `session=${token}`), UNAUTHENTICATED);
  }
  for (const target of ['/plain/1', '/query/1', '/public/1']) {
    const seen = await world.forwarded(t, { ...inCookie(target, `a=1; session=${other}`), token });
    t.strictSame(seen.all('cookie'), ['a=1']);
    holdsNoToken(t, seen);
  }
});

t.test(
  'K7 a token in the query is cut on a public route and on an unread place of a forwarding one',
  async (t) => {
    t.equal((await world.forwarded(t, inQuery(`/public/1?access_token=${token}`))).target, '/public/1');
    const seen = await world.forwarded(t, { ...inCookie('/kept/1?x', `session=${other}`), token });
    t.strictSame(seen.all('authorization'), [`Bearer ${token}`]);
    t.strictSame(seen.all('cookie'), [], 'a cookie that nobody judged is not forwarded');
  },
);

t.test('K7 K14 forward_credential keeps what was judged, where it was', async (t) => {
  const query = await world.forwarded(t, inQuery(`/kept/1?a&access_token=${token}`));
  t.equal(query.target, `/kept/1?a&access_token=${token}`);
  const cookie = await world.forwarded(t, inCookie('/kept/1', `a; session=${token}`));
  t.strictSame(cookie.all('cookie'), [`a; session=${token}`]);
});

t.test('K13 a token cookie is taken, quoted or not, on any line', async (t) => {
  for (const lines of [
    [`session=${token}`],
    [`a=1;session="${token}"`],
    ['a=1', `session=${token}; $Path=/`],
  ]) {
    const seen = await world.forwarded(t, inCookie('/page/1', ...lines));
    t.strictSame(seen.all('x-auth-subject'), ['alice']);
    holdsNoToken(t, seen);
  }
  const response = await world.send(inCookie('/page/1', `session=${token}`));
  t.strictSame(response.all('cache-control'), ['private']);
});

t.test('K13 the cookie twice is ambiguous, even once empty', async (t) => {
  for (const lines of [
    [`session=${token}; session=${token}`],
    [`session=; session=${token}`],
    [`session=${token}`, `session=${other}`],
  ]) {
    await world.refused(t, inCookie('/page/1', ...lines), AMBIGUOUS);
  }
});

t.test('K13 names that only look alike are other cookies, and no token is refused', async (t) => {
  const alike = `__Host-session=${token}; session2=${token}; Session=${token}; a=session=${token}`;
  await world.refused(t, inCookie('/page/1', alike), UNAUTHENTICATED);
  await world.refused(t, inCookie('/page/1', 'session='), UNAUTHENTICATED);
  for (const value of ['abc', token.replaceAll('.', '%2E'), `"${token}`, 'a'.repeat(8192)]) {
    await world.refused(t, inCookie('/page/1', `session=${value}`), INVALID_TOKEN);
  }
  await world.refused(t, inCookie('/page/1', `session=${expired}`), TOKEN_EXPIRED);
});

t.test('K14 the token cookie is cut, the others are the same bytes in the same order', async (t) => {
  const seen = await world.forwarded(t, inCookie('/page/1', `b="2"; session=${token};a=%31;  c`, 'd=4;;e'));
  t.strictSame(seen.all('cookie'), ['b="2";a=%31;  c', 'd=4;;e']);
  const bare = await world.forwarded(t, inCookie('/page/1', `session=${token}`));
  t.strictSame(bare.all('cookie'), []);
});

t.test('K2 a cookie is looked at only when nothing else speaks for the caller', async (t) => {
  const headed = { ...inCookie('/every/1', `session=${other}`), token };
  t.strictSame((await world.forwarded(t, headed)).all('x-auth-subject'), ['alice']);
  const doubled = { ...inCookie('/every/1', `session=${other}; session=x`), token };
  t.strictSame((await world.forwarded(t, doubled)).all('cookie'), []);
  const asked = inCookie(`/every/1?access_token=${token}`, `session=${other}`);
  t.strictSame((await world.forwarded(t, asked)).all('x-auth-subject'), ['alice']);
  await world.refused(t, inCookie('/every/1?access_token=x', `session=${token}`), INVALID_TOKEN);
  const bad = { ...inCookie('/every/1', `session=${token}`), token: 'x.y.z' };
  await world.refused(t, bad, INVALID_TOKEN);
});

t.test('A18 an optional route never takes a bad cookie for none', async (t) => {
  await world.refused(t, inCookie('/mixed/1', 'session=abc'), INVALID_TOKEN);
  t.strictSame((await world.forwarded(t, inCookie('/mixed/1', 'a=1'))).all('x-auth-subject'), []);
});

t.test('K1 a place that counts for one issuer takes no other one’s tokens', async (t) => {
  const seen = await world.forwarded(t, inQuery(`/some/1?access_token=${partner}`));
  t.strictSame(seen.all('x-auth-subject'), ['peter']);
  await world.refused(t, inQuery(`/some/1?access_token=${token}`), INVALID_TOKEN);
  await world.forwarded(t, { target: '/some/1', token });
});

t.test('K6 a rule sees no token, also where it is forwarded', async (t) => {
  const headers = [
    ['Cookie', `session=${other}`],
    ['Sec-WebSocket-Protocol', `bearer, ${other}`],
  ] as const;
  const seen = await world.forwarded(t, inQuery(`/blind/1?acces%73_token=${token}&a=1`, headers));
  t.equal(seen.target, `/blind/1?acces%73_token=${token}&a=1`);
  await world.refused(t, inQuery(`/blind/1?access_token=${token}&a=2`), {
    status: 403,
    challenges: [],
    body: '{"error":"forbidden","code":"forbidden"}',
  });
});

const UPGRADE = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
] as const;
const offering = (target: string, ...offers: string[]): RequestParts => ({
  target,
  headers: [...UPGRADE, ...offers.map((offer) => ['Sec-WebSocket-Protocol', offer] as const)],
});

/** The subprotocol that a real client agreed to. */
async function connected(protocols: string[]): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${world.gateway.port}/echo/1`, protocols);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.terminate();
  return socket.protocol;
}

t.test('WS04 a client offers its token as a subprotocol, and is answered the marker', async (t) => {
  t.equal(await connected(['bearer', token]), 'bearer');
  const seen = handshakes.at(-1)?.headers ?? {};
  t.equal(seen['sec-websocket-protocol'], undefined);
  t.equal(seen['x-auth-subject'], 'alice');
});

t.test('WS04 what the upstream chooses of the others is what the client is told', async (t) => {
  t.equal(await connected(['chat', 'bearer', token, 'v2.chat']), 'v2.chat');
  t.equal(handshakes.at(-1)?.headers['sec-websocket-protocol'], 'chat,v2.chat');
});

t.test('WS04 a bad, a missing, a doubled and an expired one are refused before 101', async (t) => {
  const before = handshakes.length;
  await world.refused(t, offering('/echo/1'), UNAUTHENTICATED);
  await world.refused(t, offering('/echo/1', `chat, ${token}`), UNAUTHENTICATED);
  await world.refused(t, offering('/echo/1', `Bearer, ${token}`), UNAUTHENTICATED);
  await world.refused(t, offering('/echo/1', `${token}, bearer`), INVALID_TOKEN);
  await world.refused(t, offering('/echo/1', 'bearer, chat'), INVALID_TOKEN);
  await world.refused(t, offering('/echo/1', `bearer, ${expired}`), TOKEN_EXPIRED);
  await world.refused(t, offering('/echo/1', `bearer, ${token}, bearer, ${token}`), AMBIGUOUS);
  const both = offering('/echo/1', `bearer, ${token}`);
  await world.refused(t, { ...both, token }, AMBIGUOUS);
  await world.refused(t, offering('/plain/1', `bearer, ${token}`), UNAUTHENTICATED);
  t.equal(handshakes.length, before);
});

t.test('WS04 outside of a handshake the field is no credential, and is cut', async (t) => {
  const headers = [['Sec-WebSocket-Protocol', `bearer, ${token}, chat`]] as const;
  await world.refused(t, { target: '/echo/1', headers }, UNAUTHENTICATED);
  const seen = await world.forwarded(t, { target: '/plain/1', headers, token: other });
  t.strictSame(seen.all('sec-websocket-protocol'), ['chat']);
});

const ANSWERS: [string, string, number][] = [
  ['WS04 an upstream that chooses the marker chose what it was not offered', 'bearer', 502],
  ['WS04 an upstream that chooses the token did so too', token, 502],
  ['WS04 an upstream that chooses another is heard', 'chat', 101],
];
for (const [name, chosen, status] of ANSWERS) {
  t.test(name, async (t) => {
    world.upstream.answer = () =>
      [
        'HTTP/1.1 101 Switching Protocols',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
        `Sec-WebSocket-Protocol: ${chosen}`,
        '\r\n',
      ].join('\r\n');
    const response = await world.send(offering('/socket/1', 'bearer', `${token}, chat`));
    world.upstream.answer = null;
    t.equal(response.status, status);
    t.strictSame(world.upstream.requests.at(-1)?.all('sec-websocket-protocol'), ['chat']);
    if (status === 502) t.equal(response.body.toString(), BAD_GATEWAY.body);
    else t.strictSame(response.all('sec-websocket-protocol'), [chosen]);
    t.notOk(response.head.includes(token));
  });
}

t.test('G17 L2 no query, cookie or subprotocol is in the log, at its finest level', async (t) => {
  const headers = [
    ['Cookie', `session=${CANARIES[1]}; a=${CANARIES[1]}`],
    ['Referer', `https://app.example.com/?access_token=${CANARIES[3]}`],
  ] as const;
  await world.send({ target: `/every/1?access_token=${CANARIES[0]}`, headers });
  await world.send({ target: `/every/1?a=%63anary-in-query&b=${CANARIES[0]}`, headers, token });
  await world.send({ target: `/plain/1?%61ccess_token=${CANARIES[0]}`, headers });
  await world.send(offering('/echo/1', `bearer, ${CANARIES[2]}`));
  await world.send(offering('/socket/1', `bearer, ${token}, ${CANARIES[2]}`));
  await world.conclude(t, [...CANARIES, 'access_token']);
});
