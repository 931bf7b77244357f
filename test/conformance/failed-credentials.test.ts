/**
 * Peers that show too many bad credentials (RFC 6585 section 4): 429, for as long as the budget says, for whatever would
 * have to be judged, and for nobody else. Each test is a peer of its own, 127.0.0.N.
 */
import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import { openConnection, type RawResponse } from '../fixtures/raw-client.ts';
import {
  AMBIGUOUS,
  assertRefusal,
  FORBIDDEN,
  INVALID_TOKEN,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  PLAIN_CHALLENGE,
  RATE_LIMITED,
  TOKEN_EXPIRED,
  UNAVAILABLE,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, nowSeconds, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, requestBytes, startWorld } from '../fixtures/world.ts';

const APP = 'https://app.example.com';
const EVIL = 'https://evil.test';
const LIMIT = 5;

const key = createSigningKey('ES256');
const stranger = createSigningKey('ES256');
const good = () => signToken(key);
const forged = () => signToken(stranger);
const expired = () => signToken(key, { exp: nowSeconds() - 100 });
const apiKey = 'k-of-a-machine';
/** bcrypt of `pässword`, ten rounds. */
const HASH = '$2b$10$fAZ8afEzDg1jYRJxVPOD6OyqcRcbNiPSiFvfZpTE1wqupACImAiMW';
const password = (userPass: string): [string, string] => [
  'Authorization',
  `Basic ${Buffer.from(userPass).toString('base64')}`,
];

const policy =
  (more: string) =>
  (url: string): string =>
    `
upstream: ${url}
${more}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
  lost: {issuer: https://lost.test, audience: api, jwks_uri: "http://127.0.0.1:1/keys", insecure_http: true}
api_keys:
  machines: {keys: [{id: one, sha256: ${createHash('sha256').update(apiKey).digest('hex')}, subject: m}]}
basic:
  ops: {users: [{username: bob, password_hash: "${HASH}"}]}
accept: [corp, lost, machines]
cors: {origins: ["${APP}"]}
routes:
  - path: /orders/**
  - {path: /staff/**, require: {roles: [staff]}}
  - {path: /narrow, audience: orders}
  - {path: /reading, methods: [GET]}
  - {path: /hidden/**, require: {roles: [staff]}, on_forbidden: 404}
  - {path: /socket, websocket: true}
  - {path: /jobs/**, accept: [ops, corp]}
  - {path: /maybe, auth: optional}
  - {path: /public/**, auth: none}
`;

/** So slow that nothing comes back while the tests run. */
const world = await startWorld(t, {
  policy: policy(`limits: {failed_credentials: {per_peer: ${LIMIT}/24h}}`),
});

const peers = Array.from({ length: 200 }, (_, n) => `127.0.1.${n + 1}`);
/** A peer that nobody was before. */
const newPeer = (): string => {
  const peer = peers.pop();
  if (peer === undefined) throw new Error('no peer is left');
  return peer;
};

/** A peer that has used up its budget; before that it had one token verified. */
async function spentPeer(t: Test): Promise<{ from: string; known: string }> {
  const from = newPeer();
  const known = good();
  await world.forwarded(t, { target: '/orders/1', token: known, from });
  for (let n = 0; n < LIMIT; n += 1)
    await world.refused(t, { target: '/orders/1', token: forged(), from }, INVALID_TOKEN);
  return { from, known };
}

const target = '/orders/1';

t.test('Z17 as many bad credentials as the budget counts are 401, then it is 429', async (t) => {
  const { from } = await spentPeer(t);
  const response = await world.refused(t, { target, token: forged(), from }, RATE_LIMITED);
  const wait = Number(response.get('retry-after'));
  t.ok(wait > 17_000 && wait <= 17_280, `a fifth of a day until one comes back: ${wait}`);
  t.strictSame(response.all('connection'), ['keep-alive']);
});

const BAD: readonly [string, RequestParts, RequestParts['headers']?][] = [
  ['a forged token', { token: forged() }],
  ['a token of an unknown issuer', { token: signToken(key, { iss: 'https://nobody.test' }) }],
  ['a token that is none', { token: 'a.b.c' }],
  ['a malformed Authorization', { headers: [['Authorization', 'Bearer a b']] }],
  ['an unknown key', { headers: [['X-API-Key', 'k-of-nobody']] }],
  ['an unknown key as a Bearer value', { token: 'k-of-nobody' }],
  ['a malformed key', { headers: [['X-API-Key', 'a b']] }],
  ['a wrong password', { target: '/jobs/1', headers: [password('bob:wrong')] }],
  ['Basic that is malformed', { target: '/jobs/1', headers: [['Authorization', 'Basic !']] }],
  ['a bad one where it may be left out', { target: '/maybe', token: forged() }],
  ['a bad one where nothing is', { target: '/nothing/here', token: forged() }],
];
for (const [name, request] of BAD) {
  t.test(`Z17 ${name} takes one, and gets 429 when there is none`, async (t) => {
    const from = newPeer();
    for (let n = 0; n < LIMIT; n += 1) {
      const { status } = await world.send({ target, ...request, from });
      t.equal(status, 401);
    }
    await world.refused(t, { target, ...request, from }, RATE_LIMITED);
    await world.refused(t, { target, token: forged(), from }, RATE_LIMITED);
  });
}

const HARMLESS: readonly [string, RequestParts, number][] = [
  ['no credential', {}, 401],
  ['a scheme that is not known', { headers: [['Authorization', 'Digest a=b']] }, 401],
  ['two credentials', { token: forged(), headers: [['X-API-Key', 'x']] }, 400],
  ['a target of two readings', { target: '/orders/a;b', token: forged() }, 400],
  ['an expired token', { token: expired() }, 401],
  ['a token that cannot be judged', { token: signToken(key, { iss: 'https://lost.test' }) }, 503],
  ['a good one that may not', { target: '/staff/1', token: good() }, 403],
  ['a good one for another audience than the route’s', { target: '/narrow', token: good() }, 401],
  ['a good one where nothing is', { target: '/nothing/here', token: good() }, 404],
  ['a good one with another method', { target: '/reading', method: 'PUT', token: good() }, 405],
  ['a bad one on a public route', { target: '/public/a', token: forged() }, 200],
];
t.test('Z17 nothing else takes from the budget', async (t) => {
  const from = newPeer();
  for (const [name, request, status] of HARMLESS) {
    for (let n = 0; n < 2 * LIMIT; n += 1) {
      t.equal((await world.send({ target, ...request, from })).status, status, name);
    }
  }
  for (let n = 0; n < LIMIT; n += 1) await world.refused(t, { target, token: forged(), from }, INVALID_TOKEN);
  await world.refused(t, { target, token: forged(), from }, RATE_LIMITED);
});

t.test('Z17 who is known gets in still, and what is refused for other reasons is so as ever', async (t) => {
  const { from, known } = await spentPeer(t);
  await world.forwarded(t, { target, token: known, from });
  await world.forwarded(t, { target, headers: [['X-API-Key', apiKey]], from });
  await world.forwarded(t, { target, token: apiKey, from });
  await world.forwarded(t, { target: '/maybe', from });
  await world.forwarded(t, { target: '/public/a', token: forged(), from });
  await world.refused(
    t,
    { target, from },
    { status: 401, challenges: [PLAIN_CHALLENGE], body: '{"error":"unauthorized"}' },
  );
  await world.refused(t, { target: '/staff/1', token: known, from }, FORBIDDEN);
  await world.refused(t, { target: '/nothing/here', token: known, from }, NOT_FOUND);
  await world.refused(t, { target: '/reading', method: 'PUT', token: known, from }, METHOD_NOT_ALLOWED);
  await world.refused(t, { target, token: forged(), headers: [['X-API-Key', 'x']], from }, AMBIGUOUS);
});

t.test('Z17 what would have to be judged is 429, good or bad', async (t) => {
  const { from } = await spentPeer(t);
  for (const request of [
    { target, token: good() },
    { target, token: expired() },
    { target, token: signToken(key, { iss: 'https://lost.test' }) },
    { target, headers: [['X-API-Key', 'k-of-nobody']] as const },
    { target: '/jobs/1', headers: [password('bob:wrong')] },
  ]) {
    await world.refused(t, { ...request, from }, RATE_LIMITED);
  }
});

t.test('Z17 a password that was good a moment ago is not told from a wrong one', async (t) => {
  const from = newPeer();
  const bob = { target: '/jobs/1', headers: [password('bob:pässword')], from };
  const first = await world.send(bob);
  t.equal(first.status, 200, 'good and remembered');
  for (let n = 0; n < LIMIT; n += 1) await world.refused(t, { target, token: forged(), from }, INVALID_TOKEN);
  await world.refused(t, bob, RATE_LIMITED);
  await world.refused(t, { ...bob, headers: [password('bob:wrong')] }, RATE_LIMITED);
});

t.test('Z17 another peer is served meanwhile', async (t) => {
  const { from } = await spentPeer(t);
  const other = newPeer();
  await world.forwarded(t, { target, token: good(), from: other });
  await world.refused(t, { target, token: forged(), from: other }, INVALID_TOKEN);
  await world.refused(t, { target, token: expired(), from: other }, TOKEN_EXPIRED);
  await world.refused(
    t,
    { target, token: signToken(key, { iss: 'https://lost.test' }), from: other },
    UNAVAILABLE,
  );
  await world.refused(t, { target, token: good(), from }, RATE_LIMITED);
});

/** All of an answer that may not differ. */
const comparable = ({ head, body }: RawResponse): string =>
  head.replace(/^(?:date|x-request-id):.*\r\n/gim, '').replace(/^(retry-after): \d+/im, '$1') +
  body.toString();

t.test('Z17 Z10 it is said of the peer, and tells nothing of routes', async (t) => {
  const { from } = await spentPeer(t);
  const answers = new Map<string, string>();
  for (const path of [
    '/nothing/here',
    '/hidden/1',
    '/orders/1',
    '/staff/1',
    '/reading',
    '/jobs/1',
    '/maybe',
  ]) {
    const response = await world.refused(
      t,
      { target: path, method: 'PUT', token: forged(), from },
      RATE_LIMITED,
    );
    answers.set(comparable(response), path);
  }
  t.equal(answers.size, 1, [...answers.keys()].join('\n'));
});

t.test('Z17 H01 for HEAD, without a body', async (t) => {
  const { from } = await spentPeer(t);
  const response = await world.refused(t, { target, method: 'HEAD', token: forged(), from }, RATE_LIMITED);
  t.equal(response.body.length, 0);
  t.equal(response.get('content-length'), String(RATE_LIMITED.body.length));
});

t.test('Z17 H08 as a problem document', async (t) => {
  const { from } = await spentPeer(t);
  const headers = [['Accept', 'application/problem+json']] as const;
  const response = await world.send({ target, token: forged(), headers, from });
  t.equal(response.status, 429);
  t.equal(response.get('content-type'), 'application/problem+json');
  t.strictSame(JSON.parse(response.body.toString()), {
    type: 'about:blank',
    title: 'Too Many Requests',
    status: 429,
    code: 'rate_limited',
  });
});

t.test('Z17 WS01 before an upgrade, and for one', async (t) => {
  const { from, known } = await spentPeer(t);
  const upgrade = [
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ] as const;
  const connection = await openConnection(world.gateway.port, from);
  connection.write(requestBytes({ target: '/socket', headers: upgrade, token: forged() }));
  const response = await connection.response();
  assertRefusal(t, response, RATE_LIMITED);
  await connection.closed();
  connection.destroy();
  await world.forwarded(t, { target: '/socket', token: known, from });
});

t.test('X07 429 can be read by a page of an allowed origin, Retry-After too', async (t) => {
  const { from } = await spentPeer(t);
  const headers = [['Origin', APP]] as const;
  const response = await world.refused(t, { target, token: forged(), headers, from }, RATE_LIMITED);
  t.equal(response.get('access-control-allow-origin'), APP);
  t.match(response.get('access-control-expose-headers'), /(^|, )Retry-After(,|$)/);
  t.equal(response.get('vary'), 'Origin');
  const preflight = await world.send({
    target,
    method: 'OPTIONS',
    headers: [...headers, ['Access-Control-Request-Method', 'GET']],
    from,
  });
  t.equal(preflight.status, 204, 'and what a page may ask is told as ever');
});

t.test('X09 429 cannot be read by others', async (t) => {
  const { from } = await spentPeer(t);
  const headers = [['Origin', EVIL]] as const;
  const response = await world.refused(t, { target, token: forged(), headers, from }, RATE_LIMITED);
  t.equal(response.get('access-control-allow-origin'), undefined);
  t.equal(response.get('vary'), 'Origin');
});

t.test('Z17 the log has the reason for each, and one warning of the peer', async (t) => {
  const { from } = await spentPeer(t);
  const response = await world.refused(t, { target, token: forged(), from }, RATE_LIMITED);
  const id = response.get('x-request-id');
  const line = await world.gateway.line(({ request_id: other }) => other === id);
  t.match(line, {
    decision: 'refused',
    status: 429,
    peer: from,
    route: '/orders/**',
    'auth.reason': 'failed_credentials_budget',
  });
  await world.refused(t, { target, token: forged(), from }, RATE_LIMITED);
  const warnings = world.gateway.lines.filter(({ client }) => client !== undefined);
  t.ok(warnings.length >= 1, 'at least the first');
  t.equal(new Set(warnings.map(({ client }) => client)).size, warnings.length, 'each peer once');
});

t.test('Z17 nothing leaked, nothing crashed', async (t) => {
  await world.conclude(t, [apiKey, 'k-of-nobody']);
});

t.test('Z17 while nothing is written loopback does not count', async (t) => {
  const open = await startWorld(t, { policy: policy('') });
  for (let n = 0; n < 150; n += 1) {
    t.equal((await open.send({ target, token: forged() })).status, 401);
  }
  await open.forwarded(t, { target, token: good() });
  await open.conclude(t);
});

t.test('Z17 behind a trusted proxy each of its clients has a budget', async (t) => {
  const proxied = await startWorld(t, {
    policy: policy(`trusted_proxies: [127.0.0.1]\nlimits: {failed_credentials: {per_peer: ${LIMIT}/24h}}`),
  });
  const by = (client: string | null, token: string): RequestParts => ({
    target,
    token,
    headers: client === null ? [] : [['X-Forwarded-For', client]],
  });
  for (let n = 0; n < LIMIT; n += 1) {
    await proxied.refused(t, by(`198.51.100.${n}, 192.0.2.1`, forged()), INVALID_TOKEN);
  }
  await proxied.refused(t, by('192.0.2.1', good()), RATE_LIMITED);
  await proxied.refused(t, by('203.0.113.9, 192.0.2.1:4711', forged()), RATE_LIMITED);
  await proxied.refused(t, by('192.0.2.2', forged()), INVALID_TOKEN);
  await proxied.forwarded(t, by('192.0.2.2', good()));
  // Who speaks for everybody and names nobody is not counted; who is no trusted proxy names nobody.
  for (let n = 0; n < 2 * LIMIT; n += 1) await proxied.refused(t, by(null, forged()), INVALID_TOKEN);
  await proxied.forwarded(t, by(null, good()));
  const from = '127.0.0.2';
  for (let n = 0; n < LIMIT; n += 1) {
    await proxied.refused(t, { ...by(`192.0.2.${100 + n}`, forged()), from }, INVALID_TOKEN);
  }
  await proxied.refused(t, { ...by('192.0.2.200', good()), from }, RATE_LIMITED);
  await proxied.conclude(t);
});

t.test('Z17 with `errors.detail: minimal` it is the status, and how long to wait', async (t) => {
  const terse = await startWorld(t, {
    policy: policy(`errors: {detail: minimal}\nlimits: {failed_credentials: {per_peer: 1/24h}}`),
  });
  t.equal((await terse.send({ target, token: forged() })).status, 401);
  await terse.refused(
    t,
    { target, token: forged() },
    { ...RATE_LIMITED, body: '{"error":"too_many_requests"}' },
  );
  await terse.refused(
    t,
    { target, headers: [['X-API-Key', 'k-of-nobody']] },
    { ...RATE_LIMITED, body: '{"error":"too_many_requests"}' },
  );
  await terse.conclude(t);
});
