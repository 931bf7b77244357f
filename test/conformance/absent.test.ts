/** Credentials absent, or not in a form that the route understands (RFC 9110 section 11, RFC 6750 sections 2 and 3). */
import t from 'tap';
import { exchange } from '../fixtures/raw-client.ts';
import { INVALID_TOKEN, NOT_FOUND, UNAUTHENTICATED } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('RS256');
const stranger = createSigningKey('RS256', 'rs256-1');
const token = signToken(key);
const forged = signToken(stranger);

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
issuers:
  corp:
    issuer: https://issuer.test
    audience: api
    jwks: ${JSON.stringify(keySet(key))}
routes:
  - path: /orders/**
  - path: /public/**
    auth: none
  - path: /mixed/**
    auth: optional
`,
});

const asked = (headers: RequestParts['headers'] = [], more: RequestParts = {}): RequestParts => ({
  target: '/orders/1',
  headers,
  ...more,
});
const basic = `Basic ${Buffer.from('alice:secret').toString('base64')}`;
const form: RequestParts = {
  method: 'POST',
  headers: [['Content-Type', 'application/x-www-form-urlencoded']],
  body: `access_token=${token}`,
};

const NOT_PRESENTED: [string, RequestParts][] = [
  ['A01 no Authorization gives the plain challenge and body, byte for byte', asked()],
  ['A04 an empty Authorization is none', asked([['Authorization', '']])],
  ['A05 a bare token without a scheme is not understood', asked([['Authorization', token]])],
  ['A06 Basic on a route that takes Bearer only', asked([['Authorization', basic]])],
  ['A07 an unknown scheme', asked([['Authorization', 'Foo abc']])],
  ['A08 DPoP where it is not enabled', asked([['Authorization', `DPoP ${token}`]])],
  ['A12 a query token is ignored where none is configured', { target: `/orders/1?access_token=${token}` }],
  ['A13 a form body token is ignored', { target: '/orders/1', ...form }],
  ['A14 a cookie token is ignored where none is configured', asked([['Cookie', `session=${token}`]])],
  ['A19 a browser gets JSON, no page and no redirect', asked([['Accept', 'text/html,*/*;q=0.8']])],
  ['A20 an unmatched path looks like a protected one to strangers', { target: '/nothing/here' }],
  ['F03 Proxy-Authorization is no credential', asked([['Proxy-Authorization', `Bearer ${token}`]])],
  ['Y07 a key in the query is ignored', { target: '/orders/1?api_key=abc' }],
];

for (const [name, request] of NOT_PRESENTED) {
  t.test(name, async (t) => {
    await world.refused(t, request, UNAUTHENTICATED);
  });
}

t.test('A01 the header lines of the seed example are there literally', async (t) => {
  const response = await world.send(asked());
  t.match(response.head, /^HTTP\/1\.1 401 Unauthorized\r\n/);
  t.ok(
    response.headerLines.some(
      ([name, value]) => `${name}: ${value}` === 'WWW-Authenticate: Bearer realm="api"',
    ),
  );
  t.ok(
    response.headerLines.some(([name, value]) => `${name}: ${value}` === 'Content-Type: application/json'),
  );
  t.equal(response.body.toString(), '{"error":"unauthorized"}');
});

t.test('A20 unmatched and protected answers are the same bytes', async (t) => {
  const [protectedAnswer, unmatchedAnswer] = [
    await world.send(asked()),
    await world.send({ target: '/zzz' }),
  ];
  t.strictSame(stable(unmatchedAnswer.headerLines), stable(protectedAnswer.headerLines));
  t.strictSame(unmatchedAnswer.body, protectedAnswer.body);
});

for (const scheme of ['bearer', 'BEARER', 'bEaReR']) {
  t.test(`A09 the scheme is case-insensitive: ${scheme}`, async (t) => {
    const seen = await world.forwarded(t, asked([['Authorization', `${scheme} ${token}`]]));
    t.strictSame(seen.all('x-auth-subject'), ['alice']);
  });
}

t.test('A10 several spaces after the scheme are within the grammar', async (t) => {
  await world.forwarded(t, asked([['Authorization', `Bearer   ${token}`]]));
});

t.test('A11 a tab after the scheme is not', async (t) => {
  await world.refused(t, asked([['Authorization', `Bearer\t${token}`]]), INVALID_TOKEN);
});

t.test('A16 a public route ignores bad credentials and strips identity headers', async (t) => {
  const headers: RequestParts['headers'] = [['X-Auth-Subject', 'root']];
  const seen = await world.forwarded(t, { target: '/public/x', token: forged, headers });
  t.strictSame(seen.all('x-auth-subject'), []);
  t.strictSame(seen.all('authorization'), []);
});

t.test('A17 an optional route without credentials is anonymous, without identity headers', async (t) => {
  const seen = await world.forwarded(t, { target: '/mixed/x', headers: [['X-Auth-Subject', 'root']] });
  t.strictSame(
    seen.headerLines.filter(([name]) => /^x.auth/i.test(name)),
    [],
  );
});

t.test('A17 an optional route knows a caller who says who they are', async (t) => {
  const seen = await world.forwarded(t, { target: '/mixed/x', token });
  t.strictSame(seen.all('x-auth-subject'), ['alice']);
});

t.test('A18 an optional route never takes a bad credential for none', async (t) => {
  await world.refused(t, { target: '/mixed/x', token: forged }, INVALID_TOKEN);
});

t.test('A21 an unmatched path is 404 for who may know it', async (t) => {
  await world.refused(t, { target: '/nothing/here', token }, NOT_FOUND);
});

t.test('A22 the challenge is the same after a failed attempt', async (t) => {
  const connection = Buffer.concat([1, 2, 3].map(() => failing()));
  const responses = await exchange(world.gateway.port, connection, ['GET', 'GET', 'GET']);
  for (const response of responses) t.strictSame(response.all('www-authenticate'), INVALID_TOKEN.challenges);
  await world.refused(t, asked(), UNAUTHENTICATED);
});

t.test('A12 nothing leaked, nothing crashed', async (t) => {
  await world.conclude(t, ['alice:secret', basic.slice(6)]);
});

function failing(): Buffer {
  return Buffer.from(`GET /orders/1 HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ${forged}\r\n\r\n`);
}

/** Header lines but those that differ from answer to answer. */
function stable(lines: readonly (readonly [string, string])[]): string[] {
  return lines
    .filter(([name]) => !/^(date|x-request-id)$/i.test(name))
    .map(([name, value]) => `${name}: ${value}`);
}
