import t from 'tap';
import { hashPassword, NEW_HASH_ALGORITHMS, verifyPassword } from '../../src/credentials/password-hash.ts';
import { parsePasswordHash } from '../../src/policy/compile/password-hash.ts';
import type { PasswordHash } from '../../src/policy/sources.ts';

const noBcrypt = async (): Promise<boolean> => {
  throw new Error('not asked for bcrypt');
};

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');
const bytes = (text: string): Buffer => Buffer.from(text);

/** Parameters in the vectors are not what a policy may have: they are verified without being parsed. */
const VECTORS: readonly (readonly [name: string, password: string, hash: PasswordHash])[] = [
  [
    'RFC 7914 section 12, first',
    '',
    {
      algorithm: 'scrypt',
      ln: 4,
      r: 1,
      p: 1,
      salt: bytes(''),
      hash: hex(
        '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906',
      ),
    },
  ],
  [
    'RFC 7914 section 12, second',
    'password',
    {
      algorithm: 'scrypt',
      ln: 10,
      r: 8,
      p: 16,
      salt: bytes('NaCl'),
      hash: hex(
        'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
      ),
    },
  ],
  [
    'RFC 7914 section 12, third',
    'pleaseletmein',
    {
      algorithm: 'scrypt',
      ln: 14,
      r: 8,
      p: 1,
      salt: bytes('SodiumChloride'),
      hash: hex(
        '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
      ),
    },
  ],
  [
    "Argon2's reference, argon2id of version 19",
    'password',
    {
      algorithm: 'argon2id',
      m: 65_536,
      t: 2,
      p: 1,
      salt: bytes('somesalt'),
      hash: hex('09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'),
    },
  ],
];

for (const [name, password, hash] of VECTORS) {
  t.test(`${name}: the password and no other`, async (t) => {
    t.equal(await verifyPassword(password, hash, noBcrypt), true);
    t.equal(await verifyPassword(`${password} `, hash, noBcrypt), false);
    const wrong = { ...hash, salt: bytes('othersalt') };
    t.equal(await verifyPassword(password, wrong, noBcrypt), false, 'salt');
  });
}

t.test('bcrypt is asked with the whole hash, and its answer holds', async (t) => {
  const hash: PasswordHash = { algorithm: 'bcrypt', rounds: 10, encoded: '$2b$10$x' };
  const asked: string[][] = [];
  const answer = (is: boolean) => async (password: string, encoded: string) => {
    asked.push([password, encoded]);
    return is;
  };
  t.equal(await verifyPassword('secret', hash, answer(true)), true);
  t.equal(await verifyPassword('secret', hash, answer(false)), false);
  t.strictSame(asked, [
    ['secret', '$2b$10$x'],
    ['secret', '$2b$10$x'],
  ]);
});

t.test('bcrypt is not asked about a part of a password, and does its work all the same', async (t) => {
  const hash: PasswordHash = { algorithm: 'bcrypt', rounds: 10, encoded: '$2b$10$x' };
  const asked: string[] = [];
  const yes = async (password: string) => asked.push(password) > 0;
  for (const [password, taken] of [
    ['x'.repeat(72), true],
    ['x'.repeat(73), false],
    ['ä'.repeat(36), true],
    ['ä'.repeat(37), false],
  ] as const) {
    t.equal(await verifyPassword(password, hash, yes), taken, String(password.length));
  }
  t.strictSame(asked, ['x'.repeat(72), '', 'ä'.repeat(36), '']);
});

t.test('a new hash is one that a policy takes, and no two are alike', async (t) => {
  for (const algorithm of NEW_HASH_ALGORITHMS) {
    const [one, two] = await Promise.all([
      hashPassword('tëst: 1', algorithm),
      hashPassword('tëst: 1', algorithm),
    ]);
    t.not(one, two, algorithm);
    const parsed = parsePasswordHash(one);
    if (!parsed.ok) throw new Error(parsed.message);
    t.equal(parsed.value.algorithm, algorithm);
    t.equal(await verifyPassword('tëst: 1', parsed.value, noBcrypt), true);
    t.equal(await verifyPassword('tëst: 2', parsed.value, noBcrypt), false);
  }
});

t.test('several lanes and the largest memory that a policy may ask for', async (t) => {
  for (const text of [
    '$argon2id$v=19$m=262144,t=1,p=4$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$scrypt$ln=18,r=8,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$scrypt$ln=13,r=8,p=10$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$scrypt$ln=15,r=2,p=8$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  ]) {
    const parsed = parsePasswordHash(text);
    if (!parsed.ok) throw new Error(`${text} ${parsed.message}`);
    t.equal(await verifyPassword('password', parsed.value, noBcrypt), false, text);
  }
});
