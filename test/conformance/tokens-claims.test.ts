/** What a token says: time, issuer, audience, type, required claims (RFC 7519 section 4, RFC 9068, RFC 8725). */
import t from 'tap';
import { INVALID_TOKEN, TOKEN_EXPIRED, UNAUTHENTICATED } from '../fixtures/refusal.ts';
import {
  createSigningKey,
  defaultClaims,
  keySet,
  type Members,
  nowSeconds,
  signBytes,
  signToken,
} from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const stranger = createSigningKey('ES256', key.kid);
const now = nowSeconds();

const policyFor = (url: string, extra = ''): string => `
upstream: ${url}
accept: [corp, exact, strict, short]
${extra}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: &keys ${JSON.stringify(keySet(key))}}
  exact: {issuer: https://exact.test, audience: api, jwks: *keys, leeway: 0s}
  strict: {issuer: https://strict.test, audience: api, jwks: *keys, profile: rfc9068}
  short: {issuer: https://short.test, audience: api, jwks: *keys, max_lifetime: 10m}
routes:
  - path: /orders/**
  - path: /payments/**
    audience: payments
  - path: /users/**
    require: {when: subject != client}
`;
const world = await startWorld(t, { policy: policyFor });
const target = '/orders/1';

const ACCEPTED: [string, Members, Members?][] = [
  ['T05 expired within the leeway', { exp: now - 10 }],
  ['T08 a fractional exp', { exp: now + 60.5 }],
  ['T10 a lifetime within the bound', { iss: 'https://short.test', iat: now, exp: now + 500 }],
  ['T11 nbf within the leeway', { nbf: now + 10 }],
  ['T20 our audience among others', { aud: ['other', 'api'] }],
  ['T35 typ at+jwt', {}, { typ: 'at+jwt' }],
  ['T35 typ application/at+jwt', {}, { typ: 'application/at+jwt' }],
  ['T35 typ in other case', {}, { typ: 'AT+JWT' }],
  ['T35 the strict profile takes at+jwt', { iss: 'https://strict.test' }, { typ: 'at+jwt' }],
  ['T37 compat takes typ JWT', {}, { typ: 'JWT' }],
  ['T37 compat takes no typ at all', {}, { typ: undefined }],
  ['J34 one audience as an array', { aud: ['api'] }],
];
for (const [name, claims, header] of ACCEPTED) {
  t.test(name, async (t) => {
    const seen = await world.forwarded(t, { target, token: signToken(key, claims, header) });
    t.strictSame(seen.all('x-auth-subject'), ['alice']);
  });
}

const REFUSED: [string, Members, Members?][] = [
  ['T06 no exp', { exp: undefined }],
  ['T07 exp as a string', { exp: String(now + 60) }],
  ['T07 exp null', { exp: null }],
  ['J42 exp true', { exp: true }],
  ['J42 exp an array', { exp: [now + 60] }],
  ['J44 exp in milliseconds', { exp: Date.now() + 60_000 }],
  ['J44 exp beyond the year 2100', { exp: 4_102_444_801 }],
  ['T10 a lifetime over the bound', { iss: 'https://short.test', iat: now, exp: now + 700 }],
  ['T10 a bounded lifetime needs iat', { iss: 'https://short.test', iat: undefined }],
  ['T11 nbf in the future', { nbf: now + 120 }],
  ['J45 nbf as a string', { nbf: String(now) }],
  ['T12 iat far in the future', { iat: now + 600, exp: now + 900 }],
  ['T13 iat not a number', { iat: 'yesterday' }],
  ['T14 no iss', { iss: undefined }],
  ['T14 an issuer nobody configured', { iss: 'https://evil.test' }],
  ['T15 iss with a trailing slash', { iss: 'https://issuer.test/' }],
  ['T15 iss in other case', { iss: 'https://Issuer.test' }],
  ['T15 iss with the default port', { iss: 'https://issuer.test:443' }],
  ['T16 iss an array', { iss: ['https://issuer.test'] }],
  ['J33 iss an object', { iss: { url: 'https://issuer.test' } }],
  ['J33 iss empty', { iss: '' }],
  ['T18 no aud', { aud: undefined }],
  ['T19 another audience', { aud: 'other' }],
  ['T19 aud empty', { aud: [] }],
  ['T19 aud an object', { aud: { api: true } }],
  ['J34 aud a nested array', { aud: [['api']] }],
  ['J34 aud a number', { aud: 1 }],
  ['J34 aud with null beside ours', { aud: ['api', null] }],
  ['T21 an audience in other case', { aud: 'API' }],
  ['T21 an audience with a slash', { aud: 'api/' }],
  ['J34 an audience that begins like ours', { aud: 'api-other' }],
  ['T36 the strict profile refuses typ JWT', { iss: 'https://strict.test' }, { typ: 'JWT' }],
  ['T36 the strict profile refuses a missing typ', { iss: 'https://strict.test' }, { typ: undefined }],
  ['J40 the strict profile refuses a typ that is a number', { iss: 'https://strict.test' }, { typ: 1 }],
  ['T38 a DPoP proof', {}, { typ: 'dpop+jwt' }],
  ['T38 a logout token', {}, { typ: 'logout+jwt' }],
  ['T38 a security event', {}, { typ: 'secevent+jwt' }],
  ['T38 a status list', {}, { typ: 'statuslist+jwt' }],
  ['T38 a workload identity', {}, { typ: 'wit+jwt' }],
  ['T38 an introspection response', {}, { typ: 'token-introspection+jwt' }],
  ['T39 an ID token by its nonce', { nonce: 'n' }, { typ: 'JWT' }],
  ['T39 an ID token by at_hash', { at_hash: 'h' }, { typ: 'JWT' }],
  ['T39 an ID token by c_hash', { c_hash: 'h' }, { typ: 'JWT' }],
  ['T39 an ID token by token_use', { token_use: 'id' }, { typ: 'JWT' }],
  ['T39 an ID token by the claim typ', { typ: 'ID' }, { typ: 'JWT' }],
  [
    'T39 an ID token of a login',
    { azp: 'x', auth_time: 1, sid: 's', client_id: undefined, scope: undefined },
    { typ: 'JWT' },
  ],
  ['T39 a refresh token by tokenType', { tokenType: 'refresh-token' }, { typ: 'JWT' }],
  ['T39 a refresh token by the claim typ', { typ: 'Offline' }, { typ: 'JWT' }],
  ['T39 a refresh token under at+jwt', { token_type: 'refresh' }, { typ: 'at+jwt' }],
  ['T39 a logout token by its events', { events: { 'http://x/logout': {} } }, { typ: 'JWT' }],
  ['T40 rfc9068 without sub', { iss: 'https://strict.test', sub: undefined }],
  ['T40 rfc9068 without client_id', { iss: 'https://strict.test', client_id: undefined }],
  ['T40 rfc9068 without iat', { iss: 'https://strict.test', iat: undefined }],
  ['T40 rfc9068 without jti', { iss: 'https://strict.test', jti: undefined }],
  ['J73 no subject', { sub: undefined }],
  ['J73 a subject that is a number', { sub: 7 }],
  ['J73 an empty subject', { sub: '' }],
  ['J75 a token bound to a key by thumbprint', { cnf: { jkt: 'abc' } }],
  ['J75 a token bound to a certificate', { cnf: { 'x5t#S256': 'abc' } }],
];
for (const [name, claims, header] of REFUSED) {
  t.test(name, async (t) => {
    await world.refused(t, { target, token: signToken(key, claims, header) }, INVALID_TOKEN);
  });
}

const EXPIRED: [string, Members][] = [
  ['T02 expired beyond the leeway', { exp: now - 60 }],
  ['T04 exp is now, without leeway', { iss: 'https://exact.test', exp: nowSeconds() }],
  ['T02 expired before it was issued is expired first of all', { exp: now - 60, iat: now }],
  ['J44 exp 0', { exp: 0, iat: undefined }],
  ['J44 exp negative', { exp: -1, iat: undefined }],
];
for (const [name, claims] of EXPIRED) {
  t.test(name, async (t) => {
    await world.refused(t, { target, token: signToken(key, claims) }, TOKEN_EXPIRED);
  });
}

t.test('T03 minimal detail gives the seed example for an expired token, byte for byte', async (t) => {
  const minimal = await startWorld(t, { policy: (url) => policyFor(url, 'errors: {detail: minimal}') });
  await minimal.refused(t, { target, token: signToken(key, { exp: now - 60 }) }, UNAUTHENTICATED);
  await minimal.refused(t, { target, token: 'garbage' }, UNAUTHENTICATED);
  await minimal.conclude(t);
});

const PAYLOADS: [string, string | Buffer][] = [
  ['T09 exp that parses to infinity', withClaims('"exp":1e999')],
  ['J44 exp 1e308', withClaims('"exp":1e308')],
  ['T41 a claim that occurs twice', withClaims(`"exp":${now + 60},"exp":${now + 60}`)],
  ['T41 a claim that occurs twice, once escaped', withClaims(`"exp":${now + 60},"s\\u0075b":"root"`)],
  ['T42 iss only inside __proto__', `{"__proto__":${JSON.stringify(defaultClaims())},"sub":"alice"}`],
  ['T43 a payload that is an array', `[${JSON.stringify(defaultClaims())}]`],
  ['T43 a payload that is a string', '"hello"'],
  ['T43 a payload that is null', 'null'],
  ['T43 an empty payload', ''],
  [
    'T43 a payload of broken UTF-8',
    Buffer.concat([Buffer.from('{"sub":"'), Buffer.from([0xff]), Buffer.from('"}')]),
  ],
  ['J30 a payload with a trailing comma', `${JSON.stringify(defaultClaims()).slice(0, -1)},}`],
  ['J30 a payload with a comment', `/**/${JSON.stringify(defaultClaims())}`],
  ['J25 a payload behind a byte order mark', Buffer.from(`\ufeff${JSON.stringify(defaultClaims())}`)],
  ['J32 a payload of great depth', `{"a":${'['.repeat(4000)}${']'.repeat(4000)}}`],
];
for (const [name, payload] of PAYLOADS) {
  t.test(name, async (t) => {
    const token = signBytes(key, JSON.stringify({ alg: key.alg, kid: key.kid, typ: 'at+jwt' }), payload);
    await world.refused(t, { target, token }, INVALID_TOKEN);
  });
}

t.test('T22 a route may ask for an audience of its own', async (t) => {
  await world.refused(t, { target: '/payments/1', token: signToken(key) }, INVALID_TOKEN);
  await world.forwarded(t, { target: '/payments/1', token: signToken(key, { aud: ['api', 'payments'] }) });
});

t.test('T29 an expired forgery is not called expired', async (t) => {
  await world.refused(t, { target, token: signToken(stranger, { exp: now - 60 }) }, INVALID_TOKEN);
});

t.test('T30 an expired token for another audience is not called expired', async (t) => {
  await world.refused(t, { target, token: signToken(key, { exp: now - 60, aud: 'other' }) }, INVALID_TOKEN);
});

t.test('T46 a token that was accepted is refused once it expires', async (t) => {
  const token = signToken(key, { iss: 'https://exact.test', exp: nowSeconds() + 5 });
  const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  await world.forwarded(t, { target, token });
  await world.forwarded(t, { target, token });
  await new Promise((resolve) => setTimeout(resolve, exp * 1000 - Date.now() + 5));
  await world.refused(t, { target, token }, TOKEN_EXPIRED);
});

t.test('T47 an actor never becomes the subject', async (t) => {
  const act = { sub: 'support', act: { sub: 'root' } };
  const seen = await world.forwarded(t, { target, token: signToken(key, { act }) });
  t.strictSame(seen.all('x-auth-subject'), ['alice']);
});

t.test('T48 a client that acts for itself can be kept off a route for users', async (t) => {
  const token = signToken(key, { sub: 'shop' });
  const response = await world.send({ target: '/users/1', token });
  t.equal(response.status, 403);
  t.strictSame(response.all('www-authenticate'), []);
  await world.forwarded(t, { target: '/users/1', token: signToken(key) });
});

t.test('T01 nothing leaked, nothing crashed', (t) => world.conclude(t));

/** The default claims without exp, and these bytes. */
function withClaims(bytes: string): string {
  return `${JSON.stringify({ ...defaultClaims(), exp: undefined }).slice(0, -1)},${bytes}}`;
}
