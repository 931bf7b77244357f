/**
 * C: what is remembered, and what is configured. No memory may answer for another token, route, key or policy; no file
 * that is odd may be taken for a policy; and while one policy replaces another, nobody is judged by a third.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { formatProblem } from '../../src/policy/problem.ts';
import { startServer } from '../../src/server.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { completed, load } from '../fixtures/load.ts';
import { exchange, openConnection } from '../fixtures/raw-client.ts';
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts';
import { policyOf } from '../fixtures/server.ts';
import { createSigningKey, keySet, nowSeconds, signToken } from '../fixtures/token-signer.ts';
import { requestBytes } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const other = createSigningKey('ES256');
const third = createSigningKey('ES256', 'third');
const upstream = await startRecordingUpstream(t);
/** Milliseconds that the gate's clock is ahead of ours. */
let ahead = 0;
const policyText = ({ scope = 'admin', keys = keySet(key), audience = 'api' } = {}): string => `
listen: 127.0.0.1:0
admin: none
limits: {failed_credentials: none}
upstream: ${upstream.url}
accept: [corp]
issuers:
  corp: {issuer: https://issuer.test, audience: [${audience}, admin-api], leeway: 0s, jwks: ${JSON.stringify(keys)}}
  twin: {issuer: https://twin.test, audience: api, jwks: ${JSON.stringify(keySet(third))}}
routes:
  - {path: /api/**}
  - {path: /admin/**, require: {scopes: ${scope}}}
  - {path: /twin/**, accept: [twin]}
  - {path: /narrow/**, audience: admin-api}
  - {path: /public/**, auth: none}
`;
const log = recordLog();
const dependencies = { now: () => Date.now() + ahead, log };
const server = await startServer({ policy: await policyOf(policyText()), dependencies });
t.teardown(() => server.close());
const port = Number(server.addresses.public[0]?.split(':').at(-1));

async function ask(target: string, token?: string): Promise<number> {
  const [response] = await exchange(port, requestBytes({ target, ...(token !== undefined && { token }) }));
  return response?.status ?? 0;
}

t.test('C1 a token that differs in one character is another one', async (t) => {
  const token = signToken(key);
  const [head = '', payload = '', signature = ''] = token.split('.');
  t.equal(await ask('/api/x', token), 200);
  const last = signature.at(-1) ?? '';
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  // Some of these decode to the same bytes: one text only is a token's.
  for (const letter of alphabet) {
    const changed = `${head}.${payload}.${signature.slice(0, -1)}${letter}`;
    t.equal(await ask('/api/x', changed), letter === last ? 200 : 401, letter);
  }
  const claims = (sub: string) =>
    Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub }),
    ).toString('base64url');
  for (const changed of [
    `${head}.${claims('root')}.${signature}`,
    `${head}.${payload}=.${signature}`,
    `${head}.${payload}.${signature}=`,
    `${head}.${payload}.`,
    `${head}.${payload}`,
    `${head}.${payload}.${signature}.`,
    signToken(other).replace(/^[^.]+/, head),
  ]) {
    t.equal(await ask('/api/x', changed), 401, changed.slice(-12));
  }
  t.equal(await ask('/api/x', token), 200, 'and the good one stays good');
});

t.test('C2 a remembered token ends when it expires', async (t) => {
  const token = signToken(key, { exp: nowSeconds() + 60 });
  t.equal(await ask('/api/x', token), 200);
  ahead = 59_000;
  t.equal(await ask('/api/x', token), 200);
  ahead = 61_000;
  t.equal(await ask('/api/x', token), 401);
  ahead = 0;
  t.equal(await ask('/api/x', token), 200, 'by the clock, which was set back');
});

t.test('C3 what is remembered is who, not what they may', async (t) => {
  const token = signToken(key, { scope: 'read' });
  for (let round = 0; round < 3; round += 1) {
    t.equal(await ask('/api/x', token), 200);
    t.equal(await ask('/admin/x', token), 403, 'another scope');
    t.equal(await ask('/twin/x', token), 401, 'another issuer');
    t.equal(await ask('/narrow/x', token), 401, 'another audience');
    t.equal(await ask('/public/x', token), 200);
  }
});

t.test(
  'C4 C5 a reload takes a key, a grant and an audience away at once, also from who is remembered',
  async (t) => {
    const token = signToken(key, { scope: 'read admin' });
    const changes = [
      ['another scope', policyText({ scope: 'root' }), '/admin/x', 403],
      ['another audience', policyText({ audience: 'other' }), '/api/x', 401],
      ['another key', policyText({ keys: keySet(other) }), '/api/x', 401],
      ['no key', policyText({ keys: keySet(third) }), '/api/x', 401],
    ] as const;
    for (const [name, changed, target, status] of changes) {
      t.equal(await ask(target, token), 200);
      server.reload(await policyOf(changed));
      t.equal(await ask(target, token), status, name);
      server.reload(await policyOf(policyText()));
      t.equal(await ask(target, token), 200);
    }
  },
);

t.test('C8 words that objects answer to by themselves are words', async (t) => {
  for (const word of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
    t.equal(await ask('/api/x', signToken(key, { sub: word })), 200, `subject ${word}`);
    t.equal(await ask('/api/x', signToken(key, { iss: word })), 401, `issuer ${word}`);
    t.equal(await ask('/api/x', signToken(key, {}, { kid: word })), 401, `key ${word}`);
    t.equal(await ask('/api/x', signToken(key, {}, { alg: word })), 401, `algorithm ${word}`);
    t.equal(await ask('/admin/x', signToken(key, { [word]: 'admin', scope: word })), 403, `claim ${word}`);
    t.equal(await ask('/api/x', word), 401, `token ${word}`);
    t.equal(await ask(`/${word}/x`, signToken(key)), 404, `path ${word}`);
  }
  t.equal(Object.hasOwn(Object.prototype, 'admin'), false);
});

/** Who must get what whatever policy is in force, in either of those that take turns. */
const ALWAYS: readonly (readonly [target: string, token: string | undefined, status: number])[] = [
  ['/api/x', undefined, 401],
  ['/api/x', signToken(key), 200],
  ['/api/x', signToken(other), 401],
  ['/admin/x', signToken(key, { scope: 'read' }), 403],
  ['/admin/x', signToken(key, { scope: 'admin root' }), 200],
  ['/twin/x', signToken(key), 401],
  ['/twin/x', signToken(third, { iss: 'https://twin.test' }), 200],
  ['/public/x', undefined, 200],
  ['/nowhere', undefined, 401],
  ['/nowhere', signToken(key), 404],
  ['/public/../admin/x', signToken(key), 400],
];

t.test('C10 100 reloads under load: no wrong decision, and none that is missing', async (t) => {
  const RELOADS = 100;
  const policies = [policyText({ scope: 'root' }), policyText()] as const;
  const onlyAdmin = signToken(key, { scope: 'admin' });
  let reloading = true;
  const wrong: string[] = [];
  let answered = 0;
  const load = async (offset: number): Promise<void> => {
    let connection = await openConnection(port);
    for (let turn = offset; reloading; turn += 1) {
      const [target, token, status] = ALWAYS[turn % ALWAYS.length] ?? ['/public/x', undefined, 200];
      connection.write(requestBytes({ target, ...(token !== undefined && { token }) }));
      const response = await connection.response();
      answered += 1;
      if (response.status !== status) wrong.push(`${target}: ${response.status} for ${status}`);
      if (response.get('connection') === 'close') {
        connection.destroy();
        connection = await openConnection(port);
      }
    }
    connection.destroy();
  };
  const callers = Array.from({ length: 16 }, (_, index) => load(index));
  for (let turn = 0; turn < RELOADS; turn += 1) {
    const policy = await policyOf(policies[turn % 2] ?? '');
    server.reload(policy);
    // Whoever comes after the reload is judged by it.
    const status = await ask('/admin/x', onlyAdmin);
    if (status !== (turn % 2 === 0 ? 403 : 200)) wrong.push(`after reload ${turn}: ${status}`);
    await nextTurn();
  }
  reloading = false;
  await Promise.all(callers);
  t.strictSame(wrong, []);
  t.ok(answered > 10 * RELOADS, `${answered} requests meanwhile`);
  t.strictSame(
    log.lines.filter(({ message }) => message === 'internal failure'),
    [],
  );
});

/** Files that must be no policy; the message is on its line, and holds nothing of a variable. */
const BROKEN: [name: string, text: string, code: RegExp][] = [
  ['C9 nothing', '\n', /empty|wrong_type|missing/],
  ['C9 a comment only', '# nothing\n', /empty|wrong_type|missing/],
  ['C9 a duplicate key', completed('realm: a\nrealm: b'), /duplicate/],
  ['C9 a duplicate route key', completed('routes: [{path: /a, path: /b}]'), /duplicate/],
  [
    'C9 a bomb of aliases',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.replace(/./g, (name, at: number) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[at]}`).join()}]\n`)}`,
    /alias|unknown_key|yaml/,
  ],
  ['C9 an alias of nothing', completed('realm: *nothing'), /alias|yaml/],
  ['C9 a merge key', completed('defaults: {<<: {auth: none}}'), /merge|yaml/],
  ['C9 a tag', completed('realm: !!js/function "x"'), /tag|yaml/],
  ['C9 a tab for indentation', completed('limits:\n\tqueue: 1'), /yaml|tab/],
  ['C9 an unknown key', completed('allow_all: true'), /unknown_key/],
  ['C9 an unknown key of a route', completed('routes: [{path: /a, requires: {scopes: x}}]'), /unknown_key/],
  ['C9 yes for none', completed('routes: [{path: /a, auth: yes}]'), /type|choice|word|value/],
  ['C9 off for required', completed('routes: [{path: /a, auth: off}]'), /type|choice|word|value/],
  ['C9 a number where a size is asked', completed('limits: {token_bytes: 16384}'), /./],
  ['C9 two documents', `${completed('')}\n---\nroutes: []\n`, /document|yaml/],
  ['C9 no routes', 'upstream: http://127.0.0.1:3000\nroutes: []\n', /./],
  ['C9 an empty audience', completed('issuers: {corp: {issuer: "https://a.test", audience: []}}'), /./],
  ['C9 no audience', completed('issuers: {corp: {issuer: "https://a.test"}}'), /./],
  [
    'C9 no algorithms',
    completed('issuers: {corp: {issuer: "https://a.test", audience: x, algorithms: []}}'),
    /./,
  ],
  [
    'C9 the algorithm none',
    completed('issuers: {corp: {issuer: "https://a.test", audience: x, algorithms: [none]}}'),
    /./,
  ],
  [
    'C9 keys over http',
    completed('issuers: {corp: {issuer: "https://a.test", audience: x, jwks_uri: "http://a.test/keys"}}'),
    /insecure_key_source/,
  ],
  [
    'C9 D11 a pattern that is no RE2',
    completed('routes: [{path: /a, require: {when: \'claims.x.matches("(a)\\\\1")\'}}]'),
    /./,
  ],
  ['C9 D11 a pattern in a path', completed('routes: [{path: "/a/(x|y)+"}, {path: "/a/*.json"}]'), /./],
  ['C9 a scope that is empty', completed('routes: [{path: /a, require: {scopes: [""]}}]'), /./],
  ['C9 a requirement without value', completed('routes: [{path: /a, require: {scopes: }}]'), /./],
  [
    'C9 an expression that YAML eats',
    completed('routes: [{path: /a, require: {when: !has(claims.x)}}]'),
    /./,
  ],
  ['C12 two routes alike', completed('routes: [{path: /a/**}, {path: /a/**, auth: none}]'), /./],
  [
    'C12 two routes that cross',
    completed('routes: [{path: "/a/{x}/c"}, {path: "/a/b/{y}", auth: none}]'),
    /cross/,
  ],
  [
    'C12 two routes of one method',
    completed('routes: [{path: /a, methods: GET}, {path: /a, methods: [GET, PUT], auth: none}]'),
    /./,
  ],
  ['C13 an issuer that is gone', completed('accept: [gone]'), /./],
  ['C13 an issuer of a route that is gone', completed('routes: [{path: /a, accept: [corp, gone]}]'), /./],
  [
    'C13 an upstream that is gone',
    completed('upstreams: {a: "http://a.test"}\nroutes: [{path: /a, upstream: b}]'),
    /./,
  ],
  [
    'C13 two issuers, and none is named',
    completed(
      'issuers: {a: {issuer: "https://a.test", audience: x}, b: {issuer: "https://b.test", audience: x}}',
    ),
    /./,
  ],
];
for (const [name, text, code] of BROKEN) {
  t.test(`${name} is no policy`, async (t) => {
    const loaded = await load(text, { text, environment: { SECRET: 'canary-of-the-environment' } });
    if (loaded.ok) {
      t.fail('taken');
      return;
    }
    t.ok(loaded.problems.length > 0);
    for (const problem of loaded.problems)
      t.match(formatProblem(problem), /^\/policy\/sallyport\.yaml:\d+:\d+ /);
    t.ok(
      loaded.problems.some((problem) => code.test(problem.code)),
      loaded.problems.map(formatProblem).join('\n'),
    );
  });
}

t.test('C9 10 MB are refused or read, and never for long', async (t) => {
  const text = completed(`realm: "${'x'.repeat(10 * 1024 * 1024)}"`);
  const loaded = await load(text, { text });
  t.equal(loaded.ok, false);
});

t.test('C9 a byte order mark is no part of the first key', async (t) => {
  const text = `\uFEFF${completed('realm: api')}`;
  const loaded = await load(text, { text });
  t.ok(!loaded.ok || loaded.policy.realm === 'api');
});

t.test('C11 a variable is in no message, wherever it does not fit', async (t) => {
  const secret = 'canary-of-the-environment';
  const places = [
    'realm: [$V]',
    'listen: $V',
    'accept: [$V]',
    'upstream: $V',
    'public_url: $V',
    'trusted_proxies: $V',
    'limits: {queue: $V}',
    'timeouts: {idle: $V}',
    'log: {level: $V}',
    'csrf: {origins: $V}',
    'errors: {format: $V}',
    'token_sources: [$V]',
    'issuers: {corp: {issuer: $V, audience: x, jwks_uri: $V}}',
    'issuers: {corp: {issuer: "https://a.test", audience: x, algorithms: $V, leeway: $V}}',
    'issuers: {corp: {issuer: "https://a.test", audience: x, secret: $V, algorithms: HS512}}',
    'api_keys: {m: {keys: [{id: a, sha256: $V, expires: $V}]}}',
    'basic: {m: {users: [{username: a, password_hash: $V}]}}',
    'routes: [{path: $V, methods: $V, auth: $V}]',
    'routes: [{path: /a, require: {when: $V}}]',
    'routes: [{path: /a, rewrite: {path: $V}}]',
  ];
  for (const place of places) {
    const text = completed(place.replaceAll('$V', `"$\{env:SECRET}"`));
    const loaded = await load(text, { text, environment: { SECRET: `${secret} "x` } });
    if (loaded.ok) {
      t.fail(`taken: ${place}`);
      return;
    }
    t.notMatch(loaded.problems.map(formatProblem).join('\n'), secret, place);
  }
});
