import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import t from 'tap';
import { admitCertificates, jwkOfPem, validityOfPem } from '../../src/keys/pem-keys.ts';
import { expiredCertificate, localCertificate, testAuthority } from '../fixtures/certificates.ts';
import { createSigningKey } from '../fixtures/token-signer.ts';

const ALL = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const spki = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const ec = createSigningKey('ES256', 'ec');
const rsa = createSigningKey('RS256', 'rsa');
const weak = createSigningKey('RS256', 'weak', 1024);

t.test('public keys and certificates become JWKs with the same key', async (t) => {
  for (const alg of ['ES256', 'ES384', 'ES512', 'RS256', 'EdDSA']) {
    const key = createSigningKey(alg, 'k');
    const { alg: _alg, use: _use, ...expected } = key.jwk;
    t.same(jwkOfPem(spki(key.publicKey), 'k'), expected, alg);
  }
  const certified = createPublicKey(localCertificate.cert).export({ format: 'jwk' });
  t.same(jwkOfPem(localCertificate.cert, 'c'), { ...certified, kid: 'c' });
  t.same(jwkOfPem(`\n${localCertificate.cert.replaceAll('\n', '\r\n')}\n`, 'c'), { ...certified, kid: 'c' });
});

t.test('whatever else is in PEM, or is none, is refused with a reason', async (t) => {
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey;
  const dsa = generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).publicKey;
  const bytes = ec.publicKey.export({ type: 'spki', format: 'der' });
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  const point = `-----BEGIN PUBLIC KEY-----\n${bytes.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END PUBLIC KEY-----\n`;
  const rows: readonly (readonly [string, unknown, string])[] = [
    ['a private key', pkcs8(ec.privateKey), 'private_members'],
    ['a private key of the old form', localCertificate.key, 'private_members'],
    ['a certificate and its private key', localCertificate.cert + localCertificate.key, 'several_pem_blocks'],
    ['two certificates', localCertificate.cert + testAuthority, 'several_pem_blocks'],
    ['two keys', spki(ec.publicKey).repeat(2), 'several_pem_blocks'],
    [
      'another label',
      localCertificate.cert.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'),
      'not_a_public_key',
    ],
    ['PKCS #1', rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }), 'not_a_public_key'],
    [
      'a certificate called a key',
      localCertificate.cert.replaceAll('CERTIFICATE', 'PUBLIC KEY'),
      'malformed',
    ],
    ['a key called a certificate', spki(ec.publicKey).replaceAll('PUBLIC KEY', 'CERTIFICATE'), 'malformed'],
    ['a point off its curve', point, 'malformed'],
    ['cut short', localCertificate.cert.slice(0, -10), 'not_pem'],
    ['labels that differ', localCertificate.cert.replace('BEGIN CERT', 'BEGIN CRT'), 'not_pem'],
    ['text before', `secret\n${localCertificate.cert}`, 'not_pem'],
    ['text after', `${localCertificate.cert}secret`, 'not_pem'],
    ['a DER in base64 alone', localCertificate.cert.replace(/-----.*-----\n/g, ''), 'not_pem'],
    ['a byte order mark', `\ufeff${localCertificate.cert}`, 'not_pem'],
    ['other spaces', localCertificate.cert.replace('\n', '\u00a0'), 'not_pem'],
    ['empty', '', 'not_pem'],
    ['nothing', undefined, 'not_pem'],
    ['a list', [localCertificate.cert], 'not_pem'],
    ['too long', localCertificate.cert.replace('\n', '\n'.repeat(20_000)), 'not_pem'],
    ['RSA-PSS', spki(pss), 'kind_not_allowed'],
    ['DSA', spki(dsa), 'kind_not_allowed'],
  ];
  for (const [name, pem, reason] of rows) t.equal(jwkOfPem(pem, 'k'), reason, name);
});

t.test('members are admitted each on its own, by the rules of JWK Sets', async (t) => {
  const { keys, ignored } = await admitCertificates(
    {
      page: '<html>',
      ec: spki(ec.publicKey),
      weak: spki(weak.publicKey),
      certificate: localCertificate.cert,
      private: pkcs8(ec.privateKey),
      number: 7,
      rsa: spki(rsa.publicKey),
    },
    ['ES256', 'RS256'],
  );
  t.same(
    keys.map(({ kid, algorithm }) => `${kid} ${algorithm}`),
    ['ec ES256', 'certificate ES256', 'rsa RS256'],
  );
  t.same(ignored, [
    { index: 0, kid: 'page', reason: 'not_pem' },
    { index: 2, kid: 'weak', reason: 'rsa_too_short' },
    { index: 4, kid: 'private', reason: 'private_members' },
    { index: 5, kid: 'number', reason: 'not_pem' },
  ]);
  const other = await admitCertificates({ ec: spki(ec.publicKey), rsa: spki(rsa.publicKey) }, ['ES384']);
  t.same(other.keys, []);
  t.same(
    other.ignored.map(({ reason }) => reason),
    ['kind_not_allowed', 'kind_not_allowed'],
  );
  const proto = await admitCertificates(
    JSON.parse(`{"__proto__": ${JSON.stringify(spki(ec.publicKey))}}`),
    ALL,
  );
  t.equal(proto.keys[0]?.kid, '__proto__', 'an id like any other');
  t.match(await admitCertificates({ ['k'.repeat(1025)]: spki(ec.publicKey) }, ALL), {
    keys: [],
    ignored: [{ kid: 'k'.repeat(64), reason: 'kid_malformed' }],
  });
});

t.test('the validity period of a certificate is known, and decides nothing', async (t) => {
  t.same(validityOfPem(expiredCertificate.cert), {
    from: Date.UTC(2020, 0, 1),
    to: Date.UTC(2021, 0, 1),
  });
  for (const pem of [spki(ec.publicKey), 'x', 7]) t.equal(validityOfPem(pem), null);
  const { keys } = await admitCertificates({ old: expiredCertificate.cert }, ALL);
  t.equal(keys.length, 1);
});
