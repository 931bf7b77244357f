/** What an upstream is told: which of the caller's headers reach it, and what is said in their place. */
import { BlockList } from 'node:net';
import t from 'tap';
import type { Policy, Route } from '../../src/policy/policy.ts';
import type { ForwardPlan } from '../../src/upstream/forward-plan.ts';
import { createRequestHeaderRules, requestHeaders } from '../../src/upstream/request-headers.ts';
import type { WireRequest } from '../../src/wire/wire-request.ts';
import { accepting, request } from '../fixtures/caller.ts';
import { planFixture, policyFixture } from '../fixtures/forwarding.ts';
import { routeFixture, upstreamFixture } from '../fixtures/route.ts';

interface Case {
  readonly sent: readonly string[];
  readonly route?: Partial<Route>;
  readonly policy?: Partial<Policy>;
  readonly plan?: Partial<ForwardPlan>;
  readonly wire?: Partial<WireRequest>;
}

/** The list as pairs of lower-case name and value. */
function told({
  sent,
  route: routeParts = {},
  policy,
  plan,
  wire: wireParts = {},
}: Case): [string, string][] {
  const route = routeFixture({ path: '/**', ...routeParts });
  const rules = createRequestHeaderRules(policyFixture(route, policy));
  const list = requestHeaders(
    rules,
    planFixture(request(sent, wireParts), route, {
      target: '/orders/7',
      requestId: 'ours',
      peer: '192.0.2.1',
      leftToOthers: () => t.fail('not called'),
      refused: () => t.fail('not called'),
      done: () => t.fail('not called'),
      ...plan,
    }),
    'upstream.internal:3000',
  );
  t.equal(list.length % 2, 0);
  return Array.from({ length: list.length / 2 }, (_, i) => [
    (list[2 * i] ?? '').toLowerCase(),
    list[2 * i + 1] ?? '',
  ]);
}
const OURS = new Set([
  'host',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'via',
  'x-request-id',
]);
/** What is there besides the fields that are always ours. */
const rest = (test: Case) => told(test).filter(([name]) => !OURS.has(name));
const valuesOf = (pairs: readonly (readonly [string, string])[], wanted: string) =>
  pairs.filter(([name]) => name === wanted).map(([, value]) => value);

t.test('ordinary headers pass as sent, in order, repeated ones repeated', async (t) => {
  const sent = [
    'User-Agent',
    'curl',
    'Accept',
    'a',
    'ACCEPT',
    'b',
    'Cookie',
    'x=1',
    'x_custom',
    'c',
    'X-\u007e',
    '\xe9\t!',
  ];
  t.strictSame(rest({ sent }), [
    ['user-agent', 'curl'],
    ['accept', 'a'],
    ['accept', 'b'],
    ['cookie', 'x=1'],
    ['x_custom', 'c'],
    ['x-~', '\xe9\t!'],
  ]);
});

t.test('headers that are removed on every route', async (t) => {
  const policy: Partial<Policy> = {
    identity: {
      headers: [{ name: 'X-Tenant', from: { claim: ['org'] }, join: ',', required: false }],
      strip: new Set(['remote-groups']),
      stripPrefixes: ['x-corp-'],
      encoding: 'percent',
    },
  };
  const names = [
    ...[
      'X-Auth-Subject',
      'x-AUTH-subject',
      'X_Auth_Subject',
      'X.Auth.Subject',
      'X~Auth~Subject',
      'x-auth-anything',
    ],
    ...['X-User', 'X_User', 'X-Remote-User', 'Remote-User', 'Remote_User'],
    ...['X-Forwarded-User', 'X-Forwarded-Email', 'X-Forwarded-Groups', 'X-Forwarded-Preferred-Username'],
    ...['X-Tenant', 'X_Tenant', 'Remote-Groups', 'REMOTE.GROUPS', 'X-Corp-Role', 'X_Corp_Role'],
    ...['X-Original-URL', 'X-Original-URI', 'X-Rewrite-URL', 'X_Rewrite_URL', 'X-Accel-Redirect'],
    ...['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X_HTTP_Method_Override'],
    ...[
      'Connection',
      'Keep-Alive',
      'Proxy-Connection',
      'TE',
      'Trailer',
      'Transfer-Encoding',
      'Upgrade',
      'HTTP2-Settings',
    ],
    ...[
      'Proxy-Authorization',
      'Proxy-Authenticate',
      'Authorization',
      'DPoP',
      'Expect',
      'Content_Length',
      'Transfer_Encoding',
    ],
    ...['X-Request_Id', 'X_Forwarded_For', 'x.real.ip'],
  ];
  for (const name of names) {
    for (const route of [{}, { auth: 'none' as const }, { forwardCredential: false }]) {
      t.strictSame(
        rest({ sent: [name, 'root', name, 'root'], policy, route }),
        [],
        `G01 G02 H1-H4 H14 H15 H30 ${name}`,
      );
    }
  }
});

t.test('G03 H8 identity is said last, whatever Connection names', async (t) => {
  const identity = ['X-Auth-Subject', 'u1', 'X-Auth-Roles', 'a,b'];
  const sent = [
    'Connection',
    'x-auth-subject',
    'X-Auth-Subject',
    'root',
    'Connection',
    'X-Auth-Roles ,',
    'A',
    'b',
  ];
  const pairs = told({ sent, plan: { identity } });
  t.strictSame(pairs.slice(-2), [
    ['x-auth-subject', 'u1'],
    ['x-auth-roles', 'a,b'],
  ]);
  t.strictSame(valuesOf(pairs, 'x-auth-subject'), ['u1']);
  t.strictSame(rest({ sent }), [['a', 'b']], 'an anonymous caller has none');
});

t.test('G04 H9-H11 what Connection names', async (t) => {
  const sent = (value: string) => ['X-A', '1', 'Connection', value, 'X-B', '2', 'Content-Type', 't'];
  t.strictSame(rest({ sent: sent('keep-alive, X-A ,x-b') }), [['content-type', 't']]);
  t.strictSame(rest({ sent: ['X-A', '1', 'Connection', 'close', 'Connection', 'x-a'] }), []);
  const wire = { body: 'length', contentLength: 3 } as const;
  const all =
    'host, content-length, content-type, x-forwarded-for, x-request-id, __proto__, transfer-encoding';
  const pairs = told({ sent: sent(all), wire });
  t.strictSame(valuesOf(pairs, 'content-length'), ['3']);
  t.strictSame(valuesOf(pairs, 'content-type'), ['t'], 'what a message cannot do without stays');
  t.strictSame(valuesOf(pairs, 'x-forwarded-for'), ['192.0.2.1']);
  t.strictSame(valuesOf(pairs, 'host'), ['api.example.com']);
  const many = Array.from({ length: 5000 }, (_, i) => `t${i}`).join();
  t.equal(rest({ sent: sent(many) }).length, 3);
});

t.test('H28 names of the language are names like any other', async (t) => {
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
    t.strictSame(rest({ sent: [name, 'x'] }), [[name.toLowerCase(), 'x']]);
  }
});

t.test('dangerous headers pass where the route names them, and only under their own name', async (t) => {
  const route = { forwardHeaders: new Set(['x-http-method-override']) };
  const sent = ['X-HTTP-Method-Override', 'PUT', 'X_HTTP_Method_Override', 'PUT', 'X-Rewrite-URL', '/'];
  t.strictSame(rest({ sent, route }), [['x-http-method-override', 'PUT']]);
});

t.test('G16 credentials pass where the route forwards them, from the places that it reads', async (t) => {
  const sent = [
    'Authorization',
    'Bearer t',
    'X-API-Key',
    'k',
    'X-Token',
    't',
    'X_API_Key',
    'k',
    'Proxy-Authorization',
    'p',
  ];
  const other = routeFixture({
    path: '/other',
    accept: accepting({
      keyHeaders: ['x-api-key'],
      tokenSources: [{ in: 'header', name: 'x-token', issuers: null, padded: false }],
    }),
  });
  const policy = { unmatched: { accept: other.accept, cors: null, resource: null, status: 404 as const } };
  const names = (route: Partial<Route>) => rest({ sent, route, policy }).map(([name]) => name);
  t.strictSame(names({}), [], 'carriers of other routes are removed too');
  t.strictSame(names({ forwardCredential: true }), ['authorization']);
  t.strictSame(names({ forwardCredential: true, accept: other.accept }), ['x-api-key', 'x-token']);
  const keys = accepting({ apiKeySets: ['machines'], keyHeaders: ['x-api-key'], tokenSources: [] });
  t.strictSame(names({ forwardCredential: true, accept: keys }), ['authorization', 'x-api-key']);
  const all = ['authorization', 'x-api-key', 'x-token'];
  t.strictSame(
    names({ forwardCredential: true, auth: 'none' }),
    all,
    'where nothing is judged, nothing is withheld',
  );
});

t.test('H29 T7 Host', async (t) => {
  const host = (upstream: Parameters<typeof upstreamFixture>[0], wire = {}) =>
    told({ sent: ['Host', 'evil'], route: { upstream: upstreamFixture(upstream) }, wire })[0];
  t.strictSame(host({ host: 'client' }), ['host', 'api.example.com']);
  t.strictSame(host({ host: 'client' }, { authority: '' }), ['host', 'upstream.internal:3000']);
  t.strictSame(host({ host: 'upstream' }), ['host', 'upstream.internal:3000']);
  t.strictSame(host({ host: { literal: 'x' } }), ['host', 'x']);
});

t.test('R20 the length of the body is said once, and only when there is one', async (t) => {
  const lengths = (wire: Partial<WireRequest>) =>
    valuesOf(told({ sent: ['content-length', '3'], wire }), 'content-length');
  t.strictSame(lengths({ body: 'length', contentLength: 3 }), ['3']);
  t.strictSame(lengths({ body: 'length', contentLength: 0 }), []);
  t.strictSame(lengths({ body: 'chunked', contentLength: -1 }), []);
});

const BEFORE = [
  ...['X-Forwarded-For', '203.0.113.7', 'X-Forwarded-For', '10.0.0.1', 'X-Forwarded-Host', 'public.example'],
  ...[
    'X-Forwarded-Proto',
    'https',
    'X-Forwarded-Port',
    '443',
    'X-Forwarded-Prefix',
    '/v1',
    'Forwarded',
    'for=203.0.113.7',
  ],
  ...[
    'X-Real-IP',
    '203.0.113.7',
    'Via',
    '1.0 front',
    'True-Client-IP',
    'x',
    'CF-Connecting-IP',
    'x',
    'X-Request-Id',
    'theirs',
  ],
];

t.test('G07 H16-H18 H24 where a request came from', async (t) => {
  const OURS_ALONE = [
    ['x-forwarded-for', '192.0.2.1'],
    ['x-forwarded-proto', 'http'],
    ['x-forwarded-host', 'api.example.com'],
    ['via', '1.1 sallyport'],
    ['x-request-id', 'ours'],
  ];
  t.strictSame(told({ sent: BEFORE }).slice(1), OURS_ALONE, 'from anybody: replaced');
  t.strictSame(told({ sent: [] }).slice(1), OURS_ALONE);
  t.strictSame(
    told({ sent: BEFORE, plan: { trusted: true } }).slice(1),
    [
      ['x-forwarded-for', '203.0.113.7, 10.0.0.1, 192.0.2.1'],
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-host', 'public.example'],
      ['x-forwarded-prefix', '/v1'],
      ['x-forwarded-port', '443'],
      ['x-real-ip', '203.0.113.7'],
      ['true-client-ip', 'x'],
      ['cf-connecting-ip', 'x'],
      ['via', '1.0 front, 1.1 sallyport'],
      ['x-request-id', 'ours'],
    ],
    'from a trusted peer: appended to, and the form that we do not write is dropped',
  );
});

t.test('G08 the form is what the policy says', async (t) => {
  const forwarded = (
    mode: Policy['forwarded'],
    plan: Partial<ForwardPlan> = {},
    wire: Partial<WireRequest> = {},
  ) => told({ sent: BEFORE, policy: { forwarded: mode }, plan, wire }).slice(1, -1);
  t.strictSame(forwarded('none'), []);
  t.strictSame(forwarded('none', { trusted: true }), []);
  t.strictSame(forwarded('rfc7239'), [
    ['forwarded', 'for=192.0.2.1;proto=http;host=api.example.com'],
    ['via', '1.1 sallyport'],
  ]);
  t.strictSame(
    forwarded(
      'rfc7239',
      { trusted: true, encrypted: true, peer: '2001:db8::1' },
      { authority: 'a:8443', httpVersion: '1.0' },
    ),
    [
      ['forwarded', 'for=203.0.113.7, for="[2001:db8::1]";proto=https;host="a:8443"'],
      ['via', '1.0 front, 1.0 sallyport'],
    ],
  );
  t.strictSame(
    forwarded('both').map(([name]) => name),
    ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded', 'via'],
  );
  t.strictSame(forwarded('both', { peer: 'unix' }, { authority: '' }), [
    ['x-forwarded-proto', 'http'],
    ['forwarded', 'for=unknown;proto=http'],
    ['via', '1.1 sallyport'],
  ]);
});

t.test('H18 what a trusted peer tells is bounded and must have a form', async (t) => {
  const trusted = (sent: readonly string[], plan: Partial<ForwardPlan> = {}) =>
    told({ sent, plan: { trusted: true, ...plan } });
  const long = Array.from({ length: 500 }, (_, i) => `10.0.${i % 256}.1`).join(', ');
  const chain = valuesOf(trusted(['X-Forwarded-For', long]), 'x-forwarded-for')[0] ?? '';
  t.ok(chain.length < 2100);
  t.ok(chain.endsWith('10.0.243.1, 192.0.2.1'), 'the nearest hops are kept');
  t.match(chain, /^10\.0\.\d+\.1, /, 'and whole');
  for (const [name, value, expected] of [
    ['X-Forwarded-Proto', 'javascript', 'http'],
    ['X-Forwarded-Proto', 'https, http', 'https, http'],
    ['X-Forwarded-Proto', 'wss', 'https'],
    ['X-Forwarded-Proto', 'ws', 'http'],
    ['X-Forwarded-Proto', 'WSS,ws, HTTPS', 'https,http, https'],
    ['X-Forwarded-Proto', 'wsss', 'http'],
    ['X-Forwarded-Proto', 'https, ftp', 'http'],
    ['X-Forwarded-Host', 'a/evil', 'api.example.com'],
    ['X-Forwarded-Host', 'u@evil', 'api.example.com'],
    ['X-Forwarded-Host', '[::1]:80', '[::1]:80'],
  ] as const) {
    t.strictSame(valuesOf(trusted([name, value]), name.toLowerCase()), [expected]);
  }
  t.strictSame(valuesOf(trusted([], { peer: 'fe80::1%eth0' }), 'x-forwarded-for'), ['fe80::1']);
});

t.test('a prefix that is cut off is told', async (t) => {
  const prefix = (path: string, strip: number, sent: readonly string[] = [], trusted = false) =>
    valuesOf(
      told({
        sent,
        plan: { trusted },
        wire: { path },
        route: { rewrite: { kind: 'prefix', strip, add: '/v1' } },
      }),
      'x-forwarded-prefix',
    );
  t.strictSame(prefix('/orders/7', 1), ['/orders']);
  t.strictSame(prefix('/a/b/c', 2), ['/a/b']);
  t.strictSame(prefix('/orders', 1), ['/orders']);
  t.strictSame(prefix('/orders/', 1), ['/orders']);
  t.strictSame(prefix('/orders/7', 0), []);
  t.strictSame(prefix('/orders/7', 1, ['X-Forwarded-Prefix', '/evil']), ['/orders']);
  t.strictSame(prefix('/orders/7', 1, ['X-Forwarded-Prefix', '/front'], true), ['/front/orders']);
});

t.test('C7 names that callers invent are not remembered without end', async (t) => {
  const route = routeFixture({ path: '/**' });
  const rules = createRequestHeaderRules(policyFixture(route));
  const ofLength = (length: number) => 'x'.repeat(length);
  t.equal(
    entriesMade(() => rules.treatmentOf(ofLength(64))),
    1,
  );
  t.equal(
    entriesMade(() => rules.treatmentOf(ofLength(64))),
    0,
    'it is known',
  );
  t.equal(
    entriesMade(() => rules.treatmentOf(ofLength(65))),
    0,
    'too long',
  );
  const many = entriesMade(() => {
    for (let i = 0; i < 5000; i += 1) rules.treatmentOf(`x-n${i}`);
  });
  t.equal(many, 1023);
  t.equal(rules.treatmentOf('x_auth_late'), 'drop', 'and those that come late are judged all the same');
  t.equal(rules.treatmentOf('x-n0'), 'pass', 'as are those that are known');
});

/** How many entries maps get while something is done. */
function entriesMade(deed: () => unknown): number {
  const { set } = Map.prototype;
  let made = 0;
  Map.prototype.set = function (this: Map<unknown, unknown>, ...entry) {
    made += 1;
    return set.apply(this, entry);
  };
  try {
    deed();
  } finally {
    Map.prototype.set = set;
  }
  return made;
}

const embedding = accepting({
  tokenSources: [
    { in: 'cookie', name: 'session', issuers: null },
    { in: 'websocket_protocol', name: 'bearer', issuers: null },
  ],
});
const elsewhere = { unmatched: { accept: embedding, cors: null, resource: null, status: 404 as const } };

t.test('K14 a token cookie is cut on every route, its field goes when nothing is left', async (t) => {
  const sent = ['Cookie', 'a="1"; session=T;  b=\xe9', 'COOKIE', 'session=T', 'Accept', '*/*'];
  t.strictSame(rest({ sent, policy: elsewhere }), [
    ['cookie', 'a="1";  b=\xe9'],
    ['accept', '*/*'],
  ]);
  for (const route of [{ auth: 'none' as const }, { accept: embedding }]) {
    t.strictSame(rest({ sent: ['Cookie', 'session=T'], route, policy: elsewhere }), []);
  }
  const forwarding = { accept: embedding, forwardCredential: true };
  const kept = { sent: ['Cookie', 'session=T; a'], route: forwarding, policy: elsewhere };
  t.strictSame(rest({ ...kept, plan: { place: { in: 'cookie' } } }), [['cookie', 'session=T; a']]);
  t.strictSame(rest({ ...kept, plan: { place: { in: 'authorization' } } }), [['cookie', 'a']]);
});

t.test('WS04 a token among subprotocols is cut on every route, over all lines of the field', async (t) => {
  const sent = ['Sec-WebSocket-Protocol', 'chat, bearer', 'sec-websocket-protocol', 'T, other'];
  t.strictSame(rest({ sent, policy: elsewhere }), [['sec-websocket-protocol', 'chat, other']]);
  t.strictSame(rest({ sent: ['Sec-WebSocket-Protocol', 'bearer, T'], policy: elsewhere }), []);
  const twin = { sent: ['Sec_WebSocket_Protocol', 'bearer, T'] };
  t.strictSame(rest({ ...twin, policy: elsewhere }), []);
  t.strictSame(rest(twin), [['sec_websocket_protocol', 'bearer, T']], 'where none is read it is any field');
  t.strictSame(rest({ sent: ['Cookie', ''] }), [['cookie', '']], 'and so is Cookie');
  t.strictSame(rest({ sent: ['Sec-WebSocket-Protocol', 'bearer, T'] }), [
    ['sec-websocket-protocol', 'bearer, T'],
  ]);
});

/** What a trusted peer tells, and both forms of what the upstream is told. */
const BOTH: readonly (readonly [
  what: string,
  sent: readonly string[],
  x: readonly string[],
  forwarded: string,
])[] = [
  ['nothing', [], ['192.0.2.1', 'http', 'api.example.com'], 'for=192.0.2.1;proto=http;host=api.example.com'],
  [
    'a scheme',
    ['X-Forwarded-Proto', 'https'],
    ['192.0.2.1', 'https', 'api.example.com'],
    'for=192.0.2.1;proto=https;host=api.example.com',
  ],
  [
    'a scheme of WebSockets',
    ['X-Forwarded-Proto', 'wss'],
    ['192.0.2.1', 'https', 'api.example.com'],
    'for=192.0.2.1;proto=https;host=api.example.com',
  ],
  [
    'X-Forwarded-*',
    [
      ...['X-Forwarded-For', '2001:DB8::7, 10.0.0.1', 'X-Forwarded-Proto', 'https'],
      ...['X-Forwarded-Host', 'public.example:8443'],
    ],
    ['2001:DB8::7, 10.0.0.1, 192.0.2.1', 'https', 'public.example:8443'],
    'for="[2001:db8::7]";proto=https;host="public.example:8443", for=10.0.0.1;proto=https, for=192.0.2.1;proto=https;host="public.example:8443"',
  ],
  [
    'lists',
    ['X-Forwarded-For', '203.0.113.7, x', 'X-Forwarded-Proto', 'https, http', 'X-Forwarded-Host', 'a, b'],
    ['203.0.113.7, x, 192.0.2.1', 'https, http', 'a, b'],
    'for=203.0.113.7;proto=https;host=a, for=unknown;proto=http, for=192.0.2.1;proto=http;host=b',
  ],
  [
    'Forwarded',
    ['Forwarded', 'For="[2001:db8::7]:4711";Proto=HTTPS;Host="public.example:8443";by=_x'],
    ['2001:db8::7, 192.0.2.1', 'https', 'public.example:8443'],
    'For="[2001:db8::7]:4711";Proto=HTTPS;Host="public.example:8443";by=_x, for=192.0.2.1;proto=https;host="public.example:8443"',
  ],
  [
    // The client wrote the first element; the outer of two proxies the second one.
    'a chain, of which the nearest that is no proxy counts',
    [
      ...[
        'Forwarded',
        'for=6.6.6.6;proto=http;host=evil.example, for=203.0.113.7;proto=https;host=public.example',
      ],
      ...['Forwarded', 'for=10.0.0.1;proto=http'],
    ],
    ['6.6.6.6, 203.0.113.7, 10.0.0.1, 192.0.2.1', 'https', 'public.example'],
    'for=6.6.6.6;proto=http;host=evil.example, for=203.0.113.7;proto=https;host=public.example, for=10.0.0.1;proto=http, for=192.0.2.1;proto=https;host=public.example',
  ],
  [
    'a client without an address',
    ['Forwarded', 'for=203.0.113.7;proto=http, for=_hidden;proto=https'],
    ['203.0.113.7, unknown, 192.0.2.1', 'https', 'api.example.com'],
    'for=203.0.113.7;proto=http, for=_hidden;proto=https, for=192.0.2.1;proto=https;host=api.example.com',
  ],
  [
    'Forwarded, and a scheme beside it',
    ['Forwarded', 'for=203.0.113.7;proto=http;host=public.example', 'X-Forwarded-Proto', 'https'],
    ['203.0.113.7, 192.0.2.1', 'https', 'public.example'],
    'for=203.0.113.7;proto=https;host=public.example, for=192.0.2.1;proto=https;host=public.example',
  ],
  [
    'both, in conflict: the address decides, and nothing is taken of the other',
    ['Forwarded', 'for=6.6.6.6;proto=https;host=evil.example', 'X-Forwarded-For', '203.0.113.7'],
    ['203.0.113.7, 192.0.2.1', 'http', 'api.example.com'],
    'for=203.0.113.7;proto=http;host=api.example.com, for=192.0.2.1;proto=http;host=api.example.com',
  ],
  [
    'what is no element',
    ['Forwarded', ', "x,y" ,proto=javascript;host="a b/c"'],
    ['unknown, unknown, unknown, 192.0.2.1', 'http', 'api.example.com'],
    ', "x,y" ,proto=javascript;host="a b/c", for=192.0.2.1;proto=http;host=api.example.com',
  ],
];

t.test('G08 both forms tell one story, whichever of them came', async (t) => {
  const trustedProxies = new BlockList();
  trustedProxies.addSubnet('10.0.0.0', 8, 'ipv4');
  const policy = { forwarded: 'both', trustedProxies } as const;
  const names = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded'];
  for (const [what, sent, x, forwarded] of BOTH) {
    const pairs = told({ sent, policy, plan: { trusted: true } });
    t.strictSame(
      names.map((name) => valuesOf(pairs, name)),
      [...x, forwarded].map((value) => [value]),
      what,
    );
    const untrusted = told({ sent, policy });
    t.strictSame(valuesOf(untrusted, 'forwarded'), [BOTH[0]?.[3]], what);
    t.strictSame(valuesOf(untrusted, 'x-forwarded-proto'), ['http'], what);
  }
  const many = Array.from({ length: 200 }, (_, i) => `10.0.0.${i}`).join(',');
  for (const sent of [
    ['X-Forwarded-For', many, 'X-Forwarded-Host', 'a'.repeat(200)],
    ['Forwarded', many.replace(/(?<=^|,)/g, 'for=')],
  ]) {
    const pairs = told({ sent, policy, plan: { trusted: true } });
    for (const name of names) t.ok((valuesOf(pairs, name)[0] ?? '').length < 4096, name);
  }
});
