/** JWT-SVIDs: the trust domain of `sub` chooses the bundle, and nothing but that bundle vouches for it. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { INVALID_TOKEN, UNAVAILABLE } from '../fixtures/refusal.ts';
import {
  createSigningKey,
  keySet,
  type Members,
  type SigningKey,
  signToken,
  signWithSecret,
} from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const [mesh, pss, rsa] = [
  createSigningKey('ES256', 'm-1'),
  createSigningKey('PS256', 'm-2'),
  createSigningKey('RS256', 'm-3'),
];
const ed = createSigningKey('EdDSA', 'm-4');
const other = createSigningKey('ES256', 'm-1');
const corp = createSigningKey('ES256', 'c-1');
const forX509 = createSigningKey('ES256', 'x-1');
const forNothing = createSigningKey('ES256', 'n-1');
const forSignatures = createSigningKey('ES256', 's-1');
const withoutId = createSigningKey('ES256', 'i-1');

/** A member as SPIRE publishes it: `use` and no `alg`. */
const member = ({ jwk: { alg: _alg, ...rest } }: SigningKey, changes: Members = {}): Members => ({
  ...rest,
  use: 'jwt-svid',
  ...changes,
});
const bundle = (...keys: Members[]): object => ({ spiffe_sequence: 7, spiffe_refresh_hint: 300, keys });
const whole = bundle(
  member(forX509, { use: 'x509-svid', kid: undefined, x5c: ['AAAA'] }),
  member(mesh),
  member(pss),
  member(rsa),
  member(ed),
  member(forX509, { use: 'x509-svid' }),
  member(forNothing, { use: undefined }),
  member(forSignatures, { use: 'sig' }),
  member(withoutId, { kid: undefined }),
);
const server = await startKeyServer(t);
server.serve('/mesh', whole);
server.serve('/partner', bundle(member(other)));
server.serve('/emptied', bundle(member(mesh)));
server.serve('/reduced', bundle(member(mesh)));
server.serve('/hinted', { ...bundle(member(mesh)), spiffe_refresh_hint: 1 });
server.serve('/broken', bundle(member(mesh)));
server.serve('/corp', keySet(corp));

const domain = (name: string, more = '') =>
  `{preset: spiffe, issuer: "spiffe://${name}.test", audience: "spiffe://gateway.test/orders", jwks_uri: "${server.url}/${name}"${more}}`;
const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [mesh, partner, emptied, reduced, hinted, broken, empty, corp]
issuers:
  mesh: ${domain('mesh').replace('preset: spiffe', 'profile: spiffe')}
  partner: ${domain('partner')}
  emptied: ${domain('emptied')}
  reduced: ${domain('reduced')}
  hinted: ${domain('hinted', ', refresh: {cooldown: 100ms}')}
  broken: ${domain('broken')}
  empty: {preset: spiffe, issuer: "spiffe://empty.test", audience: "spiffe://gateway.test/orders", jwks: {keys: []}}
  corp: {issuer: "https://corp.test", audience: "spiffe://gateway.test/orders", jwks_uri: "${server.url}/corp"}
routes:
  - path: /orders/**
`,
});
const target = '/orders/1';
const SUB = 'spiffe://mesh.test/ns/shop/sa/orders';
const svid = (changes: Members = {}): Members => ({
  iss: undefined,
  jti: undefined,
  client_id: undefined,
  aud: ['spiffe://gateway.test/orders'],
  sub: SUB,
  ...changes,
});
const request = (changes: Members = {}, signer: SigningKey = mesh, header: Members = {}) => ({
  target,
  token: signToken(signer, svid(changes), { typ: 'JWT', ...header }),
});

t.test('Q11 keys of the bundle that are for JWT-SVIDs verify', async (t) => {
  for (const signer of [mesh, pss, rsa]) {
    const seen = await world.forwarded(t, request({}, signer));
    t.strictSame(seen.all('x-auth-subject'), [SUB]);
    t.strictSame(seen.all('x-auth-issuer'), ['spiffe://mesh.test']);
  }
  const seen = await world.forwarded(t, request({ iss: 'https://oidc.mesh.test' }));
  t.strictSame(seen.all('x-auth-issuer'), ['spiffe://mesh.test'], 'whatever iss says');
  await world.forwarded(t, request({ iat: undefined }, mesh, { kid: undefined }));
});

for (const [name, signer] of [
  ['X.509-SVIDs', forX509],
  ['nothing', forNothing],
  ['signatures', forSignatures],
  ['JWT-SVIDs and has no id', withoutId],
] as const) {
  t.test(`Q11 a key that is for ${name} vouches for no JWT-SVID`, async (t) => {
    await world.refused(t, request({}, signer), INVALID_TOKEN);
    await world.refused(t, request({}, signer, { kid: undefined }), INVALID_TOKEN);
  });
}

t.test('Q07 aud and exp are there, and aud names us', async (t) => {
  await world.refused(t, request({ aud: undefined }), INVALID_TOKEN);
  await world.refused(t, request({ aud: [] }), INVALID_TOKEN);
  await world.refused(t, request({ aud: ['spiffe://gateway.test/other'] }), INVALID_TOKEN);
  await world.refused(t, request({ exp: undefined }), INVALID_TOKEN);
});

t.test('Q08 EdDSA and HS256 sign no JWT-SVID, even with a key of the bundle', async (t) => {
  await world.refused(t, request({}, ed), INVALID_TOKEN);
  const text = JSON.stringify(mesh.jwk);
  const token = signWithSecret(text, 'HS256', svid(), { typ: 'JWT', kid: mesh.kid });
  await world.refused(t, { target, token }, INVALID_TOKEN);
  await world.refused(t, request({}, mesh, { alg: 'none' }), INVALID_TOKEN);
});

t.test('Q09 typ is absent, JWT or JOSE', async (t) => {
  for (const typ of [undefined, 'JWT', 'JOSE']) await world.forwarded(t, request({}, mesh, { typ }));
  for (const typ of ['at+jwt', 'JWS', '']) await world.refused(t, request({}, mesh, { typ }), INVALID_TOKEN);
});

t.test('Q10 the bundle of the trust domain of sub vouches, and no other', async (t) => {
  const partner = { sub: 'spiffe://partner.test/orders' };
  const seen = await world.forwarded(t, request(partner, other));
  t.strictSame(seen.all('x-auth-issuer'), ['spiffe://partner.test']);
  await world.refused(t, request(partner, mesh), INVALID_TOKEN);
  await world.refused(t, request({}, other), INVALID_TOKEN);
  await world.refused(t, request(partner, mesh, { kid: undefined }), INVALID_TOKEN);
  await world.refused(t, request({ iss: 'spiffe://partner.test' }, other), INVALID_TOKEN);
  await world.refused(t, request({ sub: 'spiffe://stranger.test/orders' }), INVALID_TOKEN);
});

t.test('Q10 sub is a SPIFFE ID of a workload', async (t) => {
  for (const sub of [
    'spiffe://mesh.test',
    'spiffe://mesh.test/',
    'spiffe://mesh.test/a/../b',
    'spiffe://mesh.test/a%2fb',
    'spiffe://MESH.test/a',
    'spiffe://mesh.test:443/a',
    'spiffe://mesh.test@partner.test/a',
    'orders',
    undefined,
  ]) {
    await world.refused(t, request({ sub }), INVALID_TOKEN);
  }
});

t.test('Q10 an issuer of the policy and a trust domain never vouch for each other', async (t) => {
  const named = { iss: 'https://corp.test' };
  await world.refused(t, request(named, mesh), INVALID_TOKEN);
  await world.refused(t, request({}, corp), INVALID_TOKEN);
  const seen = await world.forwarded(t, request(named, corp));
  t.strictSame(seen.all('x-auth-issuer'), ['https://corp.test']);
  await world.refused(t, request({ iss: 'spiffe://mesh.test', sub: 'alice' }), INVALID_TOKEN);
});

t.test('Q13 a WIT-SVID needs proof of its key, which nobody gives here', async (t) => {
  const cnf = { jwk: { ...corp.jwk, use: undefined } };
  await world.refused(t, request({ cnf }, mesh, { typ: 'wit+jwt' }), INVALID_TOKEN);
  await world.refused(t, request({}, mesh, { typ: 'wit+jwt' }), INVALID_TOKEN);
  await world.refused(t, request({ cnf }), INVALID_TOKEN);
});

t.test('Q12 a bundle that asks for it is fetched again soon, not only after interval', async (t) => {
  await world.forwarded(t, request({ sub: 'spiffe://hinted.test/a' }));
  const before = server.count('/mesh');
  await server.asked('/hinted', server.count('/hinted') + 2);
  t.equal(server.count('/mesh'), before, 'one that asks for five minutes is not');
});

const EMPTY: [string, object][] = [
  ['emptied', bundle()],
  ['reduced', bundle(member(forX509, { use: 'x509-svid' }))],
];
for (const [name, empty] of EMPTY) {
  t.test(`K13 a bundle that was ${name} ends all that its keys vouched for`, async (t) => {
    const good = request({ sub: `spiffe://${name}.test/a` });
    await world.forwarded(t, good);
    server.serve(`/${name}`, empty);
    // A kid that nobody has seen makes the gateway fetch again, and so notice.
    await world.refused(t, request({ sub: `spiffe://${name}.test/a` }, rsa), INVALID_TOKEN);
    await world.refused(t, good, INVALID_TOKEN);
    await world.refused(t, request({ sub: `spiffe://${name}.test/b` }), INVALID_TOKEN);
  });
}

t.test('K13 a bundle that was empty from the start refuses everybody, and serves', async (t) => {
  await world.refused(t, request({ sub: 'spiffe://empty.test/a' }), INVALID_TOKEN);
});

t.test('K13 what is no bundle leaves the last one in force', async (t) => {
  const good = request({ sub: 'spiffe://broken.test/a' });
  await world.forwarded(t, good);
  server.serve('/broken', { spiffe_sequence: 8 });
  await world.refused(
    t,
    request({ sub: 'spiffe://broken.test/a' }, createSigningKey('ES256', 'x')),
    UNAVAILABLE,
  );
  await world.forwarded(t, good);
});

t.test('Q11 the log speaks of members that are for nothing, and not of X.509-SVIDs', async (t) => {
  const told = world.gateway.lines.filter(
    ({ msg, issuer }) => /members of a key set/.test(String(msg)) && issuer === 'mesh',
  );
  t.equal(told.length, 1);
  t.match(JSON.stringify(told), /not_for_jwt_svids/);
  t.notMatch(JSON.stringify(told), /for_x509_svids/);
  t.equal(
    told.every(({ level }) => level === 'warn'),
    true,
  );
});

t.test('Q13 nothing leaked, nothing crashed', (t) => world.conclude(t));
