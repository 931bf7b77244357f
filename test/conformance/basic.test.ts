/** HTTP Basic: names and passwords of every kind of hash, one uniform refusal for every wrong one, Bearer before it. */
import { createHash } from 'node:crypto';
import t from 'tap';
import {
  AMBIGUOUS,
  type ExpectedRefusal,
  FORBIDDEN,
  INVALID_API_KEY,
  INVALID_TOKEN,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  PLAIN_CHALLENGE,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

/** Of `123£`, `open: sesame`, `pässword` and `secret-of-carol`. */
const HASHES = {
  test: '$argon2id$v=19$m=19456,t=2,p=1$tSQsgI1701dzVUt+6rHxrg$7oGLrUBL5ZrDvS8v0a2rlzWyp1WUko7bud+ivFaapnw',
  alice: '$scrypt$ln=17,r=8,p=1$JQa/J43SV2qyl0PPycs/5g$0W85hoWvNCEVcJGTryzi3Z86M8MRj96xwTj6oKg4ys0',
  bob: '$2b$10$fAZ8afEzDg1jYRJxVPOD6OyqcRcbNiPSiFvfZpTE1wqupACImAiMW',
  carol: '$argon2id$v=19$m=19456,t=2,p=1$hhYFutdoIX5ebueV+Lvdow$K+D/X9183keT+X9jAX6I03Bn1n1D5dA9KGULSLV0nvs',
};
const signer = createSigningKey('ES256');
const apiKey = 'k-of-a-machine';

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [ops]
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(signer))}}
api_keys:
  machines: {keys: [{id: one, sha256: ${createHash('sha256').update(apiKey).digest('hex')}}]}
basic:
  ops:
    users:
      - {username: test, password_hash: "${HASHES.test}", scopes: [read, write], roles: [staff]}
      - {username: alice, password_hash: "${HASHES.alice}", subject: alice@example.com}
      - {username: bob, password_hash: "${HASHES.bob}"}
  partners:
    users:
      - {username: carol, password_hash: "${HASHES.carol}"}
routes:
  - path: /jobs/**
  - {path: /get-only, methods: [GET]}
  - path: /write/**
    require: {scopes: write}
  - path: /staff/**
    require: {roles: staff}
  - path: /either/**
    accept: [ops, corp, machines]
  - {path: /step-up, accept: [ops, corp], require: {max_age: 5m}}
  - {path: /tokens, accept: [corp]}
  - {path: /open, auth: optional}
  - {path: /hidden, require: {roles: staff}, on_forbidden: 404}
  - path: /public/**
    auth: none
  - {path: /kept, forward_credential: true}
`,
});

const BASIC_CHALLENGE = 'Basic realm="api", charset="UTF-8"';
const offering = (...challenges: string[]) => ({ ...UNAUTHENTICATED, challenges });
const INVALID_CREDENTIALS: ExpectedRefusal = {
  status: 401,
  challenges: [BASIC_CHALLENGE],
  body: '{"error":"unauthorized","code":"invalid_credentials"}',
};
const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
const raw = (value: string, target = '/jobs/1') => ({ target, headers: [['Authorization', value]] as const });
const as = (userPass: string | Buffer, target = '/jobs/1') => raw(`Basic ${base64(userPass)}`, target);

t.test('B01 a route for users offers Basic, and no Bearer that would not be true', async (t) => {
  await world.refused(t, { target: '/jobs/1' }, offering(BASIC_CHALLENGE));
  await world.refused(t, { target: '/jobs/1', method: 'HEAD' }, offering(BASIC_CHALLENGE));
  await world.refused(t, raw(''), offering(BASIC_CHALLENGE));
});

t.test('B01 where nothing is, everything is offered', async (t) => {
  await world.refused(t, { target: '/nowhere' }, offering(PLAIN_CHALLENGE, BASIC_CHALLENGE));
  await world.refused(t, as('bob:pässword', '/nowhere'), NOT_FOUND);
  await world.refused(t, { ...as('bob:pässword', '/get-only'), method: 'POST' }, METHOD_NOT_ALLOWED);
  await world.refused(t, as('bob:wrong', '/nowhere'), {
    ...INVALID_CREDENTIALS,
    challenges: [PLAIN_CHALLENGE, BASIC_CHALLENGE],
  });
});

const MALFORMED: readonly (readonly [id: string, value: string])[] = [
  ['no value', 'Basic'],
  ['only the scheme, in small letters', 'basic'],
  ['no base64', 'Basic !!!!'],
  ['the bare text', 'Basic test:123'],
  ['a tab', `Basic\t${base64('bob:pässword')}`],
  ['two values', `Basic ${base64('bob:pässword')} ${base64('bob:pässword')}`],
  ['no colon', `Basic ${base64('bob')}`],
  ['padding left out', 'Basic dGVzdDoxMjPCow'],
  ['spare bits that are set', 'Basic dGVzdDoxMjPCox=='],
  ['Latin-1', `Basic ${base64(Buffer.from('bob:pässword', 'latin1'))}`],
  ['NUL in the name', `Basic ${base64('bob\0:pässword')}`],
  ['a line break in the password', `Basic ${base64('bob:pässword\n')}`],
  ['10 kB', `Basic ${base64(`bob:${'x'.repeat(7500)}`)}`],
];
for (const [name, value] of MALFORMED) {
  t.test(`B02 K11 ${name}`, async (t) => {
    await world.refused(t, raw(value), INVALID_CREDENTIALS);
  });
}

t.test('B03 a password with a colon is split at the first', async (t) => {
  const seen = await world.forwarded(t, as('alice:open: sesame'));
  t.strictSame(seen.all('x-auth-subject'), ['alice@example.com']);
  t.strictSame(seen.all('x-auth-issuer'), ['ops']);
});

t.test('B04 the example of RFC 7617 section 2.1, and the credential goes no further', async (t) => {
  const seen = await world.forwarded(t, raw('Basic dGVzdDoxMjPCow=='));
  t.strictSame(seen.all('x-auth-subject'), ['test']);
  t.strictSame(seen.all('x-auth-scopes'), ['read write']);
  t.strictSame(seen.all('x-auth-roles'), ['staff']);
  t.strictSame(seen.all('authorization'), []);
});

t.test('B04 the scheme in any letters; text in either normalization form', async (t) => {
  for (const scheme of ['basic', 'BASIC', 'bAsIc  ']) {
    await world.forwarded(t, raw(`${scheme} ${base64('bob:pässword')}`));
  }
  await world.forwarded(t, as('bob:pa\u0308ssword'));
});

const WRONG: readonly (readonly [name: string, userPass: string])[] = [
  ['a bad password', 'bob:password'],
  ['a password cut short', 'bob:pässwor'],
  ['a password one letter longer', 'bob:pässword '],
  ['no password', 'bob:'],
  ['K12 an unknown user without password', 'nobody:'],
  ['an unknown user', 'nobody:pässword'],
  ['another case of the name', 'Bob:pässword'],
  ['K11 no name', ':pässword'],
  ['nothing at all', ':'],
  ['a good user of another list', 'carol:secret-of-carol'],
  ['the stored hash itself', `bob:${HASHES.bob}`],
  ['more bytes than bcrypt reads', `bob:${'x'.repeat(73)}`],
];
t.test('B05 whatever is wrong with a name or a password gets the same bytes', async (t) => {
  const stable = (text: string): string => text.replace(/^(date|x-request-id):.*\r\n/gim, '');
  const first = await world.send(as('bob:password'));
  for (const [name, userPass] of WRONG) {
    const response = await world.refused(t, as(userPass), INVALID_CREDENTIALS);
    t.equal(stable(response.head), stable(first.head), name);
    t.strictSame(response.body, first.body, name);
  }
});

t.test('B06 F10 Bearer is offered first, Basic second, on lines of their own', async (t) => {
  const both = [PLAIN_CHALLENGE, BASIC_CHALLENGE];
  await world.refused(t, { target: '/either/1' }, offering(...both));
  await world.refused(t, as('bob:password', '/either/1'), { ...INVALID_CREDENTIALS, challenges: both });
  const challenges = [...INVALID_TOKEN.challenges, BASIC_CHALLENGE];
  await world.refused(t, { target: '/either/1', token: 'a.b.c' }, { ...INVALID_TOKEN, challenges });
  const headers = [['X-API-Key', 'wrong']] as const;
  await world.refused(t, { target: '/either/1', headers }, { ...INVALID_API_KEY, challenges });
});

t.test('B06 each kind is taken where all are', async (t) => {
  await world.forwarded(t, as('bob:pässword', '/either/1'));
  await world.forwarded(t, { target: '/either/1', token: signToken(signer) });
  await world.forwarded(t, { target: '/either/1', token: apiKey });
});

t.test('A06 each scheme where only the other counts is no credential', async (t) => {
  await world.refused(t, as('bob:pässword', '/tokens'), UNAUTHENTICATED);
  await world.refused(t, raw('Basic !!!!', '/tokens'), UNAUTHENTICATED);
  for (const value of [signToken(signer), apiKey, 'a b', '']) {
    await world.refused(t, raw(`Bearer ${value}`), offering(BASIC_CHALLENGE));
  }
});

t.test('K2 two credentials are ambiguous', async (t) => {
  const credentials = ['Authorization', `Basic ${base64('bob:pässword')}`] as const;
  const challenges = [...AMBIGUOUS.challenges, BASIC_CHALLENGE];
  const withKey = [credentials, ['X-API-Key', apiKey]] as const;
  await world.refused(t, { target: '/either/1', headers: withKey }, { ...AMBIGUOUS, challenges });
  const withToken = { target: '/either/1', headers: [credentials], token: signToken(signer) };
  await world.refused(t, withToken, { ...AMBIGUOUS, challenges });
  const twice = { target: '/jobs/1', headers: [credentials, credentials] };
  await world.refused(t, twice, { ...AMBIGUOUS, challenges: [BASIC_CHALLENGE] });
});

t.test('a user who may not is 403: without a challenge where no token would help', async (t) => {
  await world.refused(t, as('bob:pässword', '/staff/1'), FORBIDDEN);
  await world.refused(t, as('bob:pässword', '/write/1'), {
    status: 403,
    challenges: [],
    body: '{"error":"forbidden","code":"insufficient_scope"}',
  });
  await world.forwarded(t, raw('Basic dGVzdDoxMjPCow==', '/staff/1'));
  await world.forwarded(t, raw('Basic dGVzdDoxMjPCow==', '/write/1'));
});

t.test('F01 a user on a route that asks for a recent login is pointed to tokens', async (t) => {
  const response = await world.send(as('bob:pässword', '/step-up'));
  t.equal(response.status, 401);
  t.match(response.all('www-authenticate'), [/^Bearer .*error="insufficient_user_authentication"/]);
  t.equal(response.all('www-authenticate').length, 1);
});

t.test('a concealed route answers users like a path where nothing is', async (t) => {
  const everywhere = offering(PLAIN_CHALLENGE, BASIC_CHALLENGE);
  await world.refused(t, { target: '/hidden' }, everywhere);
  await world.refused(t, as('bob:pässword', '/hidden'), NOT_FOUND);
  await world.refused(t, as('carol:secret-of-carol', '/hidden'), NOT_FOUND);
  await world.refused(t, { target: '/hidden', token: signToken(signer) }, NOT_FOUND);
  await world.forwarded(t, raw('Basic dGVzdDoxMjPCow==', '/hidden'));
});

t.test('auth: optional takes nobody and somebody, and no wrong password', async (t) => {
  t.strictSame((await world.forwarded(t, { target: '/open' })).all('x-auth-subject'), []);
  t.strictSame((await world.forwarded(t, as('bob:pässword', '/open'))).all('x-auth-subject'), ['bob']);
  await world.refused(t, as('bob:password', '/open'), INVALID_CREDENTIALS);
});

t.test('a credential is passed on only where it was judged and the route says so', async (t) => {
  const authorization = `Basic ${base64('bob:pässword')}`;
  t.strictSame((await world.forwarded(t, raw(authorization, '/public/1'))).all('authorization'), []);
  t.strictSame((await world.forwarded(t, raw(authorization, '/kept'))).all('authorization'), [authorization]);
});

t.test('passwords that are sent at once are judged together', async (t) => {
  const requests = [
    'bob:pässword',
    'test:123£',
    'alice:open: sesame',
    'bob:1',
    'bob:2',
    'nobody:3',
    'bob:pässword',
  ];
  const responses = await Promise.all(requests.map((userPass) => world.send(as(userPass))));
  t.strictSame(
    responses.map(({ status }) => status),
    [200, 200, 200, 401, 401, 401, 200],
  );
});

t.test('G17 nothing of a password or a hash is in the log, and nothing crashed', async (t) => {
  const line = await world.gateway.line(({ 'auth.kind': kind }) => kind === 'basic');
  t.match(line, { 'auth.source': 'ops' });
  const passwords = ['open: sesame', 'pässword', '123£', 'secret-of-carol', 'dGVzdDoxMjPCow'];
  const sent = ['alice:open: sesame', 'bob:pässword', 'carol:secret-of-carol', 'bob:password'].map(base64);
  const hashes = Object.values(HASHES).map((hash) => hash.slice(-20));
  await world.conclude(t, [...passwords, ...sent, ...hashes]);
});
