/**
 * Attacks J1-J27: who signed a token, and how it is written. Each is sent as a bearer token over
 * a bare socket and must be 401 `invalid_token` with the upstream untouched, unless another answer stands beside it.
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import t from 'tap';
import { beyondOrder, big, twinOf, withExponent } from '../fixtures/forgeries.ts';
import { type ExpectedRefusal, INVALID_TOKEN } from '../fixtures/refusal.ts';
import {
  assemble,
  createSigningKey,
  defaultClaims,
  type Members,
  type SigningKey,
  signBytes,
  signToken,
  signWithSecret,
} from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

/** What a token must get: a refusal, or to be forwarded. */
type Outcome = ExpectedRefusal | 'forwarded';
type Case = readonly [id: string, name: string, token: string, outcome?: Outcome];

const ec = createSigningKey('ES256', 'ec');
const rsa = createSigningKey('RS256', 'rsa');
const edwards = createSigningKey('EdDSA', 'ed');
const weak = createSigningKey('RS256', 'weak', 1024);
const cubic = withExponent(3, 'cubic');
const secret = Buffer.alloc(32, 9);
const keys = [
  ec.jwk,
  // Without alg, so that it serves RS256 and PS256 alike.
  { ...rsa.jwk, alg: undefined },
  edwards.jwk,
  weak.jwk,
  cubic.jwk,
  { ...rsa.jwk, kid: 'one', e: 'AQ' },
  { ...rsa.jwk, kid: 'even', e: 'Ag' },
  { ...rsa.jwk, kid: 'even-modulus', n: evenModulus() },
  { ...rsa.jwk, kid: 'leading', n: Buffer.concat([Buffer.of(0, 0), modulus()]).toString('base64url') },
  { ...rsa.jwk, kid: 'long', n: Buffer.alloc(2048, 0xfd).toString('base64url') },
  { ...edwards.jwk, kid: 'small', x: Buffer.concat([Buffer.of(1), Buffer.alloc(31)]).toString('base64url') },
  { kty: 'oct', kid: 'secret', alg: 'HS256', k: secret.toString('base64url') },
];
const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [corp]
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify({ keys })}}
routes:
  - path: /**
`,
});

const good = signToken(ec);
const [head = '', payload = '', signature = ''] = good.split('.');
const rsaGood = signToken(rsa);
const text = JSON.stringify(defaultClaims());
const headOf = (members: Members): string => JSON.stringify({ alg: 'ES256', kid: 'ec', ...members });
const encoded = (part: string | Buffer): string => Buffer.from(part).toString('base64url');
const withSignature = (bytes: Buffer | string): string => `${head}.${payload}.${encoded(bytes)}`;
/** Header bytes as given, good claims, and a good signature over both. */
const headed = (bytes: string | Buffer): string => signBytes(ec, bytes, text);
const claimed = (bytes: string | Buffer): string => signBytes(ec, headOf({}), bytes);
const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const der = rsa.publicKey.export({ type: 'spki', format: 'der' });
const confused = (key: string | Buffer): string => signWithSecret(key, 'HS256', {}, { kid: 'rsa' });
const raw = Buffer.from(signature, 'base64url');
const [r, s] = [raw.subarray(0, 32), raw.subarray(32)];
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const number = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
const edGood = signToken(edwards);
const edRaw = Buffer.from(edGood.split('.')[2] ?? '', 'base64url');
const edWith = (bytes: Buffer): string => `${edGood.split('.').slice(0, 2).join('.')}.${encoded(bytes)}`;

const CASES: readonly Case[] = [
  ['J1', 'none without a signature', assemble({ alg: 'none' }, {}, '')],
  ...['none', 'None', 'NONE', 'nOnE', 'none '].map(
    (alg): Case => ['J2', `${alg} with a signature`, assemble({ alg, kid: 'ec' }, {}, signature)],
  ),
  ...[undefined, null, ['ES256'], 1, '', {}, true].map(
    (alg): Case => ['J3', `alg ${JSON.stringify(alg)}`, signToken(ec, {}, { alg })],
  ),
  ...['es256', 'ES256 ', ' ES256', 'Es256', 'ES256\0'].map(
    (alg): Case => ['J4', `alg ${JSON.stringify(alg)}`, signToken(ec, {}, { alg })],
  ),
  ...['ES999', 'ES256K', 'RS1', 'X', '__proto__', 'constructor', 'toString'].map(
    (alg): Case => ['J5', `alg ${alg}`, signToken(ec, {}, { alg })],
  ),
  ['J6', 'HMAC with the PEM', confused(pem)],
  ...[pem.trim(), pem.replaceAll('\n', '\r\n'), `${pem}\n`, ` ${pem}`, der, JSON.stringify(rsa.jwk)].map(
    (key, index): Case => ['J7', `HMAC with form ${index} of the public key`, confused(key)],
  ),
  ['J7', 'HMAC with the modulus', confused(String(rsa.jwk.n))],
  ['J7', 'HMAC with the bytes of the modulus', confused(modulus())],
  ...(['HS256', 'HS384', 'HS512'] as const).map(
    (alg): Case => ['J8', `${alg} with an empty secret`, signWithSecret('', alg, {}, { kid: 'rsa' })],
  ),
  ['J9', 'RS256 called PS256', relabelled(rsaGood, 'PS256')],
  ['J9', 'RS256 signed as PS256', signToken(rsa, {}, { alg: 'PS256' })],
  ['J9', 'PS256 signed as RS256', signToken({ ...rsa, alg: 'PS256' }, {}, { alg: 'RS256' })],
  ['J9', 'PS256 by a key that serves both', signToken({ ...rsa, alg: 'PS256' }), 'forwarded'],
  ['J10', 'HS256 with a secret that the set carries', signWithSecret(secret, 'HS256', {}, { kid: 'secret' })],
  ['J11', 'the id of an EC key with RS256', signToken(rsa, {}, { kid: 'ec' })],
  ['J11', 'the id of an RSA key with ES256', signToken(ec, {}, { kid: 'rsa' })],
  ['J12', 'ES256 by P-384', signToken({ ...createSigningKey('ES384'), alg: 'ES256', kid: 'ec' })],
  ['J12', 'ES256 by secp256k1', signToken({ ...ec, ...curve('secp256k1') })],
  ['J13', 'RSA of 1024 bits', signToken(weak)],
  ['J14', 'a signature that e = 1 lets anybody make', forgedForOne()],
  ['J14', 'e = 3', signToken(cubic)],
  ['J14', 'e = 2', signToken(rsa, {}, { kid: 'even' })],
  ['J14', 'an even modulus', signToken(rsa, {}, { kid: 'even-modulus' })],
  ['J14', 'a modulus of 16384 bits', signToken(rsa, {}, { kid: 'long' })],
  // The same number: RFC 7518 section 6.3.1.1 wants no zeros before it, and nothing depends on them.
  ['J14', 'a modulus with zeros before it', signToken(rsa, {}, { kid: 'leading' }), 'forwarded'],
  // Its key is refused at admission (test/keys/weak-rsa.test.ts); without the primes nobody can sign with it here.
  ['J15', 'a key that is not there', signToken(rsa, {}, { kid: 'roca' })],
  ['J16', 'Ed25519', edGood, 'forwarded'],
  ['J16', 'Ed25519 of 63 bytes', edWith(edRaw.subarray(0, 63))],
  ['J16', 'Ed25519 of 65 bytes', edWith(Buffer.concat([edRaw, Buffer.of(0)]))],
  ['J16', 'Ed25519 with S beyond the order', edWith(beyondOrder(edRaw))],
  ['J16', 'a signature that a key of small order takes for all', smallOrder()],
  [
    'J17',
    'the signature of another token',
    `${head}.${payload}.${signToken(ec, { sub: 'bob' }).split('.')[2]}`,
  ],
  ['J19', 'a signature cut by a byte', withSignature(raw.subarray(0, 63))],
  ['J19', 'a signature cut to half', withSignature(r)],
  ['J19', 'a byte more', withSignature(Buffer.concat([raw, Buffer.of(0)]))],
  ['J19', 'zeros before', withSignature(Buffer.concat([Buffer.of(0), raw]))],
  ['J19', 'zeros before each half', withSignature(Buffer.concat([Buffer.of(0), r, Buffer.of(0), s]))],
  ['J20', 'no signature', `${head}.${payload}.`],
  ['J20', 'no last dot', `${head}.${payload}`],
  ['J20', 'four parts', `${good}.${signature}`],
  ['J20', 'five parts', `${good}.${signature}.${signature}`],
  ['J20', 'a dot before', `.${good}`],
  ['J20', 'a dot behind', `${good}.`],
  ['J20', 'two dots', '..'],
  ['J20', 'no header', `.${payload}.${signature}`],
  ['J20', 'no payload', `${head}..${signature}`],
  ['J21', 'ECDSA in DER', withDer()],
  // Valid by mathematics, and so accepted; nothing takes the text of a token for an identity.
  [
    'J22',
    'the other signature of ECDSA',
    withSignature(Buffer.concat([r, number(ORDER - big(s))])),
    'forwarded',
  ],
  ...([0n, ORDER, ORDER + 1n] as const).flatMap((value): Case[] => [
    ['J23', `r = ${value}`, withSignature(Buffer.concat([number(value), s]))],
    ['J23', `s = ${value}`, withSignature(Buffer.concat([r, number(value)]))],
    ['J23', `both ${value}`, withSignature(Buffer.concat([number(value), number(value)]))],
  ]),
  ['J24', 'zeros', withSignature(Buffer.alloc(64))],
  ['J24', 'one and one', withSignature(Buffer.concat([number(1n), number(1n)]))],
  ...['=', '==', '%3D', '+', '/', '~'].map((more): Case => ['J25', `${more} behind`, `${good}${more}`]),
  ['J25', 'padding in the header', signBytes(ec, `${headOf({})} `, text).replace('.', '=.')],
  ['J25', 'bits that belong to no byte', `${good.slice(0, -1)}${twinOf(good.slice(-1))}`],
  ['J25', 'a byte order mark before the header', headed(`\uFEFF${headOf({})}`)],
  ['J25', 'a byte order mark before the claims', claimed(`\uFEFF${text}`)],
  ...[
    '[]',
    '"x"',
    '1',
    'null',
    'true',
    '{',
    '',
    ' ',
    `${headOf({})}x`,
    `${headOf({})}{}`,
    `[${headOf({})}]`,
  ].map((bytes): Case => ['J26', `the header ${bytes.slice(0, 12)}`, headed(bytes)]),
  [
    'J26',
    'a header that is no UTF-8',
    headed(Buffer.concat([Buffer.from('{"x":"'), Buffer.of(0xff), Buffer.from(`",${headOf({}).slice(1)}`)])),
  ],
  ['J26', 'a deep header', headed(headOf({ x: 0 }).replace(':0', `:${'['.repeat(2000)}${']'.repeat(2000)}`))],
  ['J27', 'alg twice', headed('{"alg":"none","alg":"ES256","kid":"ec"}')],
  ['J27', 'alg twice the other way', headed('{"alg":"ES256","alg":"none","kid":"ec"}')],
  ['J27', 'alg twice, once with escapes', headed('{"alg":"ES256","a\\u006cg":"ES256","kid":"ec"}')],
  ['J27', 'kid twice', headed('{"alg":"ES256","kid":"x","kid":"ec"}')],
];

for (const [id, name, token, outcome = INVALID_TOKEN] of CASES) {
  t.test(`${id} ${name}`, async (t) => {
    if (outcome === 'forwarded') await world.forwarded(t, { target: '/api/x', token });
    else await world.refused(t, { target: '/api/x', token }, outcome);
  });
}

t.test('J18 one bit turned in every byte of header, payload and signature', async (t) => {
  const parts = good.split('.').map((part) => Buffer.from(part, 'base64url'));
  const changed: string[] = [];
  for (const [place, part] of parts.entries()) {
    for (let at = 0; at < part.length; at += 1) {
      const turned = Buffer.from(part);
      turned[at] = (turned[at] ?? 0) ^ (1 << (at % 8));
      changed.push(parts.map((each, index) => encoded(index === place ? turned : each)).join('.'));
    }
  }
  t.ok(changed.length > 200);
  const before = await world.upstream.mark();
  for (const token of changed) {
    const { status } = await world.send({ target: '/api/x', token });
    if (status !== 401) t.fail(`${status} for ${token}`);
  }
  t.equal(await world.upstream.mark(), before);
});

t.test('J1 the good token itself is good', (t) =>
  world.forwarded(t, { target: '/api/x', token: good }).then(() => undefined),
);

t.test('J1 nothing leaked, nothing crashed', (t) => world.conclude(t));

function modulus(): Buffer {
  return Buffer.from(String(rsa.jwk.n), 'base64url');
}

function evenModulus(): string {
  const bytes = modulus();
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) & 0xfe;
  return bytes.toString('base64url');
}

function curve(namedCurve: string): Pick<SigningKey, 'privateKey' | 'publicKey'> {
  return generateKeyPairSync('ec', { namedCurve });
}

/** The same bytes under another algorithm's name, which the signature does not cover any more. */
function relabelled(token: string, alg: string): string {
  const [, claims, last] = token.split('.');
  return `${encoded(JSON.stringify({ alg, kid: 'rsa', typ: 'at+jwt' }))}.${claims}.${last}`;
}

/** With e = 1 the padded digest (RFC 8017 section 9.2) is its own signature. */
function forgedForOne(): string {
  const input = `${encoded(JSON.stringify({ alg: 'RS256', kid: 'one', typ: 'at+jwt' }))}.${encoded(text)}`;
  const prefix = Buffer.from('3031300d060960864801650304020105000420', 'hex');
  const digest = Buffer.concat([prefix, createHash('sha256').update(input).digest()]);
  const padding = Buffer.alloc(256 - digest.length - 3, 0xff);
  return `${input}.${encoded(Buffer.concat([Buffer.of(0, 1), padding, Buffer.of(0), digest]))}`;
}

function withDer(): string {
  const signed = sign('sha256', Buffer.from(`${head}.${payload}`), ec.privateKey);
  return withSignature(signed);
}

/** For the neutral point as key, R = it and S = 0 fit every message. */
function smallOrder(): string {
  const input = `${encoded(JSON.stringify({ alg: 'EdDSA', kid: 'small', typ: 'at+jwt' }))}.${encoded(text)}`;
  return `${input}.${encoded(Buffer.concat([Buffer.of(1), Buffer.alloc(63)]))}`;
}
