/** What caches are told of an upstream's answer, by what the route reads and where the credential was. */
import t from 'tap';
import type { CredentialPlace } from '../../src/credentials/credential.ts';
import type { AcceptPolicy, Route } from '../../src/policy/policy.ts';
import { isLeftToOthers, protectFromCaches } from '../../src/upstream/response-privacy.ts';

const NOBODY: AcceptPolicy = {
  sources: [],
  issuers: [],
  apiKeySets: [],
  userLists: [],
  tokenSources: [],
  keyHeaders: [],
  challenges: [],
};
const TOKENS: AcceptPolicy = {
  ...NOBODY,
  issuers: ['corp'],
  tokenSources: [{ in: 'authorization', issuers: null }],
};
const KEYS: AcceptPolicy = { ...NOBODY, apiKeySets: ['machines'], keyHeaders: ['x-machine', 'x-guest'] };
const USERS: AcceptPolicy = { ...NOBODY, userLists: ['ops'] };
const COOKIES: AcceptPolicy = {
  ...NOBODY,
  tokenSources: [
    { in: 'cookie', name: 'a', issuers: null },
    { in: 'cookie', name: 'b', issuers: null },
  ],
};
const QUERY: AcceptPolicy = { ...NOBODY, tokenSources: [{ in: 'query', name: 'token', issuers: null }] };
const SOCKETS: AcceptPolicy = {
  ...NOBODY,
  tokenSources: [{ in: 'websocket_protocol', name: 'bearer', issuers: null }],
};
const ALL: AcceptPolicy = {
  ...KEYS,
  userLists: ['ops'],
  tokenSources: [
    ...TOKENS.tokenSources,
    { in: 'header', name: 'x-token', issuers: null, padded: false },
    ...COOKIES.tokenSources,
  ],
};

const AUTHORIZATION: CredentialPlace = { in: 'authorization' };
const HEADER: CredentialPlace = { in: 'header', name: 'x-machine' };
const COOKIE: CredentialPlace = { in: 'cookie' };
const IN_QUERY: CredentialPlace = { in: 'query' };

/** What is added to the headers of an upstream. */
function added(
  accept: AcceptPolicy,
  place: CredentialPlace | null,
  theirs: readonly string[] = [],
  auth: Route['auth'] = 'required',
): string {
  const headers = ['ETag', '"1"', ...theirs];
  protectFromCaches(headers, { accept, route: { auth }, place });
  const kept = headers.splice(0, theirs.length + 2);
  t.strictSame(kept, ['ETag', '"1"', ...theirs], "the upstream's own stay");
  return headers.join(' ');
}

const PRIVATE = 'Cache-Control private';

t.test('Vary names what the route reads, whatever the caller used', async (t) => {
  t.equal(added(NOBODY, null, [], 'none'), '');
  t.equal(added(TOKENS, AUTHORIZATION), '', 'Authorization protects by itself');
  t.equal(added(USERS, AUTHORIZATION), '');
  t.equal(added(KEYS, HEADER), `Vary x-machine, x-guest ${PRIVATE}`);
  t.equal(added(KEYS, AUTHORIZATION), 'Vary x-machine, x-guest');
  t.equal(added(COOKIES, COOKIE), `Vary Cookie ${PRIVATE}`);
  t.equal(added(ALL, AUTHORIZATION), 'Vary x-machine, x-guest, x-token, Cookie');
  t.equal(added(ALL, COOKIE), `Vary x-machine, x-guest, x-token, Cookie ${PRIVATE}`);
  t.equal(added(SOCKETS, { in: 'websocket_protocol' }), `Vary Sec-WebSocket-Protocol ${PRIVATE}`);
  t.equal(added(QUERY, IN_QUERY), `${PRIVATE} Referrer-Policy no-referrer`, 'the query is a key already');
});

t.test(
  'where anonymous callers are let in, Authorization decides too: it does not protect from theirs',
  async (t) => {
    t.equal(added(TOKENS, null, [], 'optional'), 'Vary Authorization');
    t.equal(added(TOKENS, AUTHORIZATION, [], 'optional'), 'Vary Authorization');
    t.equal(added(USERS, null, [], 'optional'), 'Vary Authorization');
    t.equal(added(KEYS, null, [], 'optional'), 'Vary Authorization, x-machine, x-guest');
    t.equal(added(COOKIES, null, [], 'optional'), 'Vary Cookie');
    t.equal(added(COOKIES, COOKIE, [], 'optional'), `Vary Cookie ${PRIVATE}`);
    t.equal(added(QUERY, null, [], 'optional'), '', 'no credential was in this address');
  },
);

t.test("the upstream's own Vary is completed, never doubled", async (t) => {
  const rows: readonly (readonly [theirs: readonly string[], ours: string])[] = [
    [['Vary', 'Accept'], 'Vary x-machine, x-guest'],
    [['Vary', 'X-Machine'], 'Vary x-guest'],
    [['vary', 'accept ,X-GUEST,  x-machine'], ''],
    [['Vary', 'X-Machine', 'VARY', 'x-guest'], ''],
    [['Vary', '*'], ''],
    [['Vary', 'Accept', 'Vary', 'Origin , *'], ''],
    [['Vary', ''], 'Vary x-machine, x-guest'],
    [['Vary', 'X-Machine-Id, X-Guests'], 'Vary x-machine, x-guest'],
    [['X-Vary', 'x-machine, x-guest'], 'Vary x-machine, x-guest'],
  ];
  for (const [theirs, ours] of rows) t.equal(added(KEYS, AUTHORIZATION, theirs), ours, theirs.join(' '));
});

t.test('what the upstream says of caching and of referrers stands', async (t) => {
  t.equal(added(KEYS, HEADER, ['cache-control', 'no-cache']), 'Vary x-machine, x-guest');
  t.equal(added(KEYS, HEADER, ['Cache-Control', 'public, max-age=60']), 'Vary x-machine, x-guest');
  t.equal(added(KEYS, HEADER, ['Expires', '0']), `Vary x-machine, x-guest ${PRIVATE}`);
  t.equal(added(QUERY, IN_QUERY, ['Cache-Control', 'no-store']), 'Referrer-Policy no-referrer');
  t.equal(added(QUERY, IN_QUERY, ['referrer-policy', 'origin']), PRIVATE);
});

t.test('answers to Authorization that caches may give to others', async (t) => {
  const rows: readonly (readonly [left: boolean, headers: readonly string[]])[] = [
    [false, []],
    [false, ['Cache-Control', 'max-age=60']],
    [true, ['Cache-Control', 'public']],
    [true, ['cache-control', 'max-age=60, PUBLIC']],
    [true, ['Cache-Control', 's-maxage=60']],
    [true, ['Cache-Control', 'max-age=60, must-revalidate']],
    [true, ['Cache-Control', 'max-age=60', 'Cache-Control', 'public']],
    [true, ['Cache-Control', 'max-age=0, s-maxage=60']],
    [true, ['Cache-Control', 'public, private="Set-Cookie"']],
    [true, ['Cache-Control', 'public', 'Vary', 'Accept']],
    [false, ['Cache-Control', 'public, max-age=0']],
    [false, ['Cache-Control', 'max-age=0, must-revalidate']],
    [false, ['Cache-Control', 'public, s-maxage=0']],
    [false, ['Cache-Control', 'public, private']],
    [false, ['Cache-Control', 'public', 'Cache-Control', 'no-store']],
    [false, ['Cache-Control', 'public, no-cache']],
    [false, ['Cache-Control', 'public', 'Vary', 'Accept, authorization']],
    [false, ['Cache-Control', 'public', 'Vary', '*']],
    [false, ['Cache-Control', 'x-public']],
  ];
  for (const [left, headers] of rows) t.equal(isLeftToOthers(headers), left, headers.join(' '));
});
