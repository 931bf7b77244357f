/** A public key, a certificate and a JWK are no shared secrets (RFC 8725 section 2.1). */
import { createPrivateKey, randomBytes } from 'node:crypto';
import t from 'tap';
import { notASecret } from '../../../src/policy/compile/secret-shape.ts';
import { loadPolicy } from '../../../src/policy/load-policy.ts';
import { localCertificate } from '../../fixtures/certificates.ts';
import { createSigningKey, keySet } from '../../fixtures/token-signer.ts';

const rsa = createSigningKey('RS256');
const ec = createSigningKey('ES256');
const ed = createSigningKey('EdDSA');
const pem = (key: typeof rsa): string => String(key.publicKey.export({ type: 'spki', format: 'pem' }));
const pkcs1 = String(rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }));
const inner = (text: string): string => text.replace(/-----[^-]+-----/g, '').trim();
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const privatePem = String(createPrivateKey(localCertificate.key).export({ type: 'pkcs8', format: 'pem' }));
const SSH = `ssh-rsa ${randomBytes(200).toString('base64')} alice@example`;

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['RSA in PEM', pem(rsa), /public key.*certificates.*jwks/],
  ['EC in PEM', pem(ec), /public key/],
  ['Ed25519 in PEM', pem(ed), /public key/],
  ['PKCS #1 in PEM', pkcs1, /public key/],
  ['PEM with line ends of Windows', pem(rsa).replaceAll('\n', '\r\n'), /public key/],
  ['PEM on one line, \\n written out', pem(rsa).replaceAll('\n', '\\n'), /public key/],
  ['PEM in base64', base64(pem(rsa)), /public key/],
  ['PEM in base64url', Buffer.from(pem(rsa)).toString('base64url'), /public key/],
  ['PEM without its frame', inner(pem(rsa)), /public key/],
  ['the same on one line', inner(pem(ec)).replaceAll('\n', ''), /public key/],
  ['PKCS #1 without its frame', inner(pkcs1), /public key/],
  ['certificate', localCertificate.cert, /certificate.*under certificates/],
  ['certificate without its frame', inner(localCertificate.cert), /public key/],
  ['private key', privatePem, /private key/],
  ['JWK', JSON.stringify(rsa.jwk), /is a JWK, .*\{keys: \[\.\.\.\]\}/],
  ['JWK, indented', ` ${JSON.stringify(ec.jwk, null, 2)}\n`, /is a JWK/],
  ['JWK in base64', base64(JSON.stringify(ec.jwk)), /is a JWK/],
  ['JWK Set', JSON.stringify(keySet(rsa)), /JWK Set.*jwks_file/],
  ['JWK Set in base64', base64(JSON.stringify(keySet(ec))), /JWK Set/],
  ['symmetric JWK', '{"kty":"oct","k":"c2VjcmV0"}', /its k alone/],
  ['SSH', SSH, /public key/],
  ['SSH, Ed25519', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAA', /public key/],
  ['SSH, ECDSA', 'ecdsa-sha2-nistp256 AAAAE2VjZHNh', /public key/],
];

t.test('J10 what is public is refused as a secret', async (t) => {
  for (const [name, text, message] of refused) t.match(notASecret(text), message, name);
});

t.test('secrets are taken, whatever they look like', async (t) => {
  const good = [
    randomBytes(48).toString('base64'),
    randomBytes(48).toString('base64url'),
    randomBytes(64).toString('hex'),
    'correct horse battery staple, and more of it',
    'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A but not a key',
    'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A',
    '{"my": "secret in braces, of all things"}',
    '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]',
    'ssh-rsa',
    '----- BEGIN of a long and winding secret -----',
    '0'.repeat(64),
    '\u{1f511}'.repeat(16),
  ];
  for (const text of good) t.equal(notASecret(text), null, text);
});

t.test('J10 secret and secret_file are told with their place, and nothing of the text', async (t) => {
  const key = pem(rsa);
  const load = (line: string) =>
    loadPolicy({
      file: '/p/policy.yaml',
      text: `upstream: http://127.0.0.1:1\naccept: [corp]\nroutes: [{path: /}]\nissuers:\n  corp:\n    issuer: https://a\n    audience: b\n    ${line}\n`,
      environment: {},
      readFile: () => key,
      now: Date.now(),
    });
  for (const line of ['secret_file: key.pem', `secret: ${JSON.stringify(key)}`]) {
    const loaded = await load(line);
    t.match(loaded, { ok: false, problems: [{ line: 8, code: 'not_a_secret' }] }, line.slice(0, 20));
    t.notMatch(JSON.stringify(loaded.ok ? [] : loaded.problems), inner(key).slice(0, 20));
  }
});
