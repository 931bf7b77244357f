/**
 * Attacks S10-S13, S15, S20-S22: sets with bad members between good ones, ages that make no sense, a silent provider
 * beside a quick one, and two hundred of them.
 */
import t from 'tap';
import { createKeySet } from '../../src/keys/key-set.ts';
import { recordLog, until } from '../fixtures/fake-time.ts';
import { issuerPolicy } from '../fixtures/issuer-policy.ts';
import { type KeyHandler, startKeyServer } from '../fixtures/key-server.ts';
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

const good = createSigningKey('ES256', 'good');
// Its x begins with a zero byte: without that byte it is still the same point to OpenSSL.
const bad = createKeyWith((x) => x[0] === 0);
const rsa = createSigningKey('RS256', 'bad');
const pss = createSigningKey('PS256', 'pss');
const weak = createSigningKey('RS256', 'bad', 1024);
const edwards = createSigningKey('EdDSA', 'bad');
const { jwk } = bad;
const without = (members: Members, name: string): Members => ({ ...members, [name]: undefined });
function createKeyWith(fits: (x: Buffer) => boolean): SigningKey {
  for (;;) {
    const key = createSigningKey('ES256', 'bad');
    if (fits(Buffer.from(String(key.jwk.x), 'base64url'))) return key;
  }
}

const short = (value: unknown): string =>
  Buffer.from(String(value), 'base64url').subarray(1).toString('base64url');
const long = (value: unknown): string =>
  Buffer.concat([Buffer.alloc(1), Buffer.from(String(value), 'base64url')]).toString('base64url');

/** Members that must not verify, nor keep their neighbours from it. The token that names one is signed by its key. */
const MEMBERS: readonly (readonly [string, unknown, SigningKey?])[] = [
  ['null', null],
  ['a number', 1],
  ['a text', 'key'],
  ['a list', [jwk]],
  ['an empty object', {}],
  ['an unknown kty', { kty: 'ZZZ', kid: 'bad' }],
  ['a kty that is a list', { ...jwk, kty: ['EC'] }],
  ['no kty', without(jwk, 'kty')],
  ['no x', without(jwk, 'x')],
  ['no y', without(jwk, 'y')],
  ['an x that is a number', { ...jwk, x: 1 }],
  ['base64 with padding', { ...jwk, x: `${jwk.x}=` }],
  ['base64 of the other alphabet', { ...jwk, x: `+${String(jwk.x).slice(1)}` }],
  ['a point that is not on the curve', { ...jwk, y: jwk.x }],
  ['a coordinate that is too short', { ...jwk, x: short(jwk.x) }],
  ['a coordinate that is too long', { ...jwk, x: long(jwk.x) }],
  ['a point of another curve', { ...jwk, crv: 'P-384' }],
  ['a curve that is not allowed', { ...jwk, crv: 'secp256k1' }],
  ['an alg that is a number', { ...jwk, alg: 256 }],
  ['an alg for encryption', { ...rsa.jwk, alg: 'RSA-OAEP' }, rsa],
  ['an alg of another kind', { ...jwk, alg: 'RS256' }],
  ['use enc', { ...jwk, use: 'enc' }],
  ['a use that is a list', { ...jwk, use: ['sig'] }],
  ['key_ops sign', { ...jwk, key_ops: ['sign'] }],
  ['key_ops encrypt', { ...rsa.jwk, key_ops: ['encrypt'] }, rsa],
  ['key_ops that are a text', { ...jwk, key_ops: 'verify' }],
  ['RSA without n', without(rsa.jwk, 'n'), rsa],
  ['RSA without e', without(rsa.jwk, 'e'), rsa],
  ['RSA of 1024 bits', weak.jwk, weak],
  ['RSA with e = 1', { ...rsa.jwk, e: 'AQ' }, rsa],
  ['RSA with e = 3', { ...rsa.jwk, e: 'Aw' }, rsa],
  ['RSA of 16384 bits', { ...rsa.jwk, n: Buffer.alloc(2048, 0xfd).toString('base64url') }, rsa],
  ['Ed25519 of 31 bytes', { ...edwards.jwk, x: short(edwards.jwk.x) }, edwards],
  ['Ed25519 of small order', { ...edwards.jwk, x: Buffer.alloc(32).toString('base64url') }, edwards],
  ['a private key', { ...jwk, d: Buffer.alloc(32, 1).toString('base64url') }],
  ['a private RSA key', { ...rsa.jwk, p: 'AQAB' }, rsa],
  ['a key id of 2 kB', { ...jwk, kid: 'k'.repeat(2048) }],
  ['a key id that is a number', { ...jwk, kid: 1 }],
];

const server = await startKeyServer(t);
const issuers: string[] = [];

/** An issuer whose key set is this document, or whatever the handler does. */
function issue(name: string, answer: object | KeyHandler, more = ''): string {
  server.serve(`/${name}`, answer);
  return issueAt(name, `${server.url}/${name}`, more);
}

function issueAt(name: string, url: string, more = ''): string {
  issuers.push(`  ${name}: {issuer: "https://${name}.test", audience: api, jwks_uri: "${url}"${more}}`);
  return name;
}

const sets = MEMBERS.map(([, member], index) =>
  issue(`member-${index}`, { keys: [member, good.jwk, member] }),
);
const allBad = issue('all-bad', { keys: [...MEMBERS.map(([, member]) => member), good.jwk] });
const twins = Array.from({ length: 6 }, () => createSigningKey('ES256', 'twin'));
issue('twins', keySet(...twins));
const secret = Buffer.alloc(32, 7);
issue('secret', {
  keys: [{ kty: 'oct', kid: 'secret', alg: 'HS256', k: secret.toString('base64url') }, good.jwk],
});
issue('no-alg', { keys: [without(rsa.jwk, 'alg'), without(pss.jwk, 'alg'), without(good.jwk, 'alg')] });
issue('pss-only', { keys: [without(rsa.jwk, 'alg')] }, ', algorithms: [PS256]');
issue('text-plain', (_, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' }).end(JSON.stringify(keySet(good)));
});
issue('chain', { keys: [{ ...good.jwk, x5c: Array(10_000).fill('MIIB'), 'x5t#S256': 'x' }] });
issue('large-chain', { keys: [{ ...good.jwk, x5c: Array(10_000).fill('A'.repeat(100)) }] });
const oddGood = `{"__proto__":1,${JSON.stringify(good.jwk).slice(1)}`;
issue('odd-names', (_, response) => {
  response.end(`{"__proto__":{"keys":[]},"constructor":1,"keys":[${oddGood}]}`);
});

const AGES: readonly (readonly [string, string])[] = [
  ['max-age=0', '0'],
  ['max-age=31536000', '0'],
  ['max-age=99999999999999999999', '0'],
  ['max-age=-1', '0'],
  ['max-age=garbage', 'garbage'],
  ['max-age=60', '-60'],
  ['max-age=60', '99999999999'],
  ['max-age=1e9', '1e9'],
  ['no-store, no-cache, must-revalidate, max-age=0', ''],
  ['"', '"'],
  ['max-age', ','],
  [',,,max-age=,', '0, 0'],
  ['private="set-cookie", max-age="60"', '1'],
];
const ages = AGES.map(([control, age], index) =>
  issue(`age-${index}`, (_, response) => {
    response.setHeader('cache-control', control);
    response.setHeader('age', age);
    response.setHeader('expires', '0');
    response.end(JSON.stringify(keySet(good)));
  }),
);

const silent: (() => void)[] = [];
// The first fetch begins with the process, and must not end by itself before its test has come.
const patient = ', refresh: {timeout: 1m}';
issue('silent', (_, response) => void silent.push(() => response.destroy()), patient);
issue('quick', keySet(good));

for (let n = 0; n < 200; n += 1) issue(`many-${n}`, keySet(good));

const names = issuers.map((line) => line.trim().split(':', 1)[0]);
const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [${names.join(', ')}]
issuers:
${issuers.join('\n')}
routes:
  - path: /**
`,
});
const request = (name: string, signer = good, header: Members = {}, claims: Members = {}) => ({
  target: '/orders',
  token: signToken(signer, { iss: `https://${name}.test`, ...claims }, header),
});

for (const [index, [name, , signer = bad]] of MEMBERS.entries()) {
  t.test(`S10 ${name} between good keys is passed over`, async (t) => {
    const issuer = sets[index] ?? '';
    await world.forwarded(t, request(issuer));
    await world.refused(t, request(issuer, signer), INVALID_TOKEN);
    // Without an id every admitted key is tried, so that a bad one would show here.
    await world.refused(t, request(issuer, signer, { kid: undefined }), INVALID_TOKEN);
  });
}

t.test('S10 all of them before one good key', async (t) => {
  await world.forwarded(t, request(allBad));
  for (const signer of [bad, rsa, weak, edwards])
    await world.refused(t, request(allBad, signer), INVALID_TOKEN);
});

t.test('S11 keys that share an id are each tried, four at most', async (t) => {
  for (const [index, twin] of twins.entries()) {
    if (index < 4) await world.forwarded(t, request('twins', twin));
    else await world.refused(t, request('twins', twin), INVALID_TOKEN);
  }
});

t.test('S12 a secret in a published set verifies nothing, and its neighbour goes on', async (t) => {
  const token = signWithSecret(secret, 'HS256', { iss: 'https://secret.test' }, { kid: 'secret' });
  await world.refused(t, { target: '/orders', token }, INVALID_TOKEN);
  await world.forwarded(t, request('secret'));
});

t.test('S13 a key without alg serves what its kind and its issuer allow', async (t) => {
  await world.forwarded(t, request('no-alg'));
  await world.forwarded(t, request('no-alg', rsa));
  await world.forwarded(t, request('no-alg', pss));
  const relabelled = { ...rsa, alg: 'PS256' };
  await world.forwarded(t, request('pss-only', relabelled));
  await world.refused(t, request('pss-only', rsa), INVALID_TOKEN);
});

t.test('S5 the type of the answer does not matter, nor do names that JavaScript knows', async (t) => {
  await world.forwarded(t, request('text-plain'));
  await world.forwarded(t, request('odd-names'));
});

t.test('S22 a chain of 10,000 certificates is not read, and over the size nothing is', async (t) => {
  await world.forwarded(t, request('chain'));
  await world.refused(t, request('large-chain'), UNAVAILABLE);
});

t.test('S15 C1 a silent provider holds up its own tokens only', async (t) => {
  let settled = false;
  const held = world.send(request('silent')).then((response) => {
    settled = true;
    return response;
  });
  await server.asked('/silent', 1);
  for (let n = 0; n < 20; n += 1) await world.forwarded(t, request('quick'));
  t.equal(server.count('/quick'), 1);
  t.notOk(settled, 'the other one still waits');
  for (const cut of silent) cut();
  t.equal((await held).status, 503);
});

t.test('S15 J36 keys of one issuer are none of another, also under one id', async (t) => {
  await world.refused(t, request('quick', twins[0] ?? good, { kid: 'good' }), INVALID_TOKEN);
  await world.refused(t, request('twins', good, { kid: 'twin' }), INVALID_TOKEN);
});

for (const [index, [control, age]] of AGES.entries()) {
  t.test(`S20 Cache-Control: ${control} and Age: ${age}`, async (t) => {
    const issuer = ages[index] ?? '';
    await world.forwarded(t, request(issuer));
    t.equal(server.count(`/${issuer}`), 1, 'nothing makes us ask without end');
  });
}

t.test('S21 two hundred issuers in one process, each asked once', async (t) => {
  for (let n = 0; n < 200; n += 20) await world.forwarded(t, request(`many-${n}`));
  await until(() => server.count('/many-199') > 0);
  const asked = Array.from({ length: 200 }, (_, n) => server.count(`/many-${n}`));
  t.strictSame(new Set(asked), new Set([1]));
});

t.test('S21 their refreshes are spread, though all began together', async (t) => {
  const delays: number[] = [];
  const after = (milliseconds: number): (() => void) => {
    delays.push(milliseconds);
    return () => {};
  };
  const fetched = { ok: true as const, document: keySet(good), maxAge: null };
  const transport = { fetch: async () => fetched, close: () => {} };
  const policy = issuerPolicy({ keys: { from: 'url', url: 'https://issuer.test/jwks', form: 'jwks' } });
  for (let n = 0; n < 200; n += 1) {
    createKeySet(policy, { now: Date.now, log: recordLog(), transport, after }).start();
  }
  await until(() => delays.length === 200);
  t.ok(delays.every((delay) => delay >= 540_000 && delay <= 600_000));
  t.ok(new Set(delays.map((delay) => Math.floor(delay / 6000))).size >= 8, 'over the whole of that minute');
});

t.test('S10 nothing leaked, nothing crashed', (t) => world.conclude(t));
