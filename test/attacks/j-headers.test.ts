/**
 * Attacks J50-J67, J76, J77: what the header of a token asks for or points at, and what is no token. Each is sent as a
 * bearer token over a bare socket and must be 401 `invalid_token` with the upstream untouched, unless another answer
 * stands beside it.
 */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import {
  type ExpectedRefusal,
  HEADER_TOO_LARGE,
  INVALID_TOKEN,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { createSigningKey, defaultClaims, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

/** What a token must get: a refusal, or to be forwarded. */
type Outcome = ExpectedRefusal | 'forwarded';
type Case = readonly [id: string, name: string, token: string, outcome?: Outcome];

const ec = createSigningKey('ES256', 'ec');
const rsa = createSigningKey('RS256', 'rsa');
const attacker = createSigningKey('ES256', 'ec');
const weak = createSigningKey('RS256', 'weak', 1024);
const encryption = createSigningKey('RS256', 'encryption');
const exporting = createSigningKey('RS256', 'exporting');
const oaep = createSigningKey('RS256', 'oaep');
const server = await startKeyServer(t);
const keys = [
  ec.jwk,
  rsa.jwk,
  { ...createSigningKey('ES256', 'further').jwk },
  weak.jwk,
  { ...encryption.jwk, use: 'enc' },
  { ...exporting.jwk, key_ops: ['encrypt'] },
  { ...oaep.jwk, alg: 'RSA-OAEP' },
];
const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [corp, single]
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify({ keys })}}
  single: {issuer: https://single.test, audience: api, jwks: ${JSON.stringify({ keys: [ec.jwk, rsa.jwk] })}}
routes:
  - path: /**
`,
});

const good = signToken(ec);
const [head = '', payload = '', signature = ''] = good.split('.');
const text = JSON.stringify(defaultClaims());
const encoded = (part: string): string => Buffer.from(part).toString('base64url');
const der = rsa.publicKey.export({ type: 'spki', format: 'der' });
const pointing = `${server.url}/attacker`;
server.serve('/attacker', { keys: [attacker.jwk] });

const CASES: readonly Case[] = [
  ['J50', 'an unknown crit', signToken(ec, {}, { crit: ['x'], x: 1 })],
  ['J51', 'an empty crit', signToken(ec, {}, { crit: [] })],
  ['J52', 'a crit that is a text', signToken(ec, {}, { crit: 'x', x: 1 })],
  ['J53', 'crit of alg', signToken(ec, {}, { crit: ['alg'] })],
  ['J53', 'crit of exp', signToken(ec, {}, { crit: ['exp'], exp: 1 })],
  ['J54', 'crit of what is not there', signToken(ec, {}, { crit: ['x'] })],
  ['J54', 'crit twice the same', signToken(ec, {}, { crit: ['b64', 'b64'], b64: true })],
  ['J54', 'crit null', signToken(ec, {}, { crit: null })],
  ['J55', 'jku of the attacker', signToken(attacker, {}, { jku: pointing })],
  [
    'J55',
    'jku of the attacker with an id of its own',
    signToken(attacker, {}, { jku: pointing, kid: 'evil' }),
  ],
  ['J55', 'jku to the metadata of a cloud', signToken(attacker, {}, { jku: 'http://169.254.169.254/' })],
  ['J55', 'jku beside a good signature is not read', signToken(ec, {}, { jku: pointing }), 'forwarded'],
  ['J56', 'x5u of the attacker', signToken(attacker, {}, { x5u: pointing })],
  ['J57', 'an embedded key', signToken(attacker, {}, { jwk: attacker.jwk })],
  ['J57', 'an embedded key and no id', signToken(attacker, {}, { jwk: attacker.jwk, kid: undefined })],
  ['J58', 'a chain of the attacker', signToken(attacker, {}, { x5c: [der.toString('base64')] })],
  ['J59', 'b64 false', signToken(ec, {}, { b64: false })],
  ['J59', 'b64 false and critical', signToken(ec, {}, { b64: false, crit: ['b64'] })],
  ['J59', 'b64 true', signToken(ec, {}, { b64: true })],
  ['J59', 'zip', signToken(ec, {}, { zip: 'DEF' })],
  ['J59', 'nested', signToken(ec, {}, { cty: 'JWT' })],
  ...[
    { alg: 'dir', enc: 'A256GCM' },
    { alg: 'RSA-OAEP', enc: 'A256GCM', kid: 'rsa' },
    { alg: 'PBES2-HS256+A128KW', enc: 'A256GCM', p2c: 2 ** 31, p2s: 'AA' },
    { alg: 'ECDH-ES', enc: 'A256GCM', epk: ec.jwk },
  ].map(
    (members): Case => ['J60', members.alg, `${encoded(JSON.stringify(members))}.AA.AA.${encoded(text)}.AA`],
  ),
  ['J60', 'a JWS that says enc', signToken(ec, {}, { enc: 'A256GCM' })],
  ['J61', 'a JWE with zip', `${encoded('{"alg":"dir","enc":"A128GCM","zip":"DEF"}')}..AA.AA.AA`],
  ['J62', '15,000 dots', '.'.repeat(15_000)],
  ['J62', '100,000 dots', '.'.repeat(100_000), HEADER_TOO_LARGE],
  ['J63', 'a header of 14 kB', signToken(ec, {}, { x: 'x'.repeat(11_000) }), 'forwarded'],
  ['J63', 'a header beyond the longest token', signToken(ec, {}, { x: 'x'.repeat(13_000) })],
  ['J63', 'a token of 1 MB', `${head}.${'A'.repeat(1_000_000)}.${signature}`, HEADER_TOO_LARGE],
  ['J64', 'JSON', `{"payload":"${payload}","protected":"${head}","signature":"${signature}"}`],
  [
    'J64',
    'JSON with signatures',
    `{"payload":"${payload}","signatures":[{"protected":"${head}","signature":"${signature}"}]}`,
  ],
  ['J64', 'detached', `${head}..${signature}`],
  ...[1, ['ec'], {}, true].map(
    (kid): Case => ['J65', `kid ${JSON.stringify(kid)}`, signToken(ec, {}, { kid })],
  ),
  ['J65', 'kid null, as if there were none', signToken(ec, {}, { kid: null }), 'forwarded'],
  ...[
    '../../etc/passwd',
    "' OR 1=1--",
    '|cat',
    pointing,
    'k'.repeat(4000),
    '__proto__',
    'constructor',
    '',
    '\0',
    'ec\n',
    'EC',
    ' ec',
  ].map((kid): Case => ['J65', `kid ${JSON.stringify(kid).slice(0, 20)}`, signToken(ec, {}, { kid })]),
  [
    'J66',
    'no id, one key that fits',
    signToken(ec, { iss: 'https://single.test' }, { kid: undefined }),
    'forwarded',
  ],
  ['J66', 'no id, several that fit', signToken(ec, {}, { kid: undefined }), 'forwarded'],
  ['J66', 'no id, none that signed', signToken(attacker, {}, { kid: undefined })],
  ['J66', 'no id, by a key that was not admitted', signToken(weak, {}, { kid: undefined })],
  ['J67', 'a key for encryption', signToken(encryption)],
  ['J67', 'a key that may encrypt only', signToken(exporting)],
  ['J67', 'a key for RSA-OAEP', signToken(oaep)],
  ['J77', 'PASETO', 'v4.public.eyJzdWIiOiJhbGljZSJ9'],
  [
    'J77',
    'PASETO, local',
    'v2.local.QAxIpVe-ECVNI1z4xQbm_qQYomyT3h8FtV8bxkz8pBJWkT8f7HtlOpbroPDEZUKop_vaglyp76CzYy375cHmKCW8e1CCkV0Lflu4GTDyXMqQdpZMM1E6OaoQW27gaRSvWBrR3IgbFIa0AkuUFw',
  ],
  ['J77', 'an opaque token', '2YotnFZFEjr1zCsicMWpAA'],
  ['J77', 'a macaroon', 'MDAxY2xvY2F0aW9uIGh0dHA6Ly9teWJhbmsvCg'],
];

for (const [id, name, token, outcome = INVALID_TOKEN] of CASES) {
  t.test(`${id} ${name}`, async (t) => {
    if (outcome === 'forwarded') await world.forwarded(t, { target: '/api/x', token });
    else await world.refused(t, { target: '/api/x', token }, outcome);
  });
}

t.test('J76 a scheme that we do not know carries no credential for us', async (t) => {
  for (const scheme of ['DPoP', 'PoP', 'MAC', 'Token', 'JWT']) {
    const headers = [['Authorization', `${scheme} ${good}`]] as const;
    await world.refused(t, { target: '/api/x', headers }, UNAUTHENTICATED);
  }
});

t.test('J55 J56 nobody asked what a token pointed at', async (t) => {
  t.strictSame(server.hits, []);
});

t.test('J50 nothing leaked, nothing crashed', (t) => world.conclude(t));
