import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { weaknessOfRsa } from '../../src/keys/weak-rsa.ts';

const E_65537 = Buffer.from('010001', 'hex');
const good = modulusOf(2048);

t.test('a sound key has no weakness', async (t) => {
  t.equal(weaknessOfRsa(good, E_65537), null);
  t.equal(weaknessOfRsa(Buffer.concat([Buffer.alloc(3), good]), E_65537), null, 'leading zeros do not count');
  t.equal(weaknessOfRsa(good, Buffer.from('00010001', 'hex')), null);
  t.equal(weaknessOfRsa(good, Buffer.from('ffffffffffffffff', 'hex')), null, '64 bits are the most');
});

t.test('J13 J14 lengths outside 2048 to 8192 bits are refused', async (t) => {
  const odd = (bits: number): Buffer => {
    const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xff);
    bytes[0] = 0xff >> (bytes.length * 8 - bits);
    return bytes;
  };
  t.equal(weaknessOfRsa(odd(1024), E_65537), 'rsa_too_short');
  t.equal(weaknessOfRsa(odd(2047), E_65537), 'rsa_too_short');
  t.equal(weaknessOfRsa(Buffer.concat([Buffer.alloc(128), odd(2047)]), E_65537), 'rsa_too_short');
  t.not(weaknessOfRsa(odd(2048), E_65537), 'rsa_too_short');
  t.not(weaknessOfRsa(odd(8192), E_65537), 'rsa_too_long');
  t.equal(weaknessOfRsa(odd(8193), E_65537), 'rsa_too_long');
  t.equal(weaknessOfRsa(odd(16_384), E_65537), 'rsa_too_long');
  t.equal(weaknessOfRsa(Buffer.alloc(0), E_65537), 'rsa_too_short');
  t.equal(weaknessOfRsa(Buffer.alloc(256), E_65537), 'rsa_too_short');
});

t.test('J14 exponents with which others can sign are refused', async (t) => {
  for (const e of ['00', '01', '02', '03', '11', 'ffff', '010000', '010002']) {
    t.equal(weaknessOfRsa(good, Buffer.from(e, 'hex')), 'rsa_exponent_weak', e);
  }
  t.equal(weaknessOfRsa(good, Buffer.alloc(0)), 'rsa_exponent_weak');
  t.equal(weaknessOfRsa(good, Buffer.alloc(9, 0xff)), 'rsa_exponent_too_long');
});

t.test('J14 an even modulus is refused', async (t) => {
  const even = Buffer.from(good);
  even[even.length - 1] = (even[even.length - 1] ?? 0) & 0xfe;
  t.equal(weaknessOfRsa(even, E_65537), 'rsa_modulus_even');
});

t.test('J15 a modulus with the ROCA fingerprint is refused', async (t) => {
  // Such primes are k * M + (65537^a mod M), M a product of the first primes; so is, modulo M, their product.
  const M = primesBelow(168).reduce((product, prime) => product * prime, 1n);
  let power = 1n;
  for (let step = 0; step < 1234; step += 1) power = (power * 65537n) % M;
  const n = ((1n << 2047n) / M + 1n) * M + power;
  const odd = n % 2n === 0n ? n + M : n;
  const bytes = Buffer.from(odd.toString(16).padStart(512, '0'), 'hex');
  t.equal(weaknessOfRsa(bytes, E_65537), 'rsa_roca');
  for (let made = 0; made < 5; made += 1) t.equal(weaknessOfRsa(modulusOf(2048), E_65537), null);
});

function modulusOf(bits: number): Buffer {
  const { n = '' } = generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' });
  return Buffer.from(n, 'base64url');
}

function primesBelow(bound: number): bigint[] {
  const primes: bigint[] = [];
  for (let number = 2n; number < bound; number += 1n) {
    if (primes.every((prime) => number % prime !== 0n)) primes.push(number);
  }
  return primes;
}
