/** Who signed a token and how: algorithms, signatures, protected header members (RFC 7515, RFC 8725). */
import { createPublicKey } from 'node:crypto';
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { INVALID_TOKEN } from '../fixtures/refusal.ts';
import {
  assemble,
  createSigningKey,
  defaultClaims,
  keySet,
  type Members,
  nowSeconds,
  type SigningKey,
  signatureOf,
  signBytes,
  signToken,
  signWithSecret,
} from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const rsa = createSigningKey('RS256');
const keys: SigningKey[] = [
  rsa,
  ...['PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'].map((alg) => createSigningKey(alg)),
  ...['RS384', 'RS512', 'PS384', 'PS512'].map((alg) => ({
    ...rsa,
    alg,
    kid: alg.toLowerCase(),
    jwk: { ...rsa.jwk, alg, kid: alg.toLowerCase() },
  })),
];
const attacker = createSigningKey('RS256', rsa.kid);
const elliptic = keys.find((key) => key.alg === 'ES256') ?? rsa;
const { alg: _alg, ...anyAlgorithm } = rsa.jwk;
const keyServer = await startKeyServer(t);
keyServer.serve('/attacker', keySet(attacker));
const secret = 'a secret of at least thirty-two bytes';

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [corp, narrow, shared]
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(...keys))}}
  narrow:
    issuer: https://narrow.test
    audience: api
    algorithms: RS256
    jwks: ${JSON.stringify({ keys: [{ ...anyAlgorithm, kid: 'open' }] })}
  shared: {issuer: https://shared.test, audience: api, algorithms: HS256, secret: ${JSON.stringify(secret)}}
routes:
  - path: /orders/**
`,
});
const target = '/orders/1';

for (const key of keys) {
  t.test(`T01 a valid ${key.alg} token`, async (t) => {
    const seen = await world.forwarded(t, { target, token: signToken(key) });
    t.strictSame(seen.all('x-auth-subject'), ['alice']);
    t.strictSame(seen.all('x-auth-issuer'), ['https://issuer.test']);
  });
}

t.test('T01 EdDSA by its newer name (RFC 9864), with a key that says the older one', async (t) => {
  const edwards = keys.find(({ alg }) => alg === 'EdDSA') ?? rsa;
  await world.forwarded(t, { target, token: signToken(edwards, {}, { alg: 'Ed25519' }) });
});

t.test('T34 kid and typ that are null are as absent', async (t) => {
  await world.forwarded(t, { target, token: signToken(rsa, {}, { kid: null, typ: null }) });
});

t.test('T01 a token signed by the shared secret', async (t) => {
  await world.forwarded(t, {
    target,
    token: signWithSecret(secret, 'HS256', { iss: 'https://shared.test' }),
  });
});

const good = signToken(rsa);
const [head = '', payload = '', signature = ''] = good.split('.');
const other = signToken(rsa, { sub: 'bob' });
const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const der = rsa.publicKey.export({ type: 'spki', format: 'der' });
const confused = (key: string | Buffer, alg: 'HS256' | 'HS384' = 'HS256'): string =>
  signWithSecret(key, alg, {}, { kid: rsa.kid });
const relabelled = (alg: unknown, key = rsa): string => signToken(key, {}, { alg });
const derSignature = Buffer.concat([Buffer.from('3044', 'hex'), signatureOf(elliptic, 'x')]);

const REFUSED: [string, string][] = [
  ['T23 alg none', assemble({ alg: 'none' }, {}, '')],
  ['T23 alg none with an old signature', assemble({ alg: 'none', kid: rsa.kid }, {}, signature)],
  ['T23 alg nOnE', assemble({ alg: 'nOnE' }, {}, signature)],
  ['T23 alg NONE', assemble({ alg: 'NONE' }, {}, signature)],
  ['T24 HMAC with the RSA public key as secret', confused(pem)],
  ['T24 HMAC with the trimmed PEM', confused(pem.trim())],
  ['T24 HMAC with the DER', confused(der)],
  ['T24 HMAC with the JWK', confused(JSON.stringify(rsa.jwk))],
  ['T24 HMAC with the modulus', confused(String(rsa.jwk.n))],
  ['T24 HMAC with an empty secret', confused('')],
  ['T24 HS384 with the PEM', confused(pem, 'HS384')],
  [
    'T25 an algorithm off the issuer list',
    signToken({ ...rsa, alg: 'RS512', kid: 'open' }, { iss: 'https://narrow.test' }),
  ],
  ['T25 HS512 where only HS256 is listed', signWithSecret(secret, 'HS512', { iss: 'https://shared.test' })],
  ['J10 the shared secret for another issuer', signWithSecret(secret, 'HS256')],
  ['T26 an algorithm other than the key is for', signToken({ ...rsa, alg: 'RS512' })],
  ['J9 RS256 relabelled as PS256', relabelled('PS256')],
  ['J11 the kid of an EC key with RS256', signToken(rsa, {}, { kid: elliptic.kid })],
  [
    'J12 ES256 by a key of another curve',
    signToken({ ...createSigningKey('ES384'), alg: 'ES256', kid: elliptic.kid }),
  ],
  ['T27 no alg', relabelled(undefined)],
  ['T27 alg a number', relabelled(1)],
  ['T27 alg null', relabelled(null)],
  ['T27 alg a list', relabelled(['RS256'])],
  ['T27 alg empty', relabelled('')],
  ['J4 alg in lower case', relabelled('rs256')],
  ['J4 alg with a space', relabelled('RS256 ')],
  ['J5 an unknown alg', relabelled('ES999')],
  ['T28 a bad signature', signToken(attacker)],
  ['T28 an empty signature', `${head}.${payload}.`],
  ['T28 a tampered payload', `${head}.${payload.slice(0, -2)}AA.${signature}`],
  ['T28 the signature of another token', `${head}.${payload}.${other.split('.')[2]}`],
  ['T28 a signature cut short', good.slice(0, -4)],
  ['T28 a signature with a byte more', `${good}AAAA`],
  ['T28 a tampered and expired token', tampered({ exp: nowSeconds() - 600 })],
  ['J23 an ECDSA signature of zeros', zeroSignature(64)],
  [
    'J21 an ECDSA signature in DER',
    `${signToken(elliptic).split('.').slice(0, 2).join('.')}.${derSignature.toString('base64url')}`,
  ],
  ['J25 a signature with trailing bits', `${good.slice(0, -1)}${nextLetter(good.slice(-1))}`],
  ['T31 an unknown critical member', signToken(rsa, {}, { crit: ['x'], x: 1 })],
  ['T32 an empty crit', signToken(rsa, {}, { crit: [] })],
  ['T32 b64 false with crit', signToken(rsa, {}, { crit: ['b64'], b64: false })],
  ['T32 b64 false without crit', signToken(rsa, {}, { b64: false })],
  ['J52 crit a string', signToken(rsa, {}, { crit: 'x' })],
  ['J53 crit of a registered member', signToken(rsa, {}, { crit: ['alg'] })],
  ['J59 zip', signToken(rsa, {}, { zip: 'DEF' })],
  ['J59 a nested token', signToken(rsa, {}, { cty: 'JWT' })],
  ['T33 an embedded attacker key', signToken(attacker, {}, { kid: undefined, jwk: attacker.jwk })],
  ['T33 jku of an attacker', signToken(attacker, {}, { jku: `${keyServer.url}/attacker` })],
  ['T33 x5u of an attacker', signToken(attacker, {}, { x5u: `${keyServer.url}/attacker` })],
  ['T33 x5c of an attacker', signToken(attacker, {}, { x5c: [der.toString('base64')] })],
  ['J27 alg twice', twice('"alg":"none","alg":"RS256","kid":"rs256-1"')],
  ['J27 kid twice', twice('"alg":"RS256","kid":"x","kid":"rs256-1"')],
  ['T34 kid a path', signToken(rsa, {}, { kid: '../../../../etc/passwd' })],
  ['T34 kid an SQL fragment', signToken(rsa, {}, { kid: "' OR 1=1--" })],
  ['T34 kid of 8 KiB', signToken(rsa, {}, { kid: 'k'.repeat(8192) })],
  ['T34 kid a number', signToken(rsa, {}, { kid: 1 })],
  ['T34 kid an array', signToken(rsa, {}, { kid: [rsa.kid] })],
  ['T34 kid with a line break', signToken(rsa, {}, { kid: 'a\r\nb\u001b[31m' })],
  ['T34 kid __proto__', signToken(rsa, {}, { kid: '__proto__' })],
  ['T44 a JWS in JSON', `{"payload":"${payload}","protected":"${head}","signature":"${signature}"}`],
  ['J77 a PASETO', 'v4.public.eyJzdWIiOiJhbGljZSJ9'],
];
for (const [name, token] of REFUSED) {
  t.test(name, async (t) => {
    await world.refused(t, { target, token }, INVALID_TOKEN);
  });
}

t.test('T33 nobody fetched what a token pointed at', async (t) => {
  t.strictSame(keyServer.hits, []);
});

t.test(
  'T33 a token of a configured key is judged by that key, whatever else its header points at',
  async (t) => {
    const response = await world.send({
      target,
      token: signToken(rsa, {}, { jku: `${keyServer.url}/attacker` }),
    });
    t.ok(response.status === 200 || response.status === 401);
    t.strictSame(keyServer.hits, []);
  },
);

t.test('J22 the two valid signatures of one ECDSA token are each judged alone', async (t) => {
  t.ok(createPublicKey({ key: elliptic.jwk, format: 'jwk' }));
  const token = signToken(elliptic);
  await world.forwarded(t, { target, token });
  const [first = '', second = ''] = token.split('.');
  await world.refused(
    t,
    { target, token: `${first}.${second}.${Buffer.alloc(64, 1).toString('base64url')}` },
    INVALID_TOKEN,
  );
});

t.test('J18 a flipped bit anywhere in the token is refused', async (t) => {
  const token = signToken(elliptic);
  for (let index = 0; index < token.length; index += 7) {
    if (token[index] === '.') continue;
    const changed = `${token.slice(0, index)}${nextLetter(token[index] ?? 'A')}${token.slice(index + 1)}`;
    const response = await world.send({ target, token: changed });
    t.equal(response.status, 401, `offset ${index}`);
  }
});

t.test('T23 nothing leaked, nothing crashed', (t) => world.conclude(t, [secret, signature]));

function tampered(claims: Members): string {
  const [first, , last] = signToken(rsa, claims).split('.');
  const changed = JSON.stringify({ ...defaultClaims(), ...claims, sub: 'root' });
  return `${first}.${Buffer.from(changed).toString('base64url')}.${last}`;
}

function zeroSignature(bytes: number): string {
  return assemble({ alg: 'ES256', kid: elliptic.kid }, {}, Buffer.alloc(bytes).toString('base64url'));
}

function twice(members: string): string {
  return signBytes(rsa, `{${members}}`, JSON.stringify(defaultClaims()));
}

/** Another letter of the base64url alphabet, next to the given one. */
function nextLetter(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[(alphabet.indexOf(letter) + 1) % alphabet.length] ?? 'A';
}
