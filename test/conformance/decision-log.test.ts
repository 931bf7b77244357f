/** The log line of a request names its caller: the client behind trusted proxies, the key, the subject; and its upstream. */
import { createHash } from 'node:crypto';
import type { Test } from 'tap';
import t from 'tap';
import { createSigningKey, keySet, nowSeconds, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, startWorld, type World } from '../fixtures/world.ts';

type Line = Readonly<Record<string, unknown>>;

const key = createSigningKey('ES256');
const stranger = createSigningKey('ES256', key.kid);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
/** Made by `hash-password --bcrypt`; of `pässword`. */
const BCRYPT = '$2b$10$fAZ8afEzDg1jYRJxVPOD6OyqcRcbNiPSiFvfZpTE1wqupACImAiMW';
const token = (claims: object = {}, signer = key): string =>
  signToken(signer, { sub: 'alice@corp.test', ...claims });
const bob = `Basic ${Buffer.from('bob:pässword').toString('base64')}`;

const POLICY = (url: string): string => `
upstreams: {main: "${url}", away: "http://127.0.0.1:2", slow: {url: "${url}", response_timeout: 100ms}}
trusted_proxies: [127.0.0.2, 10.0.0.0/8]
issuers: {corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}}
api_keys:
  machines:
    header: X-API-Key
    keys:
      - {id: ci-2026, sha256: ${sha256('key-of-ci')}, subject: robot}
      - {id: ci-2020, sha256: ${sha256('key-of-old')}, subject: robot, expires: 2020-01-01}
basic: {ops: {users: [{username: bob, password_hash: "${BCRYPT}"}]}}
accept: [corp, machines, ops]
routes:
  - {id: main, path: /main/**, upstream: main}
  - {id: boss, path: /boss/**, upstream: main, require: {roles: boss}}
  - {id: tenant, path: /tenant/**, upstream: main, require: {claims: {tenant: acme}}}
  - {id: groups, path: /groups/**, upstream: main, require: {claims: {groups: {contains: staff}}}}
  - {id: write, path: /write/**, upstream: main, require: {scopes: write}}
  - {id: when, path: '/when/**', upstream: main, require: {when: 'claims.tenant == "acme" && "boss" in roles'}}
  - {id: away, path: /away/**, upstream: away}
  - {id: slow, path: /slow/**, upstream: slow}
`;

/** The line of the request that was sent. */
async function lineOf(world: World, request: RequestParts): Promise<Line> {
  const before = world.gateway.lines.length;
  const response = await world.send(request);
  const id = response.get('x-request-id');
  return world.gateway.line(
    (line) =>
      line.msg === 'request' &&
      (id === undefined ? world.gateway.lines.indexOf(line) >= before : line.request_id === id),
  );
}

async function start(t: Test, more = ''): Promise<World> {
  return startWorld(t, { policy: (url) => POLICY(url) + more });
}

const world = await start(t);
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

const CALLERS: readonly (readonly [RequestParts, Readonly<Record<string, string | undefined>>])[] = [
  [{ token: token() }, { 'auth.subject': 'alice@corp.test', 'auth.kid': key.kid, 'auth.key': undefined }],
  [{ headers: [['X-API-Key', 'key-of-ci']] }, { 'auth.subject': 'robot', 'auth.key': 'ci-2026' }],
  [{ headers: [['Authorization', 'Bearer key-of-ci']] }, { 'auth.subject': 'robot', 'auth.key': 'ci-2026' }],
  [{ headers: [['Authorization', bob]] }, { 'auth.subject': 'bob', 'auth.key': undefined }],
];

t.test('G17 the line names who was let in, and who was refused after that', async (t) => {
  for (const [request, named] of CALLERS) {
    for (const target of ['/main/1', '/boss/1', '/nowhere']) {
      const line = await lineOf(world, { ...request, target });
      for (const [name, value] of Object.entries(named)) t.equal(line[name], value, `${target} ${name}`);
    }
  }
});

t.test('G17 a refused credential names no subject, and a key only once it is known', async (t) => {
  const refused: readonly (readonly [RequestParts, string | undefined])[] = [
    [{ token: token({}, stranger) }, undefined],
    [{ token: token({ exp: 1 }) }, undefined],
    [{ token: token({ aud: 'other' }) }, undefined],
    [{ headers: [['X-API-Key', 'key-of-none']] }, undefined],
    [{ headers: [['X-API-Key', 'key-of-old']] }, 'ci-2020'],
    [{ headers: [['Authorization', `Basic ${Buffer.from('bob:wrong').toString('base64')}`]] }, undefined],
  ];
  for (const [request, id] of refused) {
    const line = await lineOf(world, { ...request, target: '/main/1' });
    t.equal(line.status, 401);
    t.equal(line['auth.key'], id);
    t.notMatch(JSON.stringify(line), /alice|bob|robot/);
  }
});

for (const [how, subject] of [
  ['hashed', sha256('alice@corp.test').slice(0, 16)],
  ['none', undefined],
] as const) {
  t.test(`G17 log.subject: ${how}`, async (t) => {
    const world = await start(t, `log: {subject: ${how}}\n`);
    for (const target of ['/main/1', '/boss/1']) {
      const line = await lineOf(world, { target, token: token() });
      t.equal(line['auth.subject'], subject);
    }
    const byKey = await lineOf(world, { target: '/main/1', headers: [['X-API-Key', 'key-of-ci']] });
    t.equal(byKey['auth.key'], 'ci-2026', 'the id of a key is the policy’s own');
    await world.conclude(t, ['alice', 'robot']);
  });
}

const CLIENTS: readonly (readonly [from: string, sent: string | null, client: string | undefined])[] = [
  ['127.0.0.1', null, '127.0.0.1'],
  ['127.0.0.1', '192.0.2.1', '127.0.0.1'],
  ['127.0.0.2', '192.0.2.1', '192.0.2.1'],
  ['127.0.0.2', '198.51.100.7, 192.0.2.1, 10.1.2.3', '192.0.2.1'],
  ['127.0.0.2', '2001:DB8::1', '2001:db8::1'],
  ['127.0.0.2', null, '127.0.0.2'],
  ['127.0.0.2', '"},{"x', '127.0.0.2'],
];

t.test('G17 the line names the client behind trusted proxies, beside the peer', async (t) => {
  for (const [from, sent, client] of CLIENTS) {
    const headers = sent === null ? [] : ([['X-Forwarded-For', sent]] as const);
    for (const more of [{ token: token() }, {}]) {
      const line = await lineOf(world, { target: '/main/1', from, headers, ...more });
      t.equal(line.peer, from);
      t.equal(line['client.address'], client, `${from} ${sent}`);
    }
  }
  const broken = { target: '/main/../x', headers: [['X-Forwarded-For', '192.0.2.1']] } as const;
  t.equal((await lineOf(world, { ...broken, from: '127.0.0.1' }))['client.address'], '127.0.0.1');
  const proxied = await lineOf(world, { ...broken, from: '127.0.0.2' });
  t.notOk('client.address' in proxied, 'its fields were not read');
});

t.test('G17 502 and 504 name the upstream as the policy does', async (t) => {
  world.upstream.answer = ({ target }) => (target.startsWith('/slow') ? undefined : ANSWER);
  const away = await lineOf(world, { target: '/away/1', token: token() });
  t.match(away, { status: 502, upstream: 'away', 'auth.reason': 'connect_refused' });
  const slow = await lineOf(world, { target: '/slow/1', token: token() });
  t.match(slow, { status: 504, upstream: 'slow', 'auth.reason': 'response_timeout' });
  t.notMatch(JSON.stringify([away, slow]), /127\.0\.0\.1:/, 'and not by its address');
  const refused = await lineOf(world, { target: '/away/1' });
  t.notOk('upstream' in refused, 'what never was for an upstream names none');
});

const now = nowSeconds();

/** Target, claims, and what the line says. */
const DISTANCES: readonly (readonly [target: string, claims: object, says: object])[] = [
  ['/main/1', { exp: now - 31 }, { 'auth.expired_for_s': 31, 'auth.leeway_s': 30 }],
  ['/main/1', { exp: now - 86_400 }, { 'auth.expired_for_s': 86_400, 'auth.leeway_s': 30 }],
  ['/main/1', { nbf: now + 600 }, { 'auth.reason': 'not_yet_valid', 'auth.valid_in_s': 600 }],
  [
    '/main/1',
    { iat: now + 86_400, exp: now + 90_000 },
    { 'auth.reason': 'issued_in_future', 'auth.valid_in_s': 86_400 },
  ],
  ['/boss/1', {}, { 'auth.expected': 'boss', 'auth.got': '/realm_access/roles absent, roles absent' }],
  ['/boss/1', { groups: ['boss'] }, { 'auth.got': '/realm_access/roles absent, roles absent' }],
  ['/boss/1', { roles: { boss: {} } }, { 'auth.got': '/realm_access/roles absent, roles object' }],
  ['/boss/1', { roles: 'boss user' }, { 'auth.got': '/realm_access/roles absent, roles string' }],
  ['/tenant/1', {}, { 'auth.expected': 'tenant equals', 'auth.got': 'absent' }],
  ['/tenant/1', { tenant: ['acme'] }, { 'auth.got': 'list', cause: /never holds for a list; contains/ }],
  ['/groups/1', { groups: 'staff' }, { 'auth.got': 'string', cause: 'contains holds for lists only' }],
  [
    '/when/1',
    { tenant: ['acme'] },
    { cause: 'false at character 1: claims.tenant list; false at character 28: roles empty list' },
  ],
  [
    '/when/1',
    {},
    { cause: 'no such member at character 7: claims.tenant absent; false at character 28: roles empty list' },
  ],
  ['/when/1', { tenant: 'acme' }, { cause: 'false at character 28: roles empty list' }],
  ['/write/1', { permissions: ['write'] }, { 'auth.got': 'scope absent, scp absent' }],
];

t.test('G17 the line says how far times are off, where was looked and what type was there', async (t) => {
  for (const [target, claims, says] of DISTANCES) {
    const line = await lineOf(world, { target, token: token({ iat: now - 100_000, ...claims }) });
    const found = { ...line };
    // The token may have grown older on the way.
    for (const name of ['auth.expired_for_s', 'auth.valid_in_s']) {
      const wanted = (says as Line)[name];
      if (typeof wanted !== 'number') continue;
      t.ok(Math.abs(Number(line[name]) - wanted) < 30, `${name} ${line[name]} ${wanted}`);
      found[name] = wanted;
    }
    t.match(found, says, `${target} ${JSON.stringify(claims)}`);
  }
});

const preflight = [
  ['Origin', 'https://app.test'],
  ['Access-Control-Request-Method', 'GET'],
] as const;

/** Requests that get the same 401 as one without any credential, and their reasons. */
const ABSENT: readonly (readonly [RequestParts, reason: string])[] = [
  [{ target: '/nowhere' }, 'no_route'],
  [{ method: 'OPTIONS', target: '/main/1', headers: preflight }, 'preflight_without_cors'],
  [{ target: `/main/1?access_token=${token()}` }, 'credential_elsewhere'],
  [{ target: '/main/1', headers: [['Cookie', `a=${token()}`]] }, 'credential_elsewhere'],
  [{ target: '/main/1', headers: [['X-Forwarded-Access-Token', token()]] }, 'credential_elsewhere'],
];

t.test('G17 why a request has no credential is said in the log, and the answer is the same', async (t) => {
  const bytes = async (request: RequestParts): Promise<string> => {
    const { head, body } = await world.send(request);
    return `${head}${body}`.replace(/^(?:X-Request-Id|Date): .*$/gm, '');
  };
  const plain = await bytes({ target: '/main/1' });
  for (const [request, reason] of ABSENT) {
    t.equal(await bytes(request), plain, reason);
    t.equal((await lineOf(world, request))['auth.reason'], reason);
  }
});

t.test('G17 nothing leaked, nothing crashed', (t) =>
  world.conclude(t, ['key-of-ci', 'key-of-old', 'pässword', token().slice(0, 40)]),
);

t.test('G17 L2 log.level: trace shows each check, and no value', async (t) => {
  const traced = await start(t, 'log: {level: trace}\n');
  const checksOf = async (request: RequestParts): Promise<Line> => {
    const { request_id: id } = await lineOf(traced, request);
    return traced.gateway.line((line) => line.msg === 'checks' && line.request_id === id);
  };
  const looked_in = ['authorization', 'header x-api-key'];
  t.match(await checksOf({ target: '/main/1', token: token() }), {
    level: 'trace',
    route: 'main',
    looked_in,
    found_in: 'authorization',
    passed: ['route', 'credential', 'token.form', 'token.issuer'],
    failed: '',
  });
  const boss = await checksOf({ target: '/boss/1', token: token() });
  t.match(boss, { failed: 'role_missing' });
  t.ok(Array.isArray(boss.passed) && boss.passed.at(-1) === 'token.expiry');
  t.match(await checksOf({ target: '/main/1' }), {
    looked_in,
    found_in: '',
    passed: ['route'],
    failed: 'no_credential',
  });
  t.match(await checksOf({ target: '/main/1', headers: [['X-API-Key', 'key-of-ci']] }), {
    found_in: 'header x-api-key',
    passed: ['route', 'credential', 'key.form', 'key.known', 'key.source', 'key.expiry', 'identity'],
  });
  t.notOk(world.gateway.output().includes('"checks"'), 'at no other level');
  await traced.conclude(t, ['key-of-ci', token().slice(0, 40)]);
});
