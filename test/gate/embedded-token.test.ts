/** Tokens in cookies, queries and offered subprotocols, as `collectCredentials` takes them. */
import t from 'tap';
import { collectCredentials } from '../../src/gate/collect-credentials.ts';
import type { AcceptPolicy, TokenSource } from '../../src/policy/policy.ts';
import type { WireRequest } from '../../src/wire/wire-request.ts';
import { accepting, request } from '../fixtures/caller.ts';

const JWT = 'aaa.bbb.ccc';
const OTHER = 'ddd.eee.fff';
const limits = { tokenBytes: 64 };

const plain: TokenSource = { in: 'authorization', issuers: null };
const cookie: TokenSource = { in: 'cookie', name: 'session', issuers: null };
const query: TokenSource = { in: 'query', name: 'access_token', issuers: null };
const protocol: TokenSource = { in: 'websocket_protocol', name: 'bearer', issuers: null };
const reading = (...tokenSources: TokenSource[]) => accepting({ tokenSources });
const every = reading(plain, cookie, query, protocol);

const inCookie = (...lines: string[]) => request(lines.flatMap((line) => ['Cookie', line]));
const inQuery = (text: string, headers: readonly string[] = []) => request(headers, { query: text });
const offered = (...lines: string[]) =>
  request(
    lines.flatMap((line) => ['Sec-WebSocket-Protocol', line]),
    { webSocket: true },
  );
const bearer = ['Authorization', `Bearer ${JWT}`];

/** 'absent', 'VALUE in PLACE', or why it is refused. */
function collected(accept: AcceptPolicy, wire: WireRequest): string {
  const found = collectCredentials(wire, accept, limits);
  if (found.kind === 'absent') return 'absent';
  if (found.kind === 'refused') {
    const { refusal } = found;
    return refusal.kind === 'invalid_credential' ? `${refusal.code} ${refusal.reason}` : refusal.kind;
  }
  const { place, value, family, refusedAs } = found.credential;
  if (family !== 'token' || refusedAs !== 'invalid_token') return `a ${family}, ${refusedAs}`;
  return `${value} in ${place.in}`;
}

type Vector = readonly [id: string, accept: AcceptPolicy, wire: WireRequest, outcome: string];

const AMBIGUOUS = 'ambiguous_credentials';
const MALFORMED = 'invalid_token malformed_authorization';
const OPAQUE = 'invalid_token not_a_jwt';

const vectors: readonly Vector[] = [
  ['A14 cookie that is not read', reading(plain), inCookie(`session=${JWT}`), 'absent'],
  ['cookie', reading(cookie), inCookie(`a=1; session=${JWT}; b=2`), `${JWT} in cookie`],
  ['K13 quoted', reading(cookie), inCookie(`session="${JWT}"`), `${JWT} in cookie`],
  ['K13 half quoted', reading(cookie), inCookie(`session="${JWT}`), MALFORMED],
  ['K13 empty', reading(cookie), inCookie('session='), 'absent'],
  ['K13 quoted empty', reading(cookie), inCookie('session=""'), 'absent'],
  ['K13 twice', reading(cookie), inCookie(`session=${JWT}; session=${JWT}`), AMBIGUOUS],
  ['K13 twice, one empty', reading(cookie), inCookie(`session=; session=${JWT}`), AMBIGUOUS],
  ['K13 twice, on two lines', reading(cookie), inCookie(`session=${JWT}`, `session=${OTHER}`), AMBIGUOUS],
  ['K13 on the second line', reading(cookie), inCookie('a=1', `session=${JWT}`), `${JWT} in cookie`],
  ['K13 another prefix', reading(cookie), inCookie(`__Host-session=${JWT}; session2=${JWT}`), 'absent'],
  ['K13 another case', reading(cookie), inCookie(`Session=${JWT}`), 'absent'],
  ['K13 $Version', reading(cookie), inCookie(`$Version=1; session=${JWT}`), `${JWT} in cookie`],
  ['K13 percent-encoded', reading(cookie), inCookie('session=aaa%2Ebbb%2Eccc'), MALFORMED],
  ['K13 a scheme', reading(cookie), inCookie(`session=Bearer ${JWT}`), MALFORMED],
  ['K13 opaque', reading(cookie), inCookie('session=abc'), OPAQUE],
  [
    'K13 longest',
    reading(cookie),
    inCookie(`session=${'a'.repeat(60)}.b.c`),
    `${'a'.repeat(60)}.b.c in cookie`,
  ],
  ['K13 too long', reading(cookie), inCookie(`session=${'a'.repeat(61)}.b.c`), MALFORMED],
  ['K13 8 KiB', reading(cookie), inCookie(`session=${'a'.repeat(8192)}`), MALFORMED],
  [
    'two cookies that count',
    reading(cookie, { in: 'cookie', name: 'other', issuers: null }),
    inCookie(`session=${JWT}; other=${JWT}`),
    AMBIGUOUS,
  ],

  ['A12 query that is not read', reading(plain), inQuery(`?access_token=${JWT}`), 'absent'],
  ['A15 query', reading(query), inQuery(`?a=1&access_token=${JWT}`), `${JWT} in query`],
  ['K5 encoded name', reading(query), inQuery(`?acces%73_token=${JWT}`), `${JWT} in query`],
  ['K5 encoded value', reading(query), inQuery('?access_token=aaa%2ebbb%2Eccc'), `${JWT} in query`],
  ['K5 value encoded twice', reading(query), inQuery('?access_token=aaa%252ebbb%252eccc'), MALFORMED],
  ['K5 a value that does not decode', reading(query), inQuery(`?access_token=${JWT}%zz`), MALFORMED],
  ['K5 a space', reading(query), inQuery(`?access_token=%20${JWT}`), MALFORMED],
  ['K5 only a space', reading(query), inQuery('?access_token=%20'), MALFORMED],
  ['K5 empty', reading(query), inQuery('?access_token='), 'absent'],
  ['K5 no value', reading(query), inQuery('?access_token'), 'absent'],
  ['M16 twice', reading(query), inQuery(`?access_token=${JWT}&access_token=${JWT}`), AMBIGUOUS],
  ['M16 twice, one empty', reading(query), inQuery(`?access_token=&access_token=${JWT}`), AMBIGUOUS],
  ['M16 twice, both empty', reading(query), inQuery('?access_token&access_token='), AMBIGUOUS],
  ['M16 twice, one encoded', reading(query), inQuery(`?acces%73_token=${JWT}&access_token=x`), AMBIGUOUS],
  ['M16 twice, behind ;', reading(query), inQuery(`?a;access_token=${OTHER}&access_token=${JWT}`), AMBIGUOUS],
  ['K5 an array', reading(query), inQuery(`?access_token[]=${JWT}`), 'absent'],
  ['K5 another case', reading(query), inQuery(`?ACCESS_TOKEN=${JWT}`), 'absent'],
  ['Y07 a key', reading(query), inQuery('?access_token=sp_0123456789abcdef'), OPAQUE],
  ['M18 too long', reading(query), inQuery(`?access_token=${'a'.repeat(61)}.b.c`), MALFORMED],

  ['WS04 the pair', reading(protocol), offered(`bearer, ${JWT}`), `${JWT} in websocket_protocol`],
  [
    'WS04 among others',
    reading(protocol),
    offered(`chat, bearer, ${JWT}, x`),
    `${JWT} in websocket_protocol`,
  ],
  ['WS04 on two lines', reading(protocol), offered('bearer', JWT), `${JWT} in websocket_protocol`],
  ['WS04 no marker', reading(protocol), offered(`chat, ${JWT}`), 'absent'],
  ['WS04 another case', reading(protocol), offered(`Bearer, ${JWT}`), 'absent'],
  ['WS04 nothing behind', reading(protocol), offered(`${JWT}, bearer`), MALFORMED],
  ['WS04 twice', reading(protocol), offered(`bearer, ${JWT}, bearer, ${JWT}`), AMBIGUOUS],
  ['WS04 opaque', reading(protocol), offered('bearer, chat'), OPAQUE],
  ['WS04 not read', reading(plain), offered(`bearer, ${JWT}`), 'absent'],
  ['WS04 no WebSocket', reading(protocol), request(['Sec-WebSocket-Protocol', `bearer, ${JWT}`]), 'absent'],

  ['M14 header and query', every, inQuery(`?access_token=${JWT}`, bearer), AMBIGUOUS],
  ['K1 header and broken query', every, inQuery('?access_token=%zz', bearer), AMBIGUOUS],
  [
    'K1 broken header and query',
    every,
    inQuery(`?access_token=${JWT}`, ['Authorization', 'Bearer']),
    AMBIGUOUS,
  ],
  [
    'K1 unknown scheme and query',
    every,
    inQuery(`?access_token=${JWT}`, ['Authorization', 'Foo x']),
    AMBIGUOUS,
  ],
  ['K1 header and empty query', every, inQuery('?access_token=', bearer), `${JWT} in authorization`],
  [
    'K1 query and protocol',
    every,
    request(['Sec-WebSocket-Protocol', `bearer, ${JWT}`], { webSocket: true, query: `?access_token=${JWT}` }),
    AMBIGUOUS,
  ],
  [
    'K2 header and cookie',
    every,
    request([...bearer, 'Cookie', `session=${OTHER}`]),
    `${JWT} in authorization`,
  ],
  [
    'K2 cookie, then header',
    every,
    request(['Cookie', `session=${OTHER}`, ...bearer]),
    `${JWT} in authorization`,
  ],
  [
    'K2 header and two cookies',
    every,
    request([...bearer, 'Cookie', 'session=a; session=b']),
    `${JWT} in authorization`,
  ],
  [
    'K2 query and cookie',
    every,
    inQuery(`?access_token=${JWT}`, ['Cookie', `session=${OTHER}`]),
    `${JWT} in query`,
  ],
  [
    'K2 a bad header is not cured by a cookie',
    every,
    request(['Authorization', 'Bearer', 'Cookie', `session=${JWT}`]),
    MALFORMED,
  ],
  [
    'K2 a bad query is not cured by a cookie',
    every,
    inQuery('?access_token=x', ['Cookie', `session=${JWT}`]),
    OPAQUE,
  ],
  [
    'K2 an unknown scheme is not either',
    every,
    request(['Authorization', 'Foo x', 'Cookie', `session=${JWT}`]),
    'unauthenticated',
  ],
  [
    'K2 an empty header is none',
    every,
    request(['Authorization', '', 'Cookie', `session=${JWT}`]),
    `${JWT} in cookie`,
  ],
  ['H28 names of prototypes', every, inCookie('__proto__=x; constructor=y'), 'absent'],
];

t.test('a token is found in the place that is read, once, and nowhere else', async (t) => {
  for (const [id, accept, wire, outcome] of vectors) t.equal(collected(accept, wire), outcome, id);
});

t.test('a place that counts for some issuers says which', async (t) => {
  const accept = reading(plain, { ...cookie, issuers: ['b'] }, { ...query, issuers: ['a'] });
  const onlyIssuers = (wire: WireRequest) => {
    const found = collectCredentials(wire, accept, limits);
    return found.kind === 'presented' ? found.credential.onlyIssuers : found.kind;
  };
  t.strictSame(onlyIssuers(inCookie(`session=${JWT}`)), ['b']);
  t.strictSame(onlyIssuers(inQuery(`?access_token=${JWT}`)), ['a']);
  t.equal(onlyIssuers(request(bearer)), null);
});
