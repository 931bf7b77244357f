/**
 * L: what differences tell. Answers that must not be told apart are the same bytes and the same work: each piece of
 * cryptography is counted, since its time is what could be measured. Statistics are in bench/response-times.ts.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import t from 'tap';

/** Calls so far, each with the size of what it was given. */
const calls: string[] = [];
const COUNTED = [
  'hash',
  'createHash',
  'createHmac',
  'timingSafeEqual',
  'verify',
  'sign',
  'scrypt',
  'argon2',
] as const;
for (const name of COUNTED) {
  const original: unknown = crypto[name];
  if (typeof original !== 'function') throw new Error(`no ${name}`);
  const counted = (...given: unknown[]): unknown => {
    calls.push(name);
    return Reflect.apply(original, crypto, given);
  };
  Reflect.set(crypto, name, counted);
}
// What was imported by name follows.
syncBuiltinESMExports();
const verifySignature = crypto.webcrypto.subtle.verify;
crypto.webcrypto.subtle.verify = function (...given: Parameters<typeof verifySignature>) {
  calls.push('verify');
  return verifySignature.apply(this, given);
};

const { serve } = await import('../fixtures/server.ts');
const { exchange } = await import('../fixtures/raw-client.ts');
const { startRecordingUpstream } = await import('../fixtures/recording-upstream.ts');
const { createSigningKey, keySet, signToken } = await import('../fixtures/token-signer.ts');
const { requestBytes } = await import('../fixtures/world.ts');
type RequestParts = import('../fixtures/world.ts').RequestParts;

const key = createSigningKey('ES256');
const sha256 = (text: string): string => crypto.createHash('sha256').update(text).digest('hex');
/** `secret-of-bob`, whose hash costs as much as that of others here. */
const PASSWORD_HASH = `$scrypt$ln=16,r=8,p=1$${saltAndHash('secret-of-bob')}`;
const upstream = await startRecordingUpstream(t);
const { port } = await serve(
  t,
  `
upstream: ${upstream.url}
accept: [corp]
issuers:
  corp: {issuer: https://issuer.test, audience: api, claims: {roles: [roles]}, jwks: ${JSON.stringify(keySet(key))}}
api_keys:
  machines:
    header: X-API-Key
    keys:
      - {id: good, sha256: ${sha256('key-good')}}
      - {id: old, sha256: ${sha256('key-old')}, expires: 2020-01-01}
  partners: {header: X-API-Key, keys: [{id: other, sha256: ${sha256('key-other')}}]}
basic:
  ops: {users: [{username: bob, password_hash: "${PASSWORD_HASH}"}, {username: eve, password_hash: "${PASSWORD_HASH}"}]}
  others: {users: [{username: carol, password_hash: "${PASSWORD_HASH}"}]}
routes:
  - {path: /api/**}
  - {path: /keys/**, accept: [machines]}
  - {path: /users/**, accept: [ops]}
  - {path: /hidden/**, require: {roles: boss}, on_forbidden: 404}
  - {path: /hidden-scope/**, require: {scopes: admin}, on_forbidden: 404}
  - {path: /hidden-claim/**, require: {claims: {tenant: acme}}, on_forbidden: 404}
  - {path: /hidden-method, methods: [POST], require: {roles: boss}, on_forbidden: 404}
`,
);

function saltAndHash(password: string): string {
  const salt = Buffer.alloc(16, 9);
  const derived = crypto.scryptSync(password, salt, 32, { N: 2 ** 16, r: 8, p: 1, maxmem: 2 ** 27 });
  return [salt, derived].map((bytes) => bytes.toString('base64').replaceAll('=', '')).join('$');
}

/** Answer without what is new in each, and the work that it took. */
async function observe(request: RequestParts): Promise<{ status: number; answer: string; work: string[] }> {
  calls.length = 0;
  const [response] = await exchange(port, requestBytes(request), [request.method ?? 'GET']);
  if (!response) throw new Error('no response');
  const head = response.head.replace(/^(X-Request-Id|Date): .*\r\n/gim, '');
  return { status: response.status, answer: head + response.body.toString('latin1'), work: [...calls] };
}

const withKey = (value: string): RequestParts => ({ target: '/keys/x', headers: [['X-API-Key', value]] });
const withPassword = (userPass: string): RequestParts => ({
  target: '/users/x',
  headers: [['Authorization', `Basic ${Buffer.from(userPass).toString('base64')}`]],
});
const fresh = (target: string, method = 'GET'): RequestParts => ({ target, method, token: signToken(key) });

/** Each group is one answer and one work. */
const GROUPS: readonly (readonly [
  name: string,
  status: number,
  work: readonly string[],
  members: Readonly<Record<string, () => RequestParts>>,
])[] = [
  [
    'L8 a key that is no good',
    401,
    ['hash', 'timingSafeEqual'],
    {
      'that nobody has': () => withKey('key-x'),
      'that begins like a good one': () => withKey('key-goo'),
      'that expired': () => withKey('key-old'),
      'of another set': () => withKey('key-other'),
      'that is long': () => withKey('x'.repeat(4_000)),
    },
  ],
  [
    'L8 K12 B05 a name and password that are no good',
    401,
    ['createHmac', 'createHmac', 'scrypt', 'timingSafeEqual'],
    {
      'a wrong password': () => withPassword('bob:wrong'),
      'no password': () => withPassword('bob:'),
      'a name that nobody has': () => withPassword('nobody:wrong'),
      'a name that nobody has, without a password': () => withPassword('nobody2:'),
      neither: () => withPassword(':'),
      'a wrong password of another list': () => withPassword('carol:wrong'),
      'a right password of another list': () => withPassword('carol:secret-of-bob'),
    },
  ],
  [
    'L6 nothing there, for who may know it',
    404,
    ['hash', 'verify'],
    {
      'no route': () => fresh('/nowhere/x'),
      'another path without a route': () => fresh('/hidde'),
      'a route of a role': () => fresh('/hidden/x'),
      'a route of a scope': () => fresh('/hidden-scope/x'),
      'a route of a claim': () => fresh('/hidden-claim/x'),
      'a method of a route': () => fresh('/hidden-method', 'GET'),
      'a route of that method': () => fresh('/hidden-method', 'POST'),
    },
  ],
  [
    'L6 nobody has said who they are',
    401,
    [],
    {
      'a route': () => ({ target: '/hidden/x' }),
      'no route': () => ({ target: '/nowhere/x' }),
      'a route of another method': () => ({ target: '/hidden-method' }),
      'the root': () => ({ target: '/' }),
      'a long path': () => ({ target: `/${'x'.repeat(4_000)}` }),
    },
  ],
];

for (const [name, status, work, members] of GROUPS) {
  t.test(`${name} is one answer and one work`, async (t) => {
    const answers = new Set<string>();
    for (const [member, request] of Object.entries(members)) {
      const seen = await observe(request());
      t.equal(seen.status, status, member);
      t.strictSame(seen.work, work, member);
      answers.add(seen.answer);
    }
    t.equal(answers.size, 1, [...answers].join('\n---\n'));
  });
}

t.test('L7 L8 good credentials cost what bad ones do, until they are remembered', async (t) => {
  t.strictSame((await observe(withKey('key-good'))).work, ['hash', 'timingSafeEqual']);
  t.strictSame((await observe(withPassword('bob:secret-of-bob'))).work, [
    'createHmac',
    'createHmac',
    'scrypt',
    'timingSafeEqual',
  ]);
  const again = await observe(withPassword('bob:secret-of-bob'));
  t.equal(again.status, 200);
  t.notOk(again.work.includes('scrypt'), 'known for a minute');
});

t.test('L7 a remembered token is told apart from nothing, whatever it may not', async (t) => {
  const request = { token: signToken(key) };
  await observe({ ...request, target: '/api/x' });
  const [there, absent] = [
    await observe({ ...request, target: '/hidden/x' }),
    await observe({ ...request, target: '/nowhere' }),
  ];
  t.strictSame(there.work, absent.work);
  t.notOk(there.work.includes('verify'));
  t.equal(there.answer, absent.answer);
});

t.test('L10 of a token that is no good only its age is told, and only if all else is right', async (t) => {
  const past = { iat: 1_000, exp: 2_000 };
  const other = createSigningKey('ES256');
  const told = async (token: string) => (await observe({ target: '/api/x', token })).answer;
  const invalid = await told(signToken(other));
  for (const token of [
    signToken(other, past),
    signToken(key, { iss: 'https://other.test' }),
    signToken(key, { aud: 'other' }),
    signToken(key, { ...past, aud: 'other' }),
    signToken(key, { nbf: Math.floor(Date.now() / 1000) + 3_000 }),
    signToken(key, {}, { kid: 'other' }),
    signToken(key, {}, { crit: ['x'] }),
    'x.y.z',
  ]) {
    t.equal(await told(token), invalid);
  }
  const expired = await told(signToken(key, past));
  t.match(expired, /token_expired/);
  t.not(expired, invalid);
});
