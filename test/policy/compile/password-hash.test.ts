import t from 'tap';
import { parsePasswordHash } from '../../../src/policy/compile/password-hash.ts';

const SALT = 'c29tZXNhbHRzb21lc2FsdA';
const HASH = 'CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
const BCRYPT = 'DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkY8jIucDrjc8deX1s.';
const argon2id = (parameters: string, rest = `${SALT}$${HASH}`) => `$argon2id$v=19$${parameters}$${rest}`;
const scrypt = (parameters: string, rest = `${SALT}$${HASH}`) => `$scrypt$${parameters}$${rest}`;

t.test('each kind is read with its parameters', async (t) => {
  const [salt, hash] = [Buffer.from(SALT, 'base64'), Buffer.from(HASH, 'base64')];
  const same = (text: string, value: object) =>
    t.strictSame(parsePasswordHash(text), { ok: true, value }, text);
  same(argon2id('m=19456,t=2,p=1'), { algorithm: 'argon2id', m: 19_456, t: 2, p: 1, salt, hash });
  same(argon2id('m=7168,t=5,p=1'), { algorithm: 'argon2id', m: 7168, t: 5, p: 1, salt, hash });
  same(argon2id('m=262144,t=4,p=16'), { algorithm: 'argon2id', m: 262_144, t: 4, p: 16, salt, hash });
  same(scrypt('ln=15,r=8,p=3'), { algorithm: 'scrypt', ln: 15, r: 8, p: 3, salt, hash });
  same(scrypt('ln=18,r=8,p=1'), { algorithm: 'scrypt', ln: 18, r: 8, p: 1, salt, hash });
  same(scrypt('ln=13,r=8,p=10'), { algorithm: 'scrypt', ln: 13, r: 8, p: 10, salt, hash });
  for (const version of ['2a', '2b', '2y']) {
    for (const rounds of [10, 12, 14]) {
      const encoded = `$${version}$${rounds}$${BCRYPT.padEnd(53, '.').slice(0, 53)}`;
      same(encoded, { algorithm: 'bcrypt', rounds, encoded });
    }
  }
});

const body = BCRYPT.padEnd(53, '.').slice(0, 53);
const REFUSED: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['nothing', '', /^is not a password hash/],
  ['the password itself', 'secret', /^is not a password hash/],
  ['a bare digest', 'a'.repeat(64), /^is not a password hash/],
  ['crypt of MD5', '$1$abc$abc', /of a kind that is not taken/],
  ["Apache's MD5", '$apr1$abc$abc', /of a kind that is not taken/],
  ['crypt of SHA-512', '$6$abc$abc', /of a kind that is not taken/],
  ['argon2i', argon2id('m=19456,t=2,p=1').replace('2id', '2i'), /of a kind that is not taken/],
  ['argon2d', argon2id('m=19456,t=2,p=1').replace('2id', '2d'), /of a kind that is not taken/],
  ['yescrypt', '$y$j9T$abc$abc', /of a kind that is not taken/],
  ['the broken bcrypt', `$2x$12$${body}`, /of a kind that is not taken/],
  [
    'an Argon2id of version 16',
    argon2id('m=19456,t=2,p=1').replace('v=19', 'v=16'),
    /not of the form \$argon2id/,
  ],
  ['no version', argon2id('m=19456,t=2,p=1').replace('v=19$', ''), /not of the form \$argon2id/],
  ['parameters in another order', argon2id('t=2,m=19456,p=1'), /not of the form/],
  ['a parameter too many', argon2id('m=19456,t=2,p=1,data=AAAA'), /not of the form/],
  ['a number with a zero before it', argon2id('m=019456,t=2,p=1'), /not of the form/],
  ['padding', argon2id('m=19456,t=2,p=1', `${SALT}==$${HASH}=`), /not of the form/],
  ['base64url', argon2id('m=19456,t=2,p=1', `${SALT}$${HASH.replace('C', '-')}`), /not of the form/],
  [
    'spare bits that are set',
    argon2id('m=19456,t=2,p=1', `${SALT}$${HASH.slice(0, -1)}d`),
    /not of the form/,
  ],
  ['a short salt', argon2id('m=19456,t=2,p=1', `c2FsdA$${HASH}`), /not of the form/],
  ['a short hash', argon2id('m=19456,t=2,p=1', `${SALT}$c29tZXNhbHQ`), /not of the form/],
  ['no hash', argon2id('m=19456,t=2,p=1', SALT), /not of the form/],
  ['a line break after it', `${argon2id('m=19456,t=2,p=1')}\n`, /not of the form/],
  ['little memory', argon2id('m=7167,t=10,p=1'), /guessed too fast.*m=19456/],
  ['few passes', argon2id('m=19456,t=1,p=1'), /guessed too fast/],
  ['much memory', argon2id('m=262145,t=2,p=1'), /too much time or memory/],
  ['many passes', argon2id('m=19456,t=100,p=1'), /too much time or memory/],
  ['many lanes', argon2id('m=19456,t=2,p=17'), /too much time or memory/],
  ['scrypt as Node makes it', scrypt('ln=14,r=8,p=1'), /guessed too fast.*ln=17/],
  ['scrypt with little memory', scrypt('ln=12,r=8,p=99'), /guessed too fast/],
  ['scrypt with small blocks', scrypt('ln=19,r=1,p=2'), /guessed too fast/],
  ['scrypt with no blocks', scrypt('ln=17,r=0,p=1'), /guessed too fast/],
  ['scrypt with much memory', scrypt('ln=19,r=8,p=1'), /too much time or memory/],
  ['scrypt with much work', scrypt('ln=17,r=8,p=5'), /too much time or memory/],
  ['scrypt beyond numbers', scrypt('ln=99,r=8,p=1'), /too much time or memory/],
  ['scrypt with N itself', scrypt('N=16384,r=8,p=1'), /not of the form \$scrypt/],
  ['bcrypt of few rounds', `$2b$09$${body}`, /guessed too fast/],
  ['bcrypt of many rounds', `$2b$15$${body}`, /too much time or memory/],
  ['bcrypt cut short', `$2b$12$${body.slice(1)}`, /not of the form \$2b\$12\$/],
  ['bcrypt one letter longer', `$2b$12$${body}.`, /not of the form/],
  ['bcrypt with spare bits in its salt', `$2b$12$${'.'.repeat(21)}/${body.slice(22)}`, /not of the form/],
  ['bcrypt with spare bits in its hash', `$2b$12$${body.slice(0, -1)}/`, /not of the form/],
];
for (const [name, text, message] of REFUSED) {
  t.test(`refused: ${name}`, async (t) => {
    const parsed = parsePasswordHash(text);
    t.match(parsed, { ok: false, message });
    if (parsed.ok) return;
    t.match(parsed.message, /sallyport hash-password/, 'and the way out');
    for (const part of [SALT, HASH, body]) t.notOk(parsed.message.includes(part), 'and nothing of the hash');
  });
}
