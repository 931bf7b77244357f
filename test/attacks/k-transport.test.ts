/**
 * K: credentials in places and forms where two readers would see two of them, or none. Each is judged where its route
 * reads, in one form, and goes no further; whatever is refused looks alike.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import {
  AMBIGUOUS,
  BAD_REQUEST,
  type ExpectedRefusal,
  FORBIDDEN,
  HEADER_TOO_LARGE,
  INVALID_API_KEY,
  INVALID_TOKEN,
  PLAIN_CHALLENGE,
  TOKEN_EXPIRED,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, nowSeconds, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key, { scope: 'read' });
const other = signToken(key, { sub: 'mallory' });
const expired = signToken(key, { exp: nowSeconds() - 3600 });
const ofNobodyWithKeys = signToken(key, { iss: 'https://down.test' });
const machineKey = `k-${randomBytes(24).toString('base64url')}`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const machineHash = sha256(machineKey);
/** As good as the other; apart, because paths are in the log. */
const keyInPath = `k-${randomBytes(24).toString('base64url')}`;
/** Of `pässword`, made once. */
const PASSWORD_HASH = '$2b$10$fAZ8afEzDg1jYRJxVPOD6OyqcRcbNiPSiFvfZpTE1wqupACImAiMW';

const world = await startWorld(t, {
  policy: (url) => `
log: {level: trace}
upstream: ${url}
public_url: https://api.test
accept: [corp]
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
  down: {issuer: https://down.test, audience: api, jwks_uri: http://127.0.0.1:1/keys}
api_keys:
  machines: {header: X-API-Key, keys: [{id: robot, sha256: ${machineHash}}, {id: other, sha256: ${sha256(keyInPath)}}]}
basic:
  ops: {users: [{username: bob, password_hash: "${PASSWORD_HASH}"}]}
routes:
  - {path: /api/**}
  - {path: /down/**, accept: [down]}
  - {path: /key/**, accept: [machines]}
  - {path: /either/**, accept: [corp, machines]}
  - {path: /basic/**, accept: [ops]}
  - {path: /query/**, token_sources: [authorization, {query: access_token}]}
  - {path: /cookie/**, token_sources: [authorization, {cookie: session}]}
  - {path: /kept/**, forward_credential: true}
  - {path: /public/**, auth: none}
  - {path: /cors/**, cors: {origins: ["https://app.test"]}}
`,
});

type Lines = readonly (readonly [name: string, value: string])[];
const at = (target: string, ...headers: Lines): RequestParts => ({ target, headers });
const authorization = (...values: string[]): Lines =>
  values.map((value) => ['Authorization', value] as const);
const bearer = (target = '/api/x') => at(target, ...authorization(`Bearer ${token}`));
const cookie = (value: string, ...more: Lines) => at('/cookie/x', ['Cookie', value], ...more);
const keyed = (value: string, target = '/key/x') => at(target, ['X-API-Key', value]);
const basic = (value: string) => at('/basic/x', ...authorization(value));
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');

const WRONG_PASSWORD: ExpectedRefusal = {
  status: 401,
  challenges: ['Basic realm="api", charset="UTF-8"'],
  body: '{"error":"unauthorized","code":"invalid_credentials"}',
};
const NO_PASSWORD: ExpectedRefusal = { ...WRONG_PASSWORD, body: UNAUTHENTICATED.body };

/** What must be refused, and how. */
const REFUSED: [name: string, request: RequestParts, expected: ExpectedRefusal][] = [
  [
    'K1 a token in the header and one in the query',
    { ...bearer('/query/x?access_token='.concat(other)) },
    AMBIGUOUS,
  ],
  ['K1 the same token in both', bearer(`/query/x?access_token=${token}`), AMBIGUOUS],
  ['K1 a good and a bad one', bearer('/query/x?access_token=x'), AMBIGUOUS],
  // A cookie comes unasked: what the caller meant is judged, and a good cookie saves no bad header.
  [
    'K2 a bad header beside a good cookie',
    cookie(`session=${token}`, ...authorization('Bearer x.y.z')),
    INVALID_TOKEN,
  ],
  [
    'K2 a key and a token',
    at('/either/x', ['X-API-Key', machineKey], ...authorization(`Bearer ${token}`)),
    AMBIGUOUS,
  ],
  [
    'K2 a key twice, in two places',
    at('/key/x', ['X-API-Key', machineKey], ...authorization(`Bearer ${machineKey}`)),
    AMBIGUOUS,
  ],
  [
    'K3 two Authorization lines',
    at('/api/x', ...authorization(`Bearer ${token}`, `Bearer ${other}`)),
    AMBIGUOUS,
  ],
  ['K3 the same line twice', at('/api/x', ...authorization(`Bearer ${token}`, `Bearer ${token}`)), AMBIGUOUS],
  ['K3 an empty one first', at('/api/x', ...authorization('', `Bearer ${token}`)), AMBIGUOUS],
  ['K3 an empty one last', at('/api/x', ...authorization(`Bearer ${token}`, '')), AMBIGUOUS],
  [
    'K3 two schemes',
    at('/api/x', ...authorization(`Bearer ${token}`, `Basic ${base64('bob:x')}`)),
    AMBIGUOUS,
  ],
  [
    'K3 names in two cases',
    at('/api/x', ['authorization', `Bearer ${token}`], ['AUTHORIZATION', `Bearer ${token}`]),
    AMBIGUOUS,
  ],
  // CVE-2025-64527: two tokens while keys cannot be had ended a process.
  [
    'K3 two tokens of an issuer without keys',
    at('/down/x', ...authorization(`Bearer ${ofNobodyWithKeys}`, `Bearer ${token}`)),
    AMBIGUOUS,
  ],
  ['K4 two in one line', at('/api/x', ...authorization(`Bearer ${token}, Bearer ${other}`)), INVALID_TOKEN],
  ['K4 a list of two', at('/api/x', ...authorization(`Bearer ${token},${other}`)), INVALID_TOKEN],
  ['K4 a list with an empty member', at('/api/x', ...authorization(`Bearer ${token},`)), INVALID_TOKEN],
  ['K5 the parameter twice', at(`/query/x?access_token=${token}&access_token=${other}`), AMBIGUOUS],
  [
    'K5 the parameter twice, once encoded',
    at(`/query/x?access_token=${token}&acces%73_token=${other}`),
    AMBIGUOUS,
  ],
  ['K5 the parameter of another case', at(`/query/x?ACCESS_TOKEN=${token}`), UNAUTHENTICATED],
  ['K5 the parameter as a list', at(`/query/x?access_token[]=${token}`), UNAUTHENTICATED],
  ['K5 an empty parameter', at('/query/x?access_token='), UNAUTHENTICATED],
  ['K5 a space behind the token', at(`/query/x?access_token=${token}%20`), INVALID_TOKEN],
  ['K5 a plus behind the token', at(`/query/x?access_token=${token}+`), INVALID_TOKEN],
  ['K6 a token in the query of a route that reads none', at(`/api/x?access_token=${token}`), UNAUTHENTICATED],
  ['K6 the same, encoded', at(`/api/x?%61ccess_token=${token.replaceAll('.', '%2e')}`), UNAUTHENTICATED],
  ['K9 a tab', at('/api/x', ...authorization(`Bearer\t${token}`)), INVALID_TOKEN],
  ['K9 no space', at('/api/x', ...authorization(`Bearer${token}`)), UNAUTHENTICATED],
  ['K9 the scheme alone', at('/api/x', ...authorization('Bearer')), INVALID_TOKEN],
  ['K9 the scheme and a space', at('/api/x', ...authorization('Bearer ')), INVALID_TOKEN],
  ['K9 an equals sign', at('/api/x', ...authorization(`Bearer=${token}`)), UNAUTHENTICATED],
  ['K9 quotes', at('/api/x', ...authorization(`Bearer "${token}"`)), INVALID_TOKEN],
  ['K9 a parameter', at('/api/x', ...authorization(`Bearer ${token};x`)), INVALID_TOKEN],
  ['K9 two tokens with a space', at('/api/x', ...authorization(`Bearer ${token} ${token}`)), INVALID_TOKEN],
  ['K9 the token without a scheme', at('/api/x', ...authorization(token)), UNAUTHENTICATED],
  [
    'K10 a no-break space for the space',
    at('/api/x', ...authorization(`Bearer\u00a0${token}`)),
    UNAUTHENTICATED,
  ],
  ['K10 bytes of U+2003', at('/api/x', ...authorization(`Bearer \u00e2\u0080\u0083${token}`)), INVALID_TOKEN],
  ['K10 an eight-bit character', at('/api/x', ...authorization(`Bearer ${token}\u00e9`)), INVALID_TOKEN],
  ['K10 a NUL', at('/api/x', ...authorization(`Bearer ${token}\u0000`)), BAD_REQUEST],
  ['K11 no colon', basic(`Basic ${base64('bob')}`), WRONG_PASSWORD],
  ['K11 no user', basic(`Basic ${base64(':pässword')}`), WRONG_PASSWORD],
  ['K11 no password', basic(`Basic ${base64('bob:')}`), WRONG_PASSWORD],
  ['K11 neither', basic(`Basic ${base64(':')}`), WRONG_PASSWORD],
  ['K11 Latin-1', basic(`Basic ${base64(Buffer.from('bob:pässword', 'latin1'))}`), WRONG_PASSWORD],
  ['K11 a control character', basic(`Basic ${base64('bob:p\u0000')}`), WRONG_PASSWORD],
  ['K11 no base64', basic('Basic !!!'), WRONG_PASSWORD],
  ['K11 10 kB', basic(`Basic ${base64(`bob:${'x'.repeat(10_000)}`)}`), WRONG_PASSWORD],
  ['K11 nothing behind the scheme', basic('Basic'), WRONG_PASSWORD],
  ['K11 another scheme', basic('Digest username="bob"'), NO_PASSWORD],
  ['K12 a name that nobody has, without a password', basic(`Basic ${base64('nobody:')}`), WRONG_PASSWORD],
  ['K13 the cookie twice', cookie(`session=${token}; session=${other}`), AMBIGUOUS],
  ['K13 the cookie on two lines', cookie(`session=${token}`, ['Cookie', `session=${token}`]), AMBIGUOUS],
  ['K13 a bad one after a good one', cookie(`session=${token}; session=x`), AMBIGUOUS],
  ['K13 the prefix of a secure one', cookie(`__Host-session=${token}`), UNAUTHENTICATED],
  ['K13 the prefix of a secure one, other', cookie(`__Secure-session=${token}`), UNAUTHENTICATED],
  ['K13 a name that begins alike', cookie(`session2=${token}; sessio=${token}`), UNAUTHENTICATED],
  ['K13 a name of another case', cookie(`Session=${token}`), UNAUTHENTICATED],
  ['K13 percent-encoding is none', cookie(`session=${token.replaceAll('.', '%2e')}`), INVALID_TOKEN],
  ['K13 an encoded name is another', cookie(`%73ession=${token}`), UNAUTHENTICATED],
  ['K13 a comma is no separator', cookie(`a=b, session=${token}`), UNAUTHENTICATED],
  ['K13 8 kB that are no token', cookie(`session=${'x'.repeat(8192)}`), INVALID_TOKEN],
  [
    'K15 a cookie from another site',
    { ...cookie(`session=${token}`, ['Origin', 'https://evil.test']), method: 'POST' },
    FORBIDDEN,
  ],
  ['K15 a cookie from nowhere', { ...cookie(`session=${token}`), method: 'DELETE' }, FORBIDDEN],
  [
    'K15 a cookie from a frame without an origin',
    { ...cookie(`session=${token}`, ['Origin', 'null']), method: 'PUT' },
    FORBIDDEN,
  ],
  ['K16 two keys', at('/key/x', ['X-API-Key', machineKey], ['x-api-key', machineKey]), AMBIGUOUS],
  ['K16 a list of keys', keyed(`${machineKey}, ${machineKey}`), INVALID_API_KEY],
  ['K16 a prefix of a right key', keyed(machineKey.slice(0, -1)), INVALID_API_KEY],
  ['K16 one character more', keyed(`${machineKey}x`), INVALID_API_KEY],
  ['K16 another case', keyed(machineKey.toUpperCase()), INVALID_API_KEY],
  ['K16 its hash', keyed(machineHash), INVALID_API_KEY],
  ['K16 an empty one', keyed(''), UNAUTHENTICATED],
  ['K16 in the query', at(`/key/x?X-API-Key=${machineKey}&api_key=${machineKey}`), UNAUTHENTICATED],
  ['K16 in the path', at(`/key/${keyInPath}`), UNAUTHENTICATED],
  ['K16 1 MB', keyed('x'.repeat(1_000_000)), HEADER_TOO_LARGE],
  ['K16 where another field is read', at('/key/x', ['X-Api_Key', machineKey]), UNAUTHENTICATED],
  [
    'K19 Proxy-Authorization is not for us',
    at('/api/x', ['Proxy-Authorization', `Bearer ${token}`]),
    UNAUTHENTICATED,
  ],
  ['K20 nothing was sent', at('/api/x'), { ...UNAUTHENTICATED, challenges: [PLAIN_CHALLENGE] }],
  [
    'K20 one challenge a scheme',
    at('/nowhere'),
    {
      ...UNAUTHENTICATED,
      challenges: [PLAIN_CHALLENGE, 'Basic realm="api", charset="UTF-8"'],
    },
  ],
  [
    'K20 expired, and nothing of the token',
    at('/api/x', ...authorization(`Bearer ${expired}`)),
    TOKEN_EXPIRED,
  ],
  ['K21 HEAD', { ...at('/api/x'), method: 'HEAD' }, UNAUTHENTICATED],
  [
    'K21 a preflight where no page may come',
    {
      ...at('/api/x', ['Origin', 'https://app.test'], ['Access-Control-Request-Method', 'GET']),
      method: 'OPTIONS',
    },
    UNAUTHENTICATED,
  ],
];
for (const [name, request, expected] of REFUSED) {
  t.test(name, async (t) => {
    await world.refused(t, request, expected);
  });
}

/** What is let through, and what the upstream hears of the credential: never it, unless the policy says so. */
const ALLOWED: [
  name: string,
  request: RequestParts,
  seen: { target?: string; cookie?: string[]; authorization?: string[] },
][] = [
  [
    'K2 a cookie beside a good header is not looked at',
    cookie('session=x', ...authorization(`Bearer ${token}`)),
    {},
  ],
  [
    'K5 the parameter with an encoded name',
    at(`/query/x?acces%73_token=${token}&a=1`),
    { target: '/query/x?a=1' },
  ],
  [
    'K7 the parameter is cut, and only it',
    at(`/query/x?a=%7e&access_token=${token}&b=1+2&&c`),
    { target: '/query/x?a=%7e&b=1+2&&c' },
  ],
  ['K7 nothing is left of the query', at(`/query/x?access_token=${token}`), { target: '/query/x' }],
  [
    'K6 a query that is no credential is cut as well',
    bearer(`/api/x?access_token=${other}&a=1`),
    { target: '/api/x?a=1' },
  ],
  ['K8 lower case', at('/api/x', ...authorization(`bearer ${token}`)), {}],
  ['K8 upper case', at('/api/x', ...authorization(`BEARER ${token}`)), {}],
  // RFC 9110 section 11.4: 1*SP. A second space changes no reading of anybody's.
  ['K9 two spaces', at('/api/x', ...authorization(`Bearer  ${token}`)), {}],
  // RFC 9110 section 5.5: white space around a value is no part of it.
  ['K9 spaces around', at('/api/x', ...authorization(`  Bearer ${token}  `)), {}],
  ['K11 UTF-8', basic(`Basic ${base64('bob:pässword')}`), {}],
  ['K11 the scheme in lower case', basic(`basic ${base64('bob:pässword')}`), {}],
  ['K13 a quoted cookie', cookie(`session="${token}"`), { cookie: [] }],
  [
    'K13 $Version and a cookie without a value',
    cookie(`$Version=1; session=${token}; flag`),
    { cookie: ['$Version=1; flag'] },
  ],
  [
    'K13 a shadow with a prefix is another cookie',
    cookie(`__Host-session=x; session=${token}`),
    { cookie: ['__Host-session=x'] },
  ],
  [
    'K14 the others are the same, in their order',
    cookie(`z="1"; a=%41;session=${token};  b=2=3`),
    { cookie: ['z="1"; a=%41;  b=2=3'] },
  ],
  [
    'K15 a cookie from a page of ours',
    { ...cookie(`session=${token}`, ['Origin', 'https://api.test']), method: 'POST' },
    {},
  ],
  ['K15 a header from another site is no browser’s doing', { ...bearer('/cookie/x'), method: 'POST' }, {}],
  ['K16 the field in any case', at('/key/x', ['X-API-KEY', machineKey]), {}],
  ['K16 spaces around', keyed(` ${machineKey}  `), {}],
  ['K18 by default it goes no further', bearer(), {}],
  ['K18 where the policy says so, it does', bearer('/kept/x'), { authorization: [`Bearer ${token}`] }],
  [
    'K19 Proxy-Authorization goes no further',
    at('/public/x', ['Proxy-Authorization', `Bearer ${other}`]),
    {},
  ],
];
for (const [name, request, expected] of ALLOWED) {
  t.test(name, async (t) => {
    const seen = await world.forwarded(t, request);
    t.equal(seen.target, expected.target ?? request.target);
    t.strictSame(seen.all('authorization'), expected.authorization ?? []);
    if (expected.cookie !== undefined) t.strictSame(seen.all('cookie'), expected.cookie);
    for (const name of ['proxy-authorization', 'x-api-key']) t.strictSame(seen.all(name), [], name);
    const text = JSON.stringify(seen.headerLines) + seen.target;
    const credentials = [token, other, machineKey].filter((each) => text.includes(each));
    t.strictSame(credentials, (expected.authorization ?? []).length > 0 ? [token] : []);
  });
}

t.test('K7 answers to a token in the query are for nobody else', async (t) => {
  const response = await world.send(at(`/query/x?access_token=${token}`));
  t.equal(response.status, 200);
  t.match(response.get('cache-control'), /private|no-store/);
});

t.test('K3 K20 an issuer without keys is our failure, also after ambiguous requests', async (t) => {
  const response = await world.send(at('/down/x', ...authorization(`Bearer ${ofNobodyWithKeys}`)));
  t.equal(response.status, 503);
  t.ok(world.gateway.running());
});

t.test('K17 keys are nowhere in the process, of which nobody has more than the hash', async (t) => {
  await world.forwarded(t, keyed(machineKey));
  for (const file of ['cmdline', 'environ']) {
    t.notOk(readFileSync(`/proc/${world.gateway.pid}/${file}`, 'latin1').includes(machineHash), file);
  }
  t.notOk(world.gateway.output().includes(machineHash), 'nor is the hash in the log');
});

t.test('K21 a preflight of a page that may come is answered, and asks nobody', async (t) => {
  const before = await world.upstream.mark();
  const response = await world.send({
    ...at(
      '/cors/x',
      ['Origin', 'https://app.test'],
      ['Access-Control-Request-Method', 'GET'],
      ['X-Auth-Subject', 'root'],
    ),
    method: 'OPTIONS',
  });
  t.equal(response.status, 204);
  t.equal(await world.upstream.mark(), before);
});

t.test('K6 K17 nothing leaked, nothing crashed', (t) =>
  world.conclude(t, [machineKey, machineHash, 'pässword', base64('bob:pässword')]),
);
