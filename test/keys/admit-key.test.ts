import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { flattenedVerify } from 'jose';
import t from 'tap';
import { admitKeys } from '../../src/keys/admit-key.ts';
import { createIssuer } from '../fixtures/tokens.ts';

const ALL = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const rsa = publicJwk(
  generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }),
);
const ec = publicJwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }));
const ed = publicJwk(generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }));

t.test('keys of every kind are prepared for the algorithms that fit them', async (t) => {
  const vectors = [
    { jwk: rsa, algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] },
    { jwk: { ...rsa, alg: 'PS256' }, algorithms: ['PS256'] },
    { jwk: ec, algorithms: ['ES256'] },
    { jwk: ed, algorithms: ['EdDSA'] },
    { jwk: { ...ed, alg: 'Ed25519' }, algorithms: ['EdDSA'] },
    { jwk: { ...ec, use: 'sig', key_ops: ['verify'], kid: 'k', x5t: 'whatever' }, algorithms: ['ES256'] },
    { jwk: { ...ec, kid: 'k'.repeat(1024) }, algorithms: ['ES256'] },
  ];
  for (const { jwk, algorithms } of vectors) {
    const { keys, ignored } = await admitKeys([jwk], ALL);
    t.same(ignored, []);
    t.same(
      keys.map((key) => key.algorithm),
      algorithms,
    );
  }
  const narrow = await admitKeys([rsa], ['RS256']);
  t.same(
    narrow.keys.map((key) => key.algorithm),
    ['RS256'],
    'no other than the issuer may use',
  );
});

t.test('K10 K12 S10 S12 a bad member is left out alone, with its reason', async (t) => {
  const weak = publicJwk(
    generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }),
  );
  const secp = publicJwk(
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' }),
  );
  const zeros = Buffer.alloc(32).toString('base64url');
  const vectors: readonly { readonly member: unknown; readonly reason: string }[] = [
    { member: null, reason: 'not_an_object' },
    { member: 'key', reason: 'not_an_object' },
    { member: [rsa], reason: 'not_an_object' },
    { member: {}, reason: 'kind_not_allowed' },
    { member: { ...rsa, kty: 'ZZZ' }, reason: 'kind_not_allowed' },
    { member: { kty: 'RSA', e: 'AQAB' }, reason: 'malformed' },
    { member: { ...rsa, n: 7 }, reason: 'malformed' },
    { member: { ...rsa, n: `${rsa.n}==` }, reason: 'malformed' },
    { member: { ...rsa, n: 'not base64!' }, reason: 'malformed' },
    { member: weak, reason: 'rsa_too_short' },
    { member: { ...rsa, e: 'AQ' }, reason: 'rsa_exponent_weak' },
    { member: { ...rsa, e: 'Aw' }, reason: 'rsa_exponent_weak' },
    { member: { ...rsa, use: 'enc' }, reason: 'not_for_signatures' },
    { member: { ...rsa, key_ops: ['encrypt'] }, reason: 'not_for_verifying' },
    { member: { ...rsa, key_ops: 'verify' }, reason: 'not_for_verifying' },
    { member: { ...rsa, alg: 'RSA-OAEP' }, reason: 'algorithm_not_allowed' },
    { member: { ...ec, alg: 'RS256' }, reason: 'algorithm_not_allowed' },
    { member: { ...rsa, kid: 7 }, reason: 'kid_malformed' },
    { member: { ...rsa, kid: 'k'.repeat(1025) }, reason: 'kid_malformed' },
    { member: { ...ec, y: zeros }, reason: 'import_failed' },
    { member: { ...ec, x: ec.x?.slice(0, 20) }, reason: 'coordinate_length' },
    { member: { ...ec, crv: 'P-384' }, reason: 'coordinate_length' },
    { member: secp, reason: 'kind_not_allowed' },
    { member: { ...ed, x: Buffer.alloc(31, 7).toString('base64url') }, reason: 'import_failed' },
    { member: { ...ed, x: zeros }, reason: 'ed25519_small_order' },
    {
      member: { ...ed, x: Buffer.from(`ecffff${'ff'.repeat(29)}`, 'hex').toString('base64url') },
      reason: 'ed25519_small_order',
    },
    { member: { kty: 'oct', k: 'c2VjcmV0' }, reason: 'symmetric' },
    { member: { ...rsa, d: 'AQAB' }, reason: 'private_members' },
    { member: { ...ec, k: 'AQAB' }, reason: 'private_members' },
  ];
  for (const { member, reason } of vectors) {
    const { keys, ignored } = await admitKeys([{ ...ec, kid: 'good' }, member], ALL);
    t.same(
      ignored.map((entry) => ({ index: entry.index, reason: entry.reason })),
      [{ index: 1, reason }],
      reason,
    );
    t.same(
      keys.map((key) => key.kid),
      ['good'],
      'the good one beside it is used',
    );
  }
});

t.test('K10 null and empty members, as .NET writes them, are as absent', async (t) => {
  const absent = {
    alg: null,
    use: null,
    key_ops: [],
    x5c: [],
    x5t: null,
    d: null,
    k: null,
    oth: [],
    crv: null,
  };
  const { keys, ignored } = await admitKeys(
    [
      { ...absent, ...rsa, kid: null },
      { ...rsa, kid: 'r', p: '' },
    ],
    ['RS256'],
  );
  t.same(ignored, []);
  t.same(
    keys.map(({ kid, algorithm }) => [kid, algorithm]),
    [
      [null, 'RS256'],
      ['r', 'RS256'],
    ],
  );
  const empty = { ...ec, use: '', alg: '', key_ops: null };
  t.match(await admitKeys([empty], ['ES256']), { keys: [{ algorithm: 'ES256' }], ignored: [] });
  const unbound = await admitKeys([{ ...ec, issuer: null }], ['ES256']);
  t.match(unbound.ignored, [{ reason: 'issuer_malformed' }], 'for whom a key speaks is not guessed');
  t.match((await admitKeys([{ ...rsa, n: null }], ['RS256'])).ignored, [{ reason: 'malformed' }]);
  t.match((await admitKeys([{ ...rsa, d: [1] }], ['RS256'])).ignored, [{ reason: 'private_members' }]);
});

t.test('K15 J10 a symmetric key in a set is never a key, even where HS256 is allowed', async (t) => {
  const { keys } = await admitKeys(
    [{ kty: 'oct', k: Buffer.alloc(32, 1).toString('base64url'), kid: 'k' }],
    ['HS256'],
  );
  t.same(keys, []);
});

t.test('the same key twice is one key, another under the same id is kept', async (t) => {
  const other = publicJwk(
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
  );
  const { keys } = await admitKeys(
    [
      { ...ec, kid: 'k' },
      { ...ec, kid: 'k', x5c: ['chain'] },
      { ...other, kid: 'k' },
    ],
    ALL,
  );
  t.equal(keys.length, 2);
  t.not(keys[0]?.fingerprint, keys[1]?.fingerprint);
  const members = [rsa, { ...rsa, crv: 7 }, { ...rsa, x5c: ['chain'] }];
  t.equal((await admitKeys(members, ['RS256'])).keys.length, 1);
});

t.test('an admitted key verifies what its issuer signed', async (t) => {
  for (const alg of ALL) {
    const issuer = await createIssuer({ alg });
    const [key] = (await admitKeys([issuer.jwk], [alg])).keys;
    const [head = '', payload = '', signature = ''] = (await issuer.sign()).split('.');
    if (key === undefined) throw new Error(alg);
    await t.resolves(flattenedVerify({ protected: head, payload, signature }, key.key), alg);
  }
});

function publicJwk(jwk: JsonWebKey): JsonWebKey & { readonly n?: string; readonly x?: string } {
  return jwk;
}
