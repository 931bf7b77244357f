/** Whole policies: what good ones become, and what is said of broken files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadPolicy } from '../../src/policy/load-policy.ts';
import type { Policy, Route } from '../../src/policy/policy.ts';
import { formatProblem } from '../../src/policy/problem.ts';
import { fingerprintOf } from '../../src/policy/watch-files.ts';
import { LOAD_TIME, load, loadGood } from '../fixtures/load.ts';

const hash = 'ab'.repeat(32);
const two =
  'issuers: {a: {issuer: "https://a.example", audience: x}, b: {issuer: "https://b.example", audience: x}}';
const machines = `api_keys: {machines: {keys: [{id: ci, sha256: ${hash}}]}}`;
/** As a file writes a variable. */
const variable = (name: string) => `$\{${name}}`;
const first = (policy: Policy): Route => policy.routes[0] ?? ({} as never);

/** What is written, and what it becomes. */
const good: readonly (readonly [string, (policy: Policy) => unknown, unknown])[] = [
  [
    '',
    (policy) => first(policy).accept,
    {
      sources: ['corp'],
      issuers: ['corp'],
      apiKeySets: [],
      userLists: [],
      tokenSources: [{ in: 'authorization', issuers: null }],
      keyHeaders: [],
      challenges: ['Bearer'],
    },
  ],
  ['', (policy) => policy.issuers[0]?.keys, { from: 'discovery', url: null }],
  ['', (policy) => policy.unmatched.accept === first(policy).accept, true],
  [
    '',
    (policy) => [...policy.identity.strip],
    ['x-auth-subject', 'x-auth-issuer', 'x-auth-client', 'x-auth-scopes', 'x-auth-roles'],
  ],
  [
    '',
    (policy) => policy.identity.headers.map(({ name, join }) => name + join),
    ['X-Auth-Subject,', 'X-Auth-Issuer,', 'X-Auth-Client,', 'X-Auth-Scopes ', 'X-Auth-Roles,'],
  ],
  [
    'listen: [":80", "unix:/run/x"]\nadmin: none',
    ({ listen, admin }) => [listen, admin],
    [
      [
        { kind: 'tcp', host: '', port: 80 },
        { kind: 'unix', path: '/run/x' },
      ],
      null,
    ],
  ],
  ['listen: [":0", ":0"]', ({ listen }) => listen.length, 2],
  [
    'admin: {address: ":9901", token: abc, hosts: GW.internal}',
    ({ admin }) => [admin?.hosts, admin?.tokenHash?.toString('hex')],
    [['gw.internal'], fingerprintOf('abc')],
  ],
  ['csrf: {}', ({ csrfOrigins }) => [...csrfOrigins], []],
  [
    'csrf: {origins: ["https://app.example", "http://localhost:3000"]}',
    ({ csrfOrigins }) => [...csrfOrigins],
    ['https://app.example', 'http://localhost:3000'],
  ],
  ['public_url: HTTPS://API.example.com:443/', ({ publicUrl }) => publicUrl, 'https://api.example.com'],
  [
    'trusted_proxies: [10.0.0.0/8, "::1"]',
    ({ trustedProxies: list }) => [list.check('10.9.9.9'), list.check('::1', 'ipv6'), list.check('11.0.0.1')],
    [true, true, false],
  ],
  ['log: {allowed: none}', ({ log }) => log.allowedEvery, 0],
  ['log: {allowed: 1/50}', ({ log }) => log.allowedEvery, 50],
  [
    'upstream: [http://a, "http://b:81"]',
    ({ upstreams }) => upstreams.get('default')?.targets.map(({ origin }) => origin),
    ['http://a', 'http://b:81'],
  ],
  [
    'upstreams: {default: "http://a", b: {url: "http://b", host: upstream}}',
    ({ upstreams }) => [...upstreams.values()].map(({ host }) => host),
    ['client', 'upstream'],
  ],
  [
    'upstream: {url: "http://a", host: orders.internal:81}',
    ({ upstreams }) => upstreams.get('default')?.host,
    { literal: 'orders.internal:81' },
  ],
  [
    'path_case: insensitive\nupstreams: {default: "http://a", b: {url: "http://b", path_case: sensitive}}',
    ({ upstreams }) => [...upstreams.values()].map(({ pathCase }) => pathCase),
    ['insensitive', 'sensitive'],
  ],
  [
    `issuers: {a: {issuer: "https://a", audience: x, secret: ${'s'.repeat(48)}}}`,
    ({ issuers }) => [issuers[0]?.algorithms, issuers[0]?.keys.from],
    [['HS256', 'HS384'], 'secret'],
  ],
  [
    'issuers: {a: {issuer: urn:a, audience: {claims: [/x/aud, aud], any_of: [y, z]}, jwks_uri: "https://k"}}',
    ({ issuers }) => issuers[0]?.audience,
    { claims: [['x', 'aud'], ['aud']], anyOf: ['y', 'z'] },
  ],
  [
    'issuers: {a: {issuer: "https://a", audience: {insecure_any: true}}}',
    ({ issuers }) => issuers[0]?.audience,
    { insecureAny: true },
  ],
  [
    'issuers: {a: {issuer: "https://a", audience: x, claims: {subject: none, roles: "cognito:groups"}}}',
    ({ issuers }) => [issuers[0]?.subject, issuers[0]?.roles],
    [[], [['cognito:groups']]],
  ],
  [
    'issuers: {a: {issuer: "https://a", audience: x, scope_implies: {admin: write, write: [read, admin]}}}',
    ({ issuers }) => [...(issuers[0]?.scopeImplies ?? [])],
    [
      ['admin', ['write']],
      ['write', ['read', 'admin']],
    ],
  ],
  [
    'issuers: {a: {issuer: "http://localhost:8080", audience: x}}',
    ({ issuers }) => issuers[0]?.insecureHttp,
    false,
  ],
  [
    'issuers: {a: {issuer: "https://x", audience: y, algorithms: RS256}, b: {issuer: "https://x", audience: z, algorithms: ES256}}\naccept: a',
    ({ issuers }) => issuers.length,
    2,
  ],
  [
    machines,
    ({ apiKeySets }) => apiKeySets[0]?.keys[0],
    {
      id: 'ci',
      sha256: Buffer.from(hash, 'hex'),
      subject: 'ci',
      scopes: [],
      roles: [],
      expires: Number.POSITIVE_INFINITY,
    },
  ],
  [
    machines,
    (policy) => first(policy).accept,
    {
      sources: ['machines'],
      issuers: [],
      apiKeySets: ['machines'],
      userLists: [],
      tokenSources: [],
      keyHeaders: ['x-api-key'],
      challenges: ['Bearer'],
    },
  ],
  [
    `${two}\n${machines}\naccept: [machines, b]`,
    (policy) => [first(policy).accept.sources, policy.unmatched.accept.sources],
    [
      ['b', 'machines'],
      ['a', 'b', 'machines'],
    ],
  ],
  [
    `${two}\naccept: [a, b]\ntoken_sources: [authorization, {header: X-Token, issuers: [a]}]\nroutes: [{path: /a, accept: b}]`,
    (policy) => first(policy).accept.tokenSources,
    [{ in: 'authorization', issuers: null }],
  ],
  [
    'routes: [{path: /a, auth: none}]\nissuers: {}',
    (policy) => [first(policy).accept.challenges, policy.unmatched.accept.challenges],
    [[], []],
  ],
  [
    'identity: {headers: {x-auth-roles: none, X-Tenant: {claim: /org/id, required: true}}, strip: [X_Old, "X-Proxy-*"]}',
    ({ identity }) => [
      identity.headers.length,
      identity.headers.at(-1),
      identity.strip.has('x-auth-roles'),
      identity.strip.has('x-old'),
      identity.stripPrefixes,
    ],
    [
      5,
      { name: 'X-Tenant', from: { claim: ['org', 'id'] }, join: ',', required: true },
      true,
      true,
      ['x-proxy-'],
    ],
  ],
  [
    'routes: [{path: [/a, "/b/{x}"], host: [A.example, "*.B.example"], methods: [GET]}]',
    ({ routes }) => routes.map(({ id, host, path }) => [id, host, path]),
    [
      ['GET a.example/a', 'a.example', '/a'],
      ['GET a.example/a', 'a.example', '/b/{x}'],
      ['GET a.example/a', '*.b.example', '/a'],
      ['GET a.example/a', '*.b.example', '/b/{x}'],
    ],
  ],
  [
    'routes: [{path: /a, methods: GET}, {path: /a, methods: [HEAD, POST]}]',
    ({ tree }) => [...(tree.find('', ['a'])?.place.byMethod.keys() ?? [])],
    ['GET', 'HEAD', 'POST'],
  ],
  [
    'routes: [{path: /a, idle_timeout: 5m}, {path: /b}]',
    ({ routes }) =>
      routes.map(({ idleTimeout, idleTimeoutBindsStreams }) => [idleTimeout, idleTimeoutBindsStreams]),
    [
      [300_000, true],
      [60_000, false],
    ],
  ],
  [
    'limits: {body_bytes: 1MiB}\nroutes: [{path: /a, body_bytes: none}, {path: /b}]',
    ({ routes }) => routes.map(({ bodyBytes }) => bodyBytes),
    [Number.POSITIVE_INFINITY, 1_048_576],
  ],
  [
    'routes: [{path: /a, rewrite: {strip_prefix: /a, add_prefix: "/v 1/"}}]',
    (policy) => first(policy).rewrite,
    { kind: 'prefix', strip: 1, add: '/v%201' },
  ],
  [
    'routes: [{path: "/{t}/a/**", rewrite: {strip_prefix: "/{t}/a"}}]',
    (policy) => first(policy).rewrite,
    { kind: 'prefix', strip: 2, add: '' },
  ],
  [
    'routes: [{path: "/a/{t}/{rest...}", rewrite: {path: "/f/{t}/x/{rest...}"}}]',
    (policy) => first(policy).rewrite,
    { kind: 'template', parts: ['/f/', { parameter: 't' }, '/x/', { parameter: 'rest' }] },
  ],
  [
    'routes: [{path: "/a/{t}", rewrite: {path: "/{t}/b"}}]',
    (policy) => first(policy).rewrite,
    { kind: 'template', parts: ['/', { parameter: 't' }, '/b'] },
  ],
  [
    'routes: [{path: "/a/{t}", rewrite: {path: "/f/{t}"}}]',
    (policy) => first(policy).rewrite,
    { kind: 'template', parts: ['/f/', { parameter: 't' }] },
  ],
  [
    'identity: {headers: {X-Roles: {from: roles, join: ";"}, X-Scopes: {from: scopes}}}',
    ({ identity }) => identity.headers.slice(-2).map(({ from, join }) => [from, join]),
    [
      [{ field: 'roles' }, ';'],
      [{ field: 'scopes' }, ' '],
    ],
  ],
  [
    'routes: [{path: "/a/{t}", rewrite: {path: /}}]',
    (policy) => first(policy).rewrite,
    { kind: 'template', parts: ['/'] },
  ],
  [
    'defaults: {require: {scopes: a}, on_forbidden: 404, accept: corp}\nroutes: [{path: /a}, {path: /b, require: none, on_forbidden: 403}, {path: /c, auth: none}]',
    ({ routes }) => routes.map(({ require, onForbidden }) => [require.scopes, onForbidden]),
    [
      [['a'], 404],
      [[], 403],
      [[], 404],
    ],
  ],
  [
    'routes: [{path: /a, auth: optional, require: {when: anonymous}}]',
    (policy) => first(policy).require.when?.source,
    'anonymous',
  ],
  [
    'routes: [{path: /a, forward_headers: [X_HTTP_Method]}]',
    (policy) => [...first(policy).forwardHeaders],
    ['x-http-method'],
  ],
  [
    'routes: [{path: /a, require: {claims: {a: true, /b/c: {in: [1, x]}}}}]',
    (policy) => first(policy).require.claims,
    [
      { name: 'a', path: ['a'], matchers: [{ op: 'equals', value: true }] },
      { name: '/b/c', path: ['b', 'c'], matchers: [{ op: 'in', values: [1, 'x'] }] },
    ],
  ],
  [
    'routes: [{path: "/a/{x}/c"}, {path: "/a/b/{y}"}, {path: /a/b/c}]',
    ({ tree }) => tree.find('', ['a', 'b', 'c'])?.place.path,
    '/a/b/c',
  ],
];

t.test('a good policy becomes what the server runs', async (t) => {
  for (const [text, part, expected] of good) t.strictSame(part(await loadGood(text)), expected, text);
});

t.test('an issuer of the development kind is for development only', async (t) => {
  const text = 'issuers: {dev: {issuer: "http://127.0.0.1:9000/sallyport-development", audience: x}}';
  t.match(await load(text), { ok: false, problems: [{ code: 'development_issuer' }] });
  t.equal((await load(text, { development: true })).ok, true);
});

t.test('the command line wins over the file, and is named in problems', async (t) => {
  const overrides = {
    listen: { value: '127.0.0.1:1', from: '--listen' },
    admin: { value: 'none', from: 'SALLYPORT_ADMIN' },
    upstream: { value: 'http://u', from: '--upstream' },
  };
  const policy = await loadGood('listen: ":80"', { overrides });
  t.match(policy, { listen: [{ port: 1 }], admin: null });
  t.equal(policy.upstreams.get('default')?.targets[0]?.origin, 'http://u');
  const refused = await load('', { overrides: { upstream: { value: 'nowhere', from: '--upstream' } } });
  t.match(refused, { ok: false, problems: [{ code: 'invalid_upstream_url', file: '--upstream', line: 0 }] });
});

t.test('detached, what is not known yet is no problem, and what is wrong still is', async (t) => {
  const text = [
    `upstream: ${variable('UPSTREAM')}`,
    'issuers:',
    `  corp: {issuer: "${variable('ISSUER')}", audience: "${variable('AUDIENCE')}"}`,
    '  shared: {issuer: "https://s", audience: x, secret_file: /nowhere/secret, algorithms: HS256}',
    '  fixed: {issuer: urn:s, audience: x, jwks_file: /nowhere/jwks.json}',
    'accept: corp',
  ].join('\n');
  const detached = await load(text, { detached: true });
  t.strictSame(detached.ok ? [] : detached.problems, []);
  t.equal((await load(text)).ok, false);
  t.match(await load(`${text}\nroutes: [{path: /a, accept: crop}]`, { detached: true }), {
    ok: false,
    problems: [{ code: 'unknown_source' }],
  });
});

t.test('files are read beside the policy, and all that was read can be watched', async (t) => {
  const directory = t.testdir({
    'p.yaml': [
      'upstream: http://a',
      'issuers: {corp: {issuer: "https://a", audience: x, secret_file: secret.txt}}',
      'api_keys: {m: {keys_file: keys.yaml}}',
      'accept: [corp, m]',
      'routes: [{path: /**}]',
    ].join('\n'),
    'secret.txt': `${'s'.repeat(32)}\n`,
    'keys.yaml': `- {id: a, sha256: ${hash}}\n- {id: a, sha256: ${'1c'.repeat(32)}}\n`,
  });
  const file = join(directory, 'p.yaml');
  const options = { file, environment: {}, readFile: readFileSync, now: LOAD_TIME };
  const refused = await loadPolicy(options);
  if (refused.ok) throw new Error('must be refused');
  t.match(refused.problems, [{ file: join(directory, 'keys.yaml'), line: 2, code: 'duplicate_key_id' }]);
  const names = ['p.yaml', 'secret.txt', 'keys.yaml'].map((name) => join(directory, name));
  t.strictSame([...refused.fingerprints.keys()].sort(), names.toSorted());
  t.equal(refused.fingerprints.get(file), fingerprintOf(readFileSync(file)));
  const missing = await loadPolicy({ ...options, file: join(directory, 'none.yaml') });
  t.match(missing, { ok: false, problems: [{ code: 'unreadable_file' }] });
  t.strictSame([...missing.fingerprints], [[join(directory, 'none.yaml'), '']]);
});

t.test('ten broken files: every fault is named with its place', async (t) => {
  for (const [text, ...expected] of broken) {
    const loaded = await load(text);
    const lines = loaded.ok ? [] : loaded.problems.map(formatProblem);
    t.equal(lines.length, expected.length, `${text}\n${lines.join('\n')}`);
    for (const [index, start] of expected.entries()) {
      t.equal(lines[index]?.slice(0, start.length), start, text);
      t.match(lines[index], /^\/policy\/sallyport\.yaml:\d+:\d+ {2}.* {2}\([a-z_]+\)$/);
    }
  }
});

const at = '/policy/sallyport.yaml:';
const broken: readonly (readonly [string, ...string[]])[] = [
  [
    'issuers:\n  corp:\n    issuer: https://a.example\n    audiance: x\n',
    `${at}4:5  issuers.corp.audiance  `,
  ],
  ['routes:\n  - path: /a\n    require: {scopes: [a], when: }\n', `${at}3:`],
  [
    'routes:\n  - path: /a\n  - path: /a\n    methods: [POST]\n    upstream: order\nupstreams:\n  orders: http://a\n  default: http://b\n',
    `${at}5:15  routes[1].upstream  no upstream is called "order"; did you mean "orders"?`,
  ],
  ['listen: 8080\nroutes:\n  - path: a\n', `${at}1:9  listen  `, `${at}3:11  routes[0].path`],
  [
    `upstream: ${variable('UPSTREAM')}\nroutes:\n  - path: /**\n    auth: sometimes\n`,
    `${at}1:11  upstream  `,
    `${at}4:11  routes[0].auth  `,
  ],
  ['routes:\n  - path: /**\n  path: /a\n', `${at}3:`],
  [
    'issuers:\n  corp:\n    issuer: http://login.example.com\n    audience: x\n    leeway: 30\n',
    `${at}3:13  issuers.corp.issuer  is plain http`,
    `${at}5:13  issuers.corp.leeway  `,
  ],
  [
    'routes:\n  - path: /orders/{id}\n    require:\n      when: path.order == claims.order\n',
    `${at}4:13  routes[0].require.when  `,
  ],
  [
    'routes:\n  - path: /a/{x}/c\n    methods: [GET]\n  - path: /a/b/{y}\n    methods: [POST]\nrealm: "a\\"b"\n',
    `${at}4:11  routes[1].path  `,
    `${at}6:8  realm  `,
  ],
  ['workers: 4\nmode: report\nrealm: api\nrealm: web\n', `${at}1:`, `${at}2:`, `${at}4:`],
];

t.test('no change to a file makes loading fail otherwise than by a problem with a place', async (t) => {
  const text = [
    'listen: ["127.0.0.1:8080"]\nadmin: {address: "127.0.0.1:9901", token: abc}\ntrusted_proxies: [10.0.0.0/8, "fd00::/8"]',
    'upstreams: {default: {url: "http://127.0.0.1:3000", host: upstream, path_case: insensitive}}',
    'issuers:\n  corp: {issuer: "https://a", audience: {any_of: [x], claims: [aud]}, algorithms: [RS256], require_claims: {a: {in: [1]}}}',
    `  fixed: {issuer: "https://b", audience: x, jwks: {keys: [{kty: OKP, crv: Ed25519, x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}`,
    `api_keys: {m: {header: X-Key, keys: [{id: a, sha256: ${hash}, expires: 2027-01-01}]}}`,
    'accept: [corp, m]\nidentity: {headers: {X-E: {claim: /a/b}}, strip: ["X-Old-*"]}',
    'routes:\n  - {path: "/a/{id}", host: "*.example.com", methods: [GET], require: {scopes: [a], when: "path.id == subject"}, rewrite: {path: "/{id}"}}',
    '  - {path: /**, auth: optional, rewrite: {strip_prefix: /}}\n',
  ].join('\n');
  const words = [
    '',
    ' ',
    '5',
    '-1',
    'none',
    'null',
    '""',
    '[]',
    '{}',
    '[[]]',
    '{a: {b: c}}',
    '/',
    '*',
    '"\\u0000"',
    'é',
    '"%"',
    '9e99',
    '!x',
    ':',
  ];
  const tokens = text.split(/(?<=[[\]{},: \n])|(?=[[\]{},: \n])/);
  await loadGood(text);
  let refused = 0;
  for (const [index] of tokens.entries()) {
    const word = words[(index * 7) % words.length] ?? '';
    const changed = tokens.with(index, word).join('');
    const loaded = await load(changed);
    if (loaded.ok) continue;
    refused += 1;
    const isPlaced = loaded.problems.every(
      ({ line, message }) => line > 0 && message.length > 10 && message.length < 600,
    );
    if (!isPlaced || loaded.problems.length === 0) t.fail(changed);
  }
  t.ok(refused > tokens.length / 3, `${refused} of ${tokens.length} changes were refused`);
});
