/**
 * H: where a request came from, and what claims become on their way into headers. Strangers are not believed, trusted
 * peers within bounds, and no claim makes a second line or a value that is read as another one.
 */
import t from 'tap';
import { ADMINISTRATOR, READER, readerToken, startAttackWorld } from '../fixtures/attack-world.ts';
import { FORBIDDEN, INVALID_TOKEN, insufficientScope, UNAUTHENTICATED } from '../fixtures/refusal.ts';
import { policyOf } from '../fixtures/server.ts';

const identity = `
identity:
  headers:
    X-Auth-Claim: {claim: claim}`;
const world = await startAttackWorld(t, { top: identity });
const behindProxy = await startAttackWorld(t, { top: 'trusted_proxies: [127.0.0.0/8]' });

/** What others write where they tell of hops, each with a value that would help somebody. */
const TOLD: [string, string][] = [
  ['X-Forwarded-For', '127.0.0.1, 10.0.0.1'],
  ['X_Forwarded_For', '127.0.0.1'],
  ['X-Forwarded-Host', 'canary.test'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Port', '443'],
  ['X-Forwarded-Prefix', '/public'],
  ['X-Forwarded-Server', 'canary.test'],
  ['X-Forwarded-Uri', '/public/x'],
  ['X-Forwarded-Path', '/public/x'],
  ['X-Forwarded-Method', 'OPTIONS'],
  ['X-Forwarded-Scheme', 'https'],
  ['X-Original-URL', '/public/x'],
  ['X-Original-URI', '/public/x'],
  ['X-Rewrite-URL', '/public/x'],
  ['X-Envoy-Original-Path', '/public/x'],
  ['X-HTTP-Method-Override', 'OPTIONS'],
  ['X-Host', 'canary.test'],
  ['X-Real-IP', '127.0.0.1'],
  ['True-Client-IP', '127.0.0.1'],
  ['CF-Connecting-IP', '127.0.0.1'],
  ['Client-IP', '127.0.0.1'],
  ['Forwarded', 'for=127.0.0.1;host=canary.test;proto=https'],
  ['Via', '1.1 canary'],
  ['User-Agent', 'kube-probe/1.30'],
  ['User-Agent', 'GoogleHC/1.0'],
  ['User-Agent', 'ELB-HealthChecker/2.0'],
];
for (const [who, place] of [
  ['a stranger', world],
  ['a trusted peer', behindProxy],
] as const) {
  t.test(`H16 H17 H19 H20 nothing that ${who} tells changes what is asked for and who asks`, async (t) => {
    for (const [name, value] of [
      ...TOLD,
      ...TOLD.map(([name]): [string, string] => [name, '/../public/x, ,;"']),
    ]) {
      const headers = [[name, value]] as const;
      await place.refused(t, { target: '/admin/x', headers }, UNAUTHENTICATED);
      await place.refused(t, { target: '/admin/x', token: READER, headers }, insufficientScope('admin'));
      const seen = await place.forwarded(t, { target: '/admin/x', token: ADMINISTRATOR, headers });
      t.equal(seen.requestLine, 'GET /admin/x HTTP/1.1', name);
      t.strictSame(seen.all('host'), ['api.test']);
    }
  });
}

t.test('H16 H24 what a stranger tells of hops is replaced by what we know', async (t) => {
  const seen = await world.forwarded(t, { target: '/public/x', headers: TOLD.slice(0, 23) });
  t.notMatch(seen.head, /canary|10\.0\.0\.1|x.forwarded.(?!for|proto|host)|x-real-ip|443/i);
  t.strictSame(seen.all('x-forwarded-for'), ['127.0.0.1']);
  t.strictSame(seen.all('x-forwarded-host'), ['api.test']);
  t.strictSame(seen.all('x-forwarded-proto'), ['http']);
  t.strictSame(seen.all('via'), ['1.1 sallyport']);
  t.strictSame(seen.all('forwarded'), []);
});

t.test(
  'H14 H15 no peer, however trusted, tells the upstream of another method, path or host to act on',
  async (t) => {
    const names = [
      'X-HTTP-Method-Override',
      'X-Method-Override',
      'X-Original-Method',
      'X-Forwarded-Method',
      'X-Forwarded-URI',
      'X-Forwarded-URL',
      'X-Forwarded-Path',
      'X-Original-URL',
      'X-Original-Host',
      'X-Rewrite-URL',
      'X_Forwarded_Method',
    ];
    const headers = names.map((name) => [name, 'canary'] as const);
    const seen = await behindProxy.forwarded(t, { target: '/public/x', headers });
    t.notMatch(seen.head, /canary/);
    const port = await behindProxy.forwarded(t, {
      target: '/public/x',
      headers: [['X-Forwarded-Port', '8443']],
    });
    t.strictSame(port.all('x-forwarded-port'), ['8443'], 'what is no such thing is believed as ever');
  },
);

/** Chains of a trusted peer, and how the one that is passed on must end. */
const CHAINS: string[] = [
  '10.0.0.1',
  Array(500).fill('10.0.0.1').join(', '),
  Array(500).fill('10.0.0.1').join(','),
  'garbage, <script>, "quo"ted',
  'fe80::1%eth0, [::1]:8080, 10.0.0.1:99',
  ',,,,',
  'x'.repeat(20_000),
  `${'x'.repeat(20_000)}, 10.0.0.9`,
  '',
  'unknown, _hidden',
];
t.test('H18 what a trusted peer tells is carried on, bounded, and ends with the peer itself', async (t) => {
  for (const chain of CHAINS) {
    for (const lines of [[chain], ['10.9.9.9', chain]]) {
      const headers = lines.map((line) => ['X-Forwarded-For', line] as const);
      const seen = await behindProxy.forwarded(t, { target: '/public/x', headers });
      const [passed = '', ...more] = seen.all('x-forwarded-for');
      t.strictSame(more, [], 'one line');
      t.match(passed, /(?:^|, )127\.0\.0\.1$/, chain.slice(0, 40));
      t.ok(passed.length <= 2048 + 20, `${passed.length} characters`);
    }
  }
});

t.test('H18 a scheme or a host that is none is not carried on, from whomever', async (t) => {
  for (const [name, values, ours] of [
    ['x-forwarded-proto', ['javascript', 'https://x', 'http\u00e9', 'https;x', 'ws', ''], 'http'],
    ['x-forwarded-host', ['a/b', 'u@a', 'a b', '"a"', 'a;b', '<a>', ''], 'api.test'],
  ] as const) {
    for (const value of values) {
      const seen = await behindProxy.forwarded(t, { target: '/public/x', headers: [[name, value]] });
      t.strictSame(seen.all(name), [ours], `${name}: ${value}`);
    }
  }
});

t.test('H25 networks that trust everybody, or that are none, are refused at load', async (t) => {
  const rest = 'upstream: http://127.0.0.1:9\nroutes: [{path: /**, auth: none}]';
  for (const network of [
    '::ffff:10.0.0.0/8',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/33',
    '10.1.2.3/8',
    '10.0.0.0/-1',
    '10.0.0.0/',
    'all',
    '::ffff:0:0/96',
  ]) {
    const text = `listen: 127.0.0.1:0\nadmin: none\ntrusted_proxies: ["${network}"]\n${rest}`;
    await t.rejects(policyOf(text), /trusted_proxies/, network);
  }
  await t.resolves(policyOf(`listen: 127.0.0.1:0\nadmin: none\ntrusted_proxies: [10.0.0.0/8]\n${rest}`));
});

t.test('H29 Host is the one that was judged, and none that a header names', async (t) => {
  const headers = [
    ['X-Forwarded-Host', 'canary.test'],
    ['X-Host', 'canary.test'],
    ['Host_', 'canary.test'],
  ] as const;
  const seen = await world.forwarded(t, { target: 'http://API.test/public/x', host: 'api.test', headers });
  t.strictSame(
    seen.all('host').map((host) => host.toLowerCase()),
    ['api.test'],
  );
});

t.test('H30 fields of one hop are no 500, and end here', async (t) => {
  const hop: [string, string][] = [
    ['TE', 'trailers, deflate;q=0.5'],
    ['Keep-Alive', 'timeout=5, max=1000'],
    ['Proxy-Connection', 'keep-alive'],
    ['Proxy-Authorization', `Bearer ${ADMINISTRATOR}`],
    ['Proxy-Authenticate', 'Basic realm="x"'],
    ['Upgrade', 'foo'],
    ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'],
    ['Trailer', 'Authorization'],
  ];
  for (const [name, value] of hop) {
    const seen = await world.forwarded(t, { target: '/public/x', headers: [[name, value]] });
    t.strictSame(seen.all(name), [], name);
    await world.refused(t, { target: '/api/x', headers: [[name, value]] }, UNAUTHENTICATED);
  }
});

/** Claims, and the header that they become; null where the caller gets 403 instead. */
const CLAIMS: [id: string, claim: unknown, header: string | undefined | null][] = [
  ['H21 CR and LF', 'a\r\nX-Auth-Subject: root', 'a%0D%0AX-Auth-Subject:%20root'],
  ['H21 LF alone', 'a\nb', 'a%0Ab'],
  ['H21 CR alone', 'a\rb', 'a%0Db'],
  ['H21 NUL', 'a\0b', 'a%00b'],
  ['H21 DEL', 'a\x7fb', 'a%7Fb'],
  ['H21 TAB', '\ta\t', '%09a%09'],
  ['H21 blanks', ' a b ', '%20a%20b%20'],
  ['H21 what looks encoded', 'a%0D%0Ab', 'a%250D%250Ab'],
  ['H22 a letter of Latin-1', '\u00e9', '%C3%A9'],
  ['H22 an ideograph', '\u6f22', '%E6%BC%A2'],
  ['H22 an emoji', '\u{1f600}', '%F0%9F%98%80'],
  ['H22 a line separator', '\u2028', '%E2%80%A8'],
  ['H22 NEL', '\u0085', '%C2%85'],
  ['H22 a letter that cuts to LF', '\u010a\u010d', '%C4%8A%C4%8D'],
  ['H23 64 KiB', 'x'.repeat(9_000), null],
  ['H23 a list', ['a,b', 'c"d', 'e\\f', 'g h', '%2C'], 'a%2Cb,c"d,e\\f,g%20h,%252C'],
  ['H23 a list of one that holds a comma', ['a,b'], 'a%2Cb'],
  ['H23 an object', { a: 'b c', d: [1] }, '{"a":"b%20c","d":[1]}'],
  ['H23 a number', 42, '42'],
  ['H23 true', true, 'true'],
  ['H23 false', false, 'false'],
  ['H23 zero', 0, '0'],
  // What has no text gives no header: whoever must have one says `required`.
  ['H23 null', null, undefined],
  ['H23 an empty text', '', undefined],
  ['H23 an empty list', [], undefined],
  ['H23 an empty object', {}, undefined],
  ['H23 a list in a list', [['a']], undefined],
  ['H23 absent', undefined, undefined],
];
for (const [name, claim, header] of CLAIMS) {
  t.test(`${name} in a claim is one line that reads back, or none`, async (t) => {
    const request = {
      target: '/api/x',
      token: readerToken({ claim }),
      headers: [['X-Auth-Claim', 'canary']] as const,
    };
    if (header === null) {
      await world.refused(t, request, FORBIDDEN);
      return;
    }
    const seen = await world.forwarded(t, request);
    t.strictSame(seen.all('x-auth-claim'), header === undefined ? [] : [header]);
    t.strictSame(seen.all('x-auth-subject'), ['alice']);
    t.match(seen.head, /^[\r\n\x20-\x7e]*$/);
    if (typeof claim === 'string' && header !== undefined) t.equal(decodeURIComponent(header), claim);
    if (Array.isArray(claim) && header !== undefined)
      t.strictSame(header.split(',').map(decodeURIComponent), claim);
  });
}

t.test('H22 a lone surrogate, which has no UTF-8 form, makes a token that is none', async (t) => {
  await world.refused(t, { target: '/api/x', token: readerToken({ claim: '\ud800' }) }, INVALID_TOKEN);
});

t.test('H21 H22 what a subject, a scope or a role holds is one line too', async (t) => {
  const token = readerToken({ sub: 'al\r\nice\u6f22', scope: 'read "x"', roles: ['a\nb', 'c,d', 'e f'] });
  const seen = await world.forwarded(t, { target: '/api/x', token });
  t.strictSame(seen.all('x-auth-subject'), ['al%0D%0Aice%E6%BC%A2']);
  t.strictSame(seen.all('x-auth-roles'), ['a%0Ab,c%2Cd,e%20f']);
  t.strictSame(seen.all('x-auth-scopes'), ['read "x"']);
});

t.test('H16 nothing leaked, nothing crashed', async (t) => {
  await world.conclude(t);
  await behindProxy.conclude(t);
});
