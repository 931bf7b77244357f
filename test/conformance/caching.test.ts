/** Caches between callers and us: no caller gets what another one was told (RFC 9111 section 3.5, RFC 9110 section 16.4.2). */
import { createHash, scryptSync } from 'node:crypto';
import t, { type Test } from 'tap';
import type { RawResponse } from '../fixtures/raw-client.ts';
import type { RecordedRequest } from '../fixtures/recording-upstream.ts';
import { type CacheOptions, createSharedCache } from '../fixtures/shared-cache.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, startWorld } from '../fixtures/world.ts';

const signer = createSigningKey('ES256');
const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
const tokenA = signToken(signer, { sub: 'token-a', roles: ['staff'] });
const tokenB = signToken(signer, { sub: 'token-b' });
const tokenAway = signToken(signer, { iss: 'https://away.test' });

/** scrypt as PHC strings write it, with the least work that a policy takes. */
function hashOf(password: string): string {
  const salt = Buffer.alloc(16, 7);
  const hash = scryptSync(password, salt, 32, { N: 2 ** 16, r: 8, p: 1, maxmem: 2 ** 27 });
  const encode = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  return `$scrypt$ln=16,r=8,p=1$${encode(salt)}$${encode(hash)}`;
}

const world = await startWorld(t, {
  policy: (url) => `
upstreams: {default: "${url}", gone: "http://127.0.0.1:9"}
public_url: https://api.example.com
issuers:
  corp: {issuer: https://issuer.test, audience: api, claims: {roles: [roles]}, jwks: ${JSON.stringify(keySet(signer))}}
  away: {issuer: https://away.test, audience: api, jwks_uri: "http://127.0.0.1:9/keys"}
api_keys:
  machines:
    header: X-API-Key
    keys:
      - {id: a, sha256: ${sha256('secret-a')}, subject: key-a, roles: [staff]}
      - {id: b, sha256: ${sha256('secret-b')}, subject: key-b}
basic:
  ops:
    users:
      - {username: a, subject: user-a, roles: [staff], password_hash: '${hashOf('word-a')}'}
      - {username: b, subject: user-b, password_hash: '${hashOf('word-b')}'}
accept: [corp, machines, ops]
token_sources: [authorization, {header: X-Token}, {cookie: session}, {query: access_token}]
routes:
  - {path: /tokens/**, accept: [corp, away], token_sources: [authorization]}
  - {path: /keys/**, accept: [machines]}
  - {path: /cookies/**, accept: [corp], token_sources: [{cookie: session}]}
  - {path: /queries/**, accept: [corp], token_sources: [authorization, {query: access_token}]}
  - {path: /passwords/**, accept: [ops]}
  - {path: /all/**}
  - {path: /optional/**, auth: optional}
  - {path: /optional-tokens/**, auth: optional, accept: [corp], token_sources: [authorization]}
  - {path: /hidden/**, require: {roles: staff}, on_forbidden: 404}
  - {path: /hidden-keys/**, auth: optional, accept: [machines], on_forbidden: 404}
  - {path: /staff/**, require: {roles: staff}}
  - {path: /read/**, methods: [GET]}
  - {path: /gone/**, auth: none, upstream: gone}
`,
});

type Headers = readonly (readonly [string, string])[];
interface Caller {
  readonly name: string;
  readonly headers?: Headers;
  readonly query?: string;
}
const bearer = (value: string): Headers => [['Authorization', `Bearer ${value}`]];
const password = (name: string): Headers => [
  ['Authorization', `Basic ${Buffer.from(`${name}:word-${name}`).toString('base64')}`],
];
const ANONYMOUS: Caller = { name: 'anonymous' };
const TOKENS: readonly Caller[] = [
  { name: 'token a', headers: bearer(tokenA) },
  { name: 'token b', headers: bearer(tokenB) },
];
const KEYS: readonly Caller[] = [
  { name: 'key a', headers: [['X-API-Key', 'secret-a']] },
  { name: 'key b', headers: [['x-api-key', 'secret-b']] },
  { name: 'unknown key', headers: [['X-API-Key', 'secret-c']] },
  { name: 'key a as bearer', headers: bearer('secret-a') },
  { name: 'key b as bearer', headers: bearer('secret-b') },
];
const TOKEN_HEADERS: readonly Caller[] = [
  { name: 'token header a', headers: [['X-Token', tokenA]] },
  { name: 'token header b', headers: [['X-Token', tokenB]] },
];
const COOKIES: readonly Caller[] = [
  { name: 'cookie a', headers: [['Cookie', `session=${tokenA}`]] },
  { name: 'cookie b', headers: [['Cookie', `session=${tokenB}`]] },
];
const QUERIES: readonly Caller[] = [
  { name: 'query a', query: `?access_token=${tokenA}` },
  { name: 'query b', query: `?access_token=${tokenB}` },
];
const PASSWORDS: readonly Caller[] = [
  { name: 'user a', headers: password('a') },
  { name: 'user b', headers: password('b') },
];
const EVERYBODY = [ANONYMOUS, ...TOKENS, ...KEYS, ...TOKEN_HEADERS, ...COOKIES, ...QUERIES, ...PASSWORDS];

const ROUTES: readonly (readonly [name: string, callers: readonly Caller[]])[] = [
  ['tokens', [ANONYMOUS, ...TOKENS]],
  ['keys', [ANONYMOUS, ...KEYS]],
  ['cookies', [ANONYMOUS, ...COOKIES]],
  ['queries', [ANONYMOUS, ...TOKENS, ...QUERIES]],
  ['passwords', [ANONYMOUS, ...PASSWORDS]],
  ['all', EVERYBODY],
  ['optional', EVERYBODY],
  ['optional-tokens', [ANONYMOUS, ...TOKENS]],
  ['hidden', EVERYBODY],
  // Whoever conceals a route reads there what any path reads, so that all of it decides.
  ['hidden-keys', EVERYBODY],
];

/** What an upstream may say of caching, by the second segment of the path. */
const SAYINGS: Readonly<Record<string, string>> = {
  silent: '',
  lifetime: 'Cache-Control: max-age=600\r\n',
  expires: 'Expires: Fri, 01 Jan 2100 00:00:00 GMT\r\n',
  varied: 'Cache-Control: max-age=600\r\nVary: Accept, x-api-KEY\r\n',
  star: 'Cache-Control: max-age=600\r\nVary: *\r\n',
  public: 'Cache-Control: public, max-age=600\r\n',
  shared: 'Cache-Control: max-age=0, s-maxage=600\r\n',
  missing: '',
};

world.upstream.answer = (request) => {
  const saying = request.target.split('/')[2]?.split('?')[0] ?? '';
  const status = saying === 'missing' ? '404 Not Found' : '200 OK';
  const who = whoseRequest(request);
  const body = request.method === 'HEAD' ? '' : who;
  return `HTTP/1.1 ${status}\r\n${SAYINGS[saying] ?? ''}X-Who: ${who}\r\nContent-Length: ${who.length}\r\n\r\n${body}`;
};

function whoseRequest(request: RecordedRequest): string {
  return request.all('x-auth-subject')[0] ?? 'anonymous';
}

const requestOf = (caller: Caller, path: string, method = 'GET'): RequestParts => ({
  method,
  target: `/${path}${caller.query ?? ''}`,
  headers: caller.headers ?? [],
});
const told = (response: RawResponse) => `${response.status} ${response.all('x-who')[0] ?? 'by us'}`;

const OPTIONAL: ReadonlySet<string> = new Set(['optional', 'optional-tokens', 'hidden-keys']);

/** On a route where everybody must be known, RFC 9111 leaves Authorization to the upstream's own word (H05). */
function isLeftToUpstream(route: string, saying: string, caller: Caller): boolean {
  const usesAuthorization = caller.headers?.some(([name]) => name === 'Authorization') === true;
  return usesAuthorization && !OPTIONAL.has(route) && (saying === 'public' || saying === 'shared');
}

/** Lets each caller in turn be the first one at an empty cache, and all others come after. */
async function mixUps(path: string, callers: readonly Caller[], options: CacheOptions = {}) {
  const found: string[] = [];
  let hits = 0;
  const due = new Map<Caller, string>();
  for (const caller of callers) due.set(caller, told(await world.send(requestOf(caller, path))));
  for (const first of callers) {
    const cache = createSharedCache(world.gateway.port, options);
    await cache.ask(requestOf(first, path));
    for (const [index, caller] of callers.entries()) {
      const method = index % 2 === 0 ? 'GET' : 'HEAD';
      const { response, hit } = await cache.ask(requestOf(caller, path, method));
      if (hit) hits += 1;
      if (told(response) !== due.get(caller))
        found.push(`${caller.name} after ${first.name}: ${told(response)}`);
    }
  }
  return { found, hits };
}

t.test('a cache as greedy as allowed gives no caller what another one was told', async (t) => {
  for (const [route, callers] of ROUTES) {
    // Among many callers there are many pairs: there, only what changes who may keep an answer.
    const sayings =
      callers === EVERYBODY ? ['silent', 'lifetime', 'public', 'missing'] : Object.keys(SAYINGS);
    for (const saying of sayings) {
      const concerned = callers.filter((caller) => !isLeftToUpstream(route, saying, caller));
      const { found } = await mixUps(`${route}/${saying}`, concerned);
      t.strictSame(found, [], `${route}, upstream says ${saying}`);
    }
  }
});

t.test('the cache of these tests does keep answers, and Vary is what keeps callers apart', async (t) => {
  for (const [route, callers] of [
    ['keys', KEYS],
    ['cookies', COOKIES],
    ['optional', EVERYBODY],
    ['optional-tokens', [ANONYMOUS, ...TOKENS]],
  ] as const) {
    const { hits } = await mixUps(`${route}/lifetime`, callers);
    t.ok(hits > 0, `${route}: answers are used again`);
    const { found } = await mixUps(`${route}/lifetime`, callers, { ignoresVary: true });
    t.ok(found.length > 0, `${route}: without Vary they would be mixed up`);
  }
});

t.test('H03 H04 no answer of ours is kept, not even by a cache that knows nothing of Vary', async (t) => {
  const rows: readonly (readonly [status: number, request: RequestParts])[] = [
    [401, { target: '/tokens/lifetime' }],
    [401, { target: '/tokens/lifetime', token: 'x.y.z' }],
    [401, { target: '/keys/lifetime', headers: [['X-API-Key', 'wrong']] }],
    [401, { target: '/cookies/lifetime', headers: [['Cookie', 'session=x.y.z']] }],
    [401, { target: '/queries/lifetime?access_token=x.y.z' }],
    [401, { target: '/passwords/lifetime', headers: [['Authorization', 'Basic YTpi']] }],
    [400, { target: '/all/lifetime', token: tokenA, headers: [['X-API-Key', 'secret-a']] }],
    [400, { target: '/a%2fb' }],
    [403, { target: '/staff/1', headers: [['X-API-Key', 'secret-b']] }],
    [403, { method: 'POST', target: '/cookies/1', headers: [['Cookie', `session=${tokenA}`]] }],
    [404, { target: '/hidden/lifetime', headers: [['X-API-Key', 'secret-b']] }],
    [404, { target: '/nowhere', headers: [['X-API-Key', 'secret-a']] }],
    [405, { method: 'PUT', target: '/read/1', token: tokenA }],
    [414, { target: `/${'a'.repeat(9000)}` }],
    [431, { headers: Array.from({ length: 101 }, (_, i): [string, string] => [`X-${i}`, '']) }],
    [502, { target: '/gone/1' }],
    [503, { target: '/tokens/lifetime', token: tokenAway }],
  ];
  for (const [status, request] of rows) {
    for (const method of request.method === undefined ? ['GET', 'HEAD'] : [request.method]) {
      const cache = createSharedCache(world.gateway.port, { ignoresVary: true });
      for (const turn of ['first', 'second']) {
        const { response, hit } = await cache.ask({ ...request, method });
        t.equal(response.status, status, `${method} ${request.target} ${turn}`);
        t.equal(response.get('cache-control'), 'no-store');
        t.equal(hit, false);
      }
      t.equal(cache.kept(), 0);
    }
  }
});

t.test(
  'H05 to an answer for Authorization nothing is added, and what the upstream says is kept',
  async (t) => {
    for (const caller of [...TOKENS, ...PASSWORDS]) {
      const route = caller.name.startsWith('token') ? 'tokens' : 'passwords';
      for (const saying of ['silent', 'lifetime', 'expires', 'public', 'shared']) {
        const response = await world.send(requestOf(caller, `${route}/${saying}`));
        t.strictSame(cachingFields(response), linesOf(SAYINGS[saying] ?? ''), `${caller.name} ${saying}`);
      }
    }
  },
);

t.test(
  'H05 an upstream that lets others have what it told one caller is named once for each route',
  async (t) => {
    const warnings = () => world.gateway.lines.filter(({ msg }) => /shared caches/.test(String(msg)));
    for (const saying of ['public', 'shared', 'public', 'lifetime']) {
      await world.send({ target: `/tokens/${saying}`, token: tokenA });
      await world.send({ target: `/all/${saying}`, headers: [['X-API-Key', 'secret-a']] });
      await world.send({ target: `/optional-tokens/${saying}`, token: tokenA });
    }
    await world.send({ target: '/tokens/last', token: tokenA });
    await world.gateway.line(({ path }) => path === '/tokens/last');
    const routes = warnings().map(({ route }) => String(route));
    t.equal(new Set(routes).size, routes.length, 'each once');
    t.ok(routes.some((route) => route.includes('/tokens/')));
    t.notOk(
      routes.some((route) => route.includes('optional')),
      'Vary keeps callers apart there',
    );
  },
);

t.test(
  'H06 Y06 an answer for a credential outside of Authorization is private, and varies by it',
  async (t) => {
    const [keyA] = KEYS;
    const [cookieA] = COOKIES;
    const table = [
      [keyA, 'keys/silent', ['Vary: x-api-key', 'Cache-Control: private']],
      [keyA, 'keys/lifetime', ['Cache-Control: max-age=600', 'Vary: x-api-key']],
      [keyA, 'keys/varied', ['Cache-Control: max-age=600', 'Vary: Accept, x-api-KEY']],
      [cookieA, 'cookies/silent', ['Vary: Cookie', 'Cache-Control: private']],
      [keyA, 'all/silent', ['Vary: x-api-key, x-token, Cookie', 'Cache-Control: private']],
      [ANONYMOUS, 'optional/silent', ['Vary: Authorization, x-api-key, x-token, Cookie']],
      [TOKENS[0], 'all/silent', ['Vary: x-api-key, x-token, Cookie']],
    ] as const;
    for (const [caller, path, fields] of table) {
      if (caller === undefined) throw new Error('no such caller');
      const response = await world.send(requestOf(caller, path));
      t.equal(response.status, 200);
      t.strictSame(cachingFields(response), fields, `${caller.name} ${path}`);
      const seen = world.upstream.requests.at(-1);
      t.strictSame([seen?.all('x-api-key'), seen?.all('cookie')], [[], []], 'removed before the upstream');
    }
  },
);

t.test('H07 Vary: * is never ours, and where the upstream says it nothing is added', async (t) => {
  for (const [route, callers] of ROUTES) {
    for (const caller of callers) {
      const response = await world.send(requestOf(caller, `${route}/silent`));
      t.notMatch(response.all('vary').join(), /\*/);
      const star = await world.send(requestOf(caller, `${route}/star`));
      if (star.all('x-who').length > 0) t.strictSame(star.all('vary'), ['*']);
    }
  }
});

t.test(
  'A15 an answer for a token in the query is private, and its page tells no other site the address',
  async (t) => {
    const [queryA] = QUERIES;
    if (queryA === undefined) throw new Error('no such caller');
    const response = await world.send(requestOf(queryA, 'queries/silent'));
    t.equal(response.status, 200);
    t.equal(response.get('cache-control'), 'private');
    t.equal(response.get('referrer-policy'), 'no-referrer');
    t.equal(world.upstream.requests.at(-1)?.target, '/queries/silent', 'K7 the parameter is gone');
    const byHeader = await world.send({ target: '/queries/silent', token: tokenA });
    t.strictSame(cachingFields(byHeader), []);
    t.equal(byHeader.get('referrer-policy'), undefined);
  },
);

function cachingFields(response: RawResponse): string[] {
  return response.headerLines
    .filter(([name]) => /^(?:cache-control|vary|expires|pragma)$/i.test(name))
    .map(([name, value]) => `${name}: ${value}`);
}

function linesOf(text: string): string[] {
  return text.split('\r\n').filter((line) => line !== '');
}

t.test('H03 nothing leaked, nothing crashed', (t: Test) =>
  world.conclude(t, ['secret-a', 'secret-b', 'word-a', 'word-b']),
);
