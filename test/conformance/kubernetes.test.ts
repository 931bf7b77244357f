/** Service account tokens of a cluster: bound to their account, keys from an API server that asks who we are. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { KEYS_PATH, startApiServer } from '../fixtures/api-server.ts';
import { testAuthority } from '../fixtures/certificates.ts';
import { INVALID_TOKEN, UNAVAILABLE } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, type Members, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const CLUSTER = 'https://kubernetes.default.svc.cluster.local';
const key = createSigningKey('RS256', 'sa-1');
const next = createSigningKey('RS256', 'sa-2');
const [first, rotated, stale] = ['first', 'rotated', 'stale'].map((name) => `${name}.file.token`);
const cluster = await startApiServer(t);
cluster.serve(`${first}`, 401, keySet(key));
const unauthorized = await startApiServer(t);
unauthorized.serve(`${rotated}`, 401, keySet(key));
const forbidden = await startApiServer(t);
forbidden.serve(`${rotated}`, 403, keySet(key));

const entry = (url: string, file: string, more = '') =>
  `{preset: kubernetes, audience: orders, jwks_uri: "${url}${KEYS_PATH}", ca_file: ca.pem, bearer_token_file: ${file}${more}}`;
const world = await startWorld(t, {
  files: {
    'ca.pem': testAuthority,
    'a.token': `${first}\n`,
    'b.token': `${stale}\n`,
    'c.token': `${stale}\n`,
  },
  policy: (url) => `
upstream: ${url}
accept: [k8s, unauthorized, forbidden]
issuers:
  k8s: ${entry(cluster.url, 'a.token')}
  unauthorized: ${entry(unauthorized.url, 'b.token', ', issuer: "https://b.test"')}
  forbidden: ${entry(forbidden.url, 'c.token', ', issuer: "https://c.test", refresh: {cooldown: 100ms}')}
routes:
  - path: /orders/**
`,
});
const account = { namespace: 'shop', serviceaccount: { name: 'orders', uid: 'u1' } };
const claims = (changes: Members = {}): Members => ({
  iss: CLUSTER,
  aud: ['orders'],
  sub: 'system:serviceaccount:shop:orders',
  client_id: undefined,
  'kubernetes.io': account,
  ...changes,
});
/** A request with a token as the API server writes it: no `typ`. */
const request = (changes: Members = {}, signer = key, header: Members = {}) => ({
  target: '/orders/1',
  token: signToken(signer, claims(changes), { typ: undefined, ...header }),
});

t.test('Q01 a projected token of the cluster, for us', async (t) => {
  const seen = await world.forwarded(t, request());
  t.strictSame(seen.all('x-auth-subject'), ['system:serviceaccount:shop:orders']);
  t.strictSame(seen.all('x-auth-issuer'), [CLUSTER]);
  t.strictSame(seen.all('x-auth-client'), []);
  await world.forwarded(t, request({}, key, { typ: 'JWT' }));
});

const REFUSED: [string, Members, Members?][] = [
  ['Q01 a subject that is another account', { sub: 'system:serviceaccount:shop:admin' }],
  ['Q01 a subject that is no account', { sub: 'alice' }],
  ['Q01 no account in the claims', { 'kubernetes.io': undefined }],
  ['Q01 an account without a name', { 'kubernetes.io': { namespace: 'shop', serviceaccount: {} } }],
  ['Q01 another kind of token', {}, { typ: 'at+jwt' }],
  ['Q02 the audience of the API server', { aud: [CLUSTER] }],
  ['Q02 no audience, as in tokens of Secrets', { aud: undefined }],
  ['Q01 no end, as in tokens of Secrets', { exp: undefined }],
];
for (const [name, changes, header] of REFUSED) {
  t.test(name, (t) => world.refused(t, request(changes, key, header), INVALID_TOKEN));
}

t.test('Q03 the token for the API server is read again each time, since others rotate it', async (t) => {
  t.strictSame(new Set(cluster.shown), new Set([`Bearer ${first}`]));
  writeFileSync(join(world.gateway.directory, 'a.token'), `${rotated}\n`);
  cluster.serve(`${rotated}`, 401, keySet(key, next));
  await world.forwarded(t, request({}, next));
  t.equal(cluster.shown.at(-1), `Bearer ${rotated}`);
});

t.test(
  "Q03 an API server that does not let us have the keys is our failure, never the caller's",
  async (t) => {
    await world.refused(t, request({ iss: 'https://b.test' }), UNAVAILABLE);
    await world.refused(t, request({ iss: 'https://c.test' }), UNAVAILABLE);
    t.ok(unauthorized.shown.length > 0 && forbidden.shown.length > 0, 'they were asked');
  },
);

t.test('Q03 once the file holds a good token, tokens of the cluster are judged', async (t) => {
  writeFileSync(join(world.gateway.directory, 'c.token'), `${rotated}\n`);
  await world.gateway.line(
    (line) => line.issuer === 'forbidden' && String(line.msg).startsWith('issuer keys obtained'),
  );
  await world.forwarded(t, request({ iss: 'https://c.test' }));
});

t.test('Q03 keys of a refused fetch: known ones keep working, others are 503', async (t) => {
  cluster.serve('another', 401, keySet(key));
  await world.refused(t, request({}, createSigningKey('RS256', 'sa-3')), UNAVAILABLE);
  await world.forwarded(t, request());
});

t.test('Q03 nothing leaked, nothing crashed', (t) =>
  world.conclude(t, [`${first}`, `${rotated}`, `${stale}`]),
);
