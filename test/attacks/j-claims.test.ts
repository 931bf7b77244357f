/**
 * Attacks J28-J49 and J68-J75: what a token of a good key says. Each is sent as a bearer token over a bare socket and
 * must be 401 `invalid_token` with the upstream untouched, unless another answer stands beside it.
 */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import {
  type ExpectedRefusal,
  FORBIDDEN,
  HEADER_TOO_LARGE,
  INVALID_TOKEN,
  insufficientScope,
  TOKEN_EXPIRED,
} from '../fixtures/refusal.ts';
import {
  createSigningKey,
  defaultClaims,
  ISSUER,
  keySet,
  type Members,
  nowSeconds,
  signBytes,
  signToken,
} from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

type Outcome = ExpectedRefusal | 'forwarded';
type Case = readonly [id: string, name: string, token: string, outcome?: Outcome, target?: string];

const key = createSigningKey('ES256', 'shared');
const other = createSigningKey('ES256', 'shared');
const lone = createSigningKey('ES256', 'lone');
const foreign = await startKeyServer(t);
const OTHER = 'https://other.test';
const STRICT = 'https://strict.test';
const SHORT = 'https://short.test';
const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [corp, other, strict, short]
issuers:
  corp:
    issuer: ${ISSUER}
    audience: api
    jwks: ${JSON.stringify(keySet(key))}
    claims: {roles: [/realm_access/roles, "https://ns/roles", a.b, /resource_access/my~1app/roles]}
  other: {issuer: ${OTHER}, audience: api, jwks: ${JSON.stringify(keySet(other, lone))}}
  strict: {issuer: ${STRICT}, audience: api, profile: rfc9068, jwks: ${JSON.stringify(keySet(key))}}
  short: {issuer: ${SHORT}, audience: api, max_lifetime: 10m, jwks: ${JSON.stringify(keySet(key))}}
routes:
  - path: /**
  - {path: /admin, require: {scopes: [admin]}}
  - {path: /star, require: {scopes: ["orders:*"]}}
  - {path: /clerks, require: {roles: [clerk]}}
  - {path: /staff, require: {claims: {email: {ends_with: "@corp.com"}}}}
  - {path: /shop, require: {when: client == "shop"}}
  - {path: /payments, audience: payments}
`,
});

const now = nowSeconds();
const token = (claims: Members = {}, header: Members = {}): string => signToken(key, claims, header);
/** Claims of exactly this text. */
const written = (text: string): string =>
  signBytes(key, JSON.stringify({ alg: 'ES256', kid: 'shared' }), text);
const text = JSON.stringify(defaultClaims());
const more = (members: string): string => written(`${text.slice(0, -1)},${members}}`);
const scoped = (claims: Members, target = '/admin'): readonly [string, Outcome, string] => [
  token(claims),
  insufficientScope(target === '/star' ? 'orders:*' : 'admin'),
  target,
];
const inThePast = (seconds: number): Members => ({ iat: now - 600, exp: now - seconds });

const CASES: readonly Case[] = [
  ['J28', 'sub twice', more('"sub":"root"')],
  ['J28', 'iss twice', more(`"iss":"${ISSUER}"`)],
  ['J28', 'exp twice', more(`"exp":${now + 300}`)],
  ['J28', 'sub twice, once with escapes', more('"s\\u0075b":"root"')],
  ['J28', 'a name twice further in', more('"x":{"y":1,"y":2}')],
  ['J29', '__proto__ as a claim', more('"__proto__":{"sub":"root","scope":"admin"}'), 'forwarded'],
  [
    'J29',
    '__proto__ gives no scope',
    more('"__proto__":{"scope":"admin"}'),
    insufficientScope('admin'),
    '/admin',
  ],
  ['J29', 'constructor as a claim', more('"constructor":{"prototype":{"scope":"admin"}}'), 'forwarded'],
  ...[
    '[]',
    `[${text}]`,
    '"x"',
    '1',
    'null',
    '',
    '{}',
    'NaN',
    `${text}x`,
    `${text}${text}`,
    `${text.slice(0, -1)},}`,
  ].map((bytes): Case => ['J30', `claims ${bytes.slice(0, 8)}…${bytes.length}`, written(bytes)]),
  ['J30', 'a comment', more('"x":1/* */')],
  ['J30', 'Infinity', more('"x":Infinity')],
  ['J30', 'a lone surrogate', more('"x":"\\ud800"')],
  ['J31', 'claims of 8 kB', token({ x: 'x'.repeat(8192) }), 'forwarded'],
  ['J31', 'claims of 13 kB', token({ x: 'x'.repeat(13_000) })],
  ['J31', 'claims of 64 kB', token({ x: 'x'.repeat(65_536) }), HEADER_TOO_LARGE],
  ['J32', 'lists 5,000 deep', more(`"x":${'['.repeat(5000)}${']'.repeat(5000)}`)],
  ['J32', 'lists 33 deep', more(`"x":${'['.repeat(32)}${']'.repeat(32)}`)],
  ['J32', 'lists 32 deep', more(`"x":${'['.repeat(31)}${']'.repeat(31)}`), 'forwarded'],
  ...[
    undefined,
    null,
    '',
    1,
    [ISSUER],
    [ISSUER, 'https://evil.test'],
    { 0: ISSUER },
    `${ISSUER}/`,
    ISSUER.toUpperCase(),
    `${ISSUER}@evil.test`,
    'https://issuer.test.evil.test',
    'https://issuer.test:443',
    ` ${ISSUER}`,
    'https://іssuer.test',
    `${ISSUER}#`,
    `${ISSUER}?`,
    'issuer.test',
  ].map((iss): Case => ['J33', `iss ${JSON.stringify(iss)}`, token({ iss })]),
  ...[
    undefined,
    null,
    '',
    'other',
    'ap',
    'api-other',
    'API',
    'api/',
    'api other',
    1,
    true,
    {},
    { api: true },
    [],
    ['other'],
    ['api', ['api']],
    [['api']],
    ['api', null],
    ['api', 1],
    Array(1000).fill('x'),
  ].map((aud): Case => ['J34', `aud ${JSON.stringify(aud)?.slice(0, 20)}`, token({ aud })]),
  ['J34', 'aud a list of ours and others', token({ aud: ['x', 'api'] }), 'forwarded'],
  ['J34', 'aud of 1,000 with ours last', token({ aud: [...Array(1000).fill('x'), 'api'] }), 'forwarded'],
  ['J35', 'of the same issuer for another server', token({ aud: 'https://payments.test' })],
  ['J35', 'for us, and not for the route', token(), INVALID_TOKEN, '/payments'],
  ['J36', 'the key of the other issuer under the same id', signToken(other)],
  ['J36', 'and the other way', signToken(key, { iss: OTHER })],
  ['J36', 'the other issuer with its own key', signToken(other, { iss: OTHER }), 'forwarded'],
  ['J37', 'an id that only the other issuer has', signToken(lone)],
  ['J38', 'an issuer that nobody configured', token({ iss: foreign.url })],
  ...['nonce', 'at_hash', 'c_hash'].map(
    (name): Case => ['J39', `an ID token by ${name}`, token({ [name]: 'x' }, { typ: 'JWT' })],
  ),
  ['J39', 'an ID token at the strict issuer', token({ iss: STRICT, nonce: 'n' }, { typ: 'JWT' })],
  ...['at+jwt', 'application/at+jwt', 'AT+JWT'].map(
    (typ): Case => ['J40', `typ ${typ}`, token({ iss: STRICT }, { typ }), 'forwarded'],
  ),
  ...[
    'JWT',
    'logout+jwt',
    'dpop+jwt',
    'secevent+jwt',
    'token-introspection+jwt',
    'at+jwt ',
    'x/at+jwt',
    1,
    null,
    undefined,
  ].map(
    (typ): Case => [
      'J40',
      `typ ${JSON.stringify(typ)} where at+jwt is asked for`,
      token({ iss: STRICT }, { typ }),
    ],
  ),
  ['J41', 'no exp', token({ exp: undefined })],
  ...[String(now + 60), null, true, [now + 60], { at: now + 60 }, ''].map(
    (exp): Case => ['J42', `exp ${JSON.stringify(exp)}`, token({ exp })],
  ),
  ['J43', 'expired within the leeway', token(inThePast(20)), 'forwarded'],
  ['J43', 'expired beyond the leeway', token(inThePast(40)), TOKEN_EXPIRED],
  ...['1e400', '1e308', '9999999999999', '4102444801', '9007199254740993'].map(
    (exp): Case => ['J44', `exp ${exp}`, written(text.replace(/"exp":\d+/, `"exp":${exp}`))],
  ),
  ['J44', 'exp in milliseconds', token({ exp: Date.now() + 60_000 })],
  // Numbers, and long ago: expired, as any other.
  ...['-1', '0', '-1e308', '1e-400'].map(
    (exp): Case => ['J44', `exp ${exp}`, written(text.replace(/"exp":\d+/, `"exp":${exp}`)), TOKEN_EXPIRED],
  ),
  ['J44', 'a fractional exp', token({ exp: now + 60.5 }), 'forwarded'],
  ['J44', 'a lifetime beyond the bound', token({ iss: SHORT, iat: now, exp: now + 700 })],
  ...[now + 120, String(now), [now], true, null].map(
    (nbf): Case => ['J45', `nbf ${JSON.stringify(nbf)}`, token({ nbf })],
  ),
  ['J45', 'nbf negative', token({ nbf: -1 }), 'forwarded'],
  ['J46', 'iat in the future', token({ iat: now + 120 })],
  ...[String(now), null, [now]].map((iat): Case => ['J46', `iat ${JSON.stringify(iat)}`, token({ iat })]),
  ['J46', 'iat after exp, both within the leeway', token({ iat: now + 20, exp: now + 10 })],
  ['J46', 'iat after exp, both within the leeway and past', token({ iat: now - 2, exp: now - 4 })],
  ['J46', 'iat after exp, both in the future', token({ iat: now + 300, exp: now + 200 })],
  ['J46', 'issued before the bound of its lifetime', token({ iss: SHORT, iat: now - 700, exp: now + 60 })],
  ['J46', 'no iat where there is such a bound', token({ iss: SHORT, iat: undefined })],
  // The very second is the fake clock's matter: test/tokens/check-claims.test.ts.
  ['J49', 'expired long before now', token(inThePast(300)), TOKEN_EXPIRED],
  ['J69', 'scope as text', token({ scope: 'read admin' }), 'forwarded', '/admin'],
  ['J69', 'scope as a list', token({ scope: ['read', 'admin'] }), 'forwarded', '/admin'],
  ['J69', 'scp', token({ scp: 'admin' }), 'forwarded', '/admin'],
  ['J69', 'a space behind and two between', token({ scope: 'read  admin ' }), 'forwarded', '/admin'],
  ...[
    'Admin',
    'ADMIN',
    'admins',
    'admin,read',
    'read\tadmin',
    'read\nadmin',
    'admin\u00a0read',
    '',
    'a d m i n',
    'adm in',
  ].map((scope): Case => ['J69', `scope ${JSON.stringify(scope)}`, ...scoped({ scope })]),
  ['J69', 'a list with a space in its member', ...scoped({ scope: ['read admin'] })],
  ...[1, true, { admin: true }, [['admin']], ['admin', 1]].map(
    (scope): Case => ['J69', `scope ${JSON.stringify(scope)}`, token({ scope }), INVALID_TOKEN, '/admin'],
  ),
  ['J70', 'nested roles', token({ realm_access: { roles: ['clerk'] } }), 'forwarded', '/clerks'],
  ['J70', 'a claim whose name is a URL', token({ 'https://ns/roles': ['clerk'] }), 'forwarded', '/clerks'],
  ['J70', 'a claim with a dot in its name', token({ 'a.b': 'clerk' }), 'forwarded', '/clerks'],
  ['J70', 'a dot that is no path', token({ a: { b: ['clerk'] } }), FORBIDDEN, '/clerks'],
  [
    'J70',
    'a slash within a name',
    token({ resource_access: { 'my/app': { roles: ['clerk'] } } }),
    'forwarded',
    '/clerks',
  ],
  ...[
    null,
    1,
    'roles',
    ['roles'],
    { roles: null },
    { roles: { clerk: true } },
    { roles: [['clerk']] },
    { roles: ['Clerk'] },
  ].map(
    (realm): Case => [
      'J70',
      `realm_access ${JSON.stringify(realm)}`,
      token({ realm_access: realm }),
      FORBIDDEN,
      '/clerks',
    ],
  ),
  ...['admin/..', '../admin', 'admin*', '*', '**', 'adm%69n', '.*'].map(
    (scope): Case => ['J71', `scope ${scope}`, ...scoped({ scope })],
  ),
  ['J71', 'a wildcard of the route is literal', ...scoped({ scope: 'orders:read' }, '/star')],
  ['J71', 'and matches itself', token({ scope: 'orders:*' }), 'forwarded', '/star'],
  ['J72', 'an address of ours', token({ email: 'a@corp.com' }), 'forwarded', '/staff'],
  ...[
    'a@corp.com.evil',
    'a@CORP.com',
    'a@evilcorp.com',
    'a@corp.com ',
    'a@corp.com\n',
    '',
    1,
    ['a@corp.com'],
    null,
  ].map((email): Case => ['J72', `email ${JSON.stringify(email)}`, token({ email }), FORBIDDEN, '/staff']),
  // The matcher is of text, not of addresses: it ends so. Who needs more writes an equal or a list.
  ['J72', 'two at signs', token({ email: 'a@evil.com@corp.com' }), 'forwarded', '/staff'],
  ...[undefined, null, '', 7, {}, ['alice'], true].map(
    (sub): Case => ['J73', `sub ${JSON.stringify(sub)}`, token({ sub })],
  ),
  ...[null, 7, ['j'], {}, true].map((jti): Case => ['J73', `jti ${JSON.stringify(jti)}`, token({ jti })]),
  ['J73', 'no jti, which is asked for by the strict profile alone', token({ jti: undefined }), 'forwarded'],
  ['J74', 'the client', token({ client_id: 'shop' }), 'forwarded', '/shop'],
  ['J74', 'another client', token({ client_id: 'evil' }), FORBIDDEN, '/shop'],
  ['J74', 'client_id goes before azp', token({ client_id: 'evil', azp: 'shop' }), FORBIDDEN, '/shop'],
  ['J74', 'azp alone', token({ client_id: undefined, azp: 'shop' }), 'forwarded', '/shop'],
  ['J74', 'a client that is a list', token({ client_id: ['shop'] }), FORBIDDEN, '/shop'],
  ...[{ jkt: 'x' }, { 'x5t#S256': 'x' }, { jwk: key.jwk }, { kid: 'x' }, {}, null, 1, ''].map(
    (cnf): Case => ['J75', `cnf ${JSON.stringify(cnf).slice(0, 16)}`, token({ cnf })],
  ),
];

for (const [id, name, value, outcome = INVALID_TOKEN, target = '/api/x'] of CASES) {
  t.test(`${id} ${name}`, async (t) => {
    if (outcome === 'forwarded') {
      const seen = await world.forwarded(t, { target, token: value });
      t.strictSame(seen.all('x-auth-subject'), ['alice']);
    } else await world.refused(t, { target, token: value }, outcome);
  });
}

t.test('J38 an issuer that nobody configured is not asked', async (t) => {
  t.strictSame(foreign.hits, []);
});

t.test('J28 nothing leaked, nothing crashed', (t) => world.conclude(t));
