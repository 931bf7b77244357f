/**
 * Finds RSA public keys that must not verify anything: too short, too costly, an exponent that lets anyone
 * sign, an even modulus, or one made by the faulty generator of CVE-2017-15361 (ROCA). Pure.
 */

const LEAST_BITS = 2048;
/** Verifying costs grow with the square of the modulus; beyond this a key is a way to burn our time. */
const MOST_BITS = 8192;
/** OpenSSL refuses longer ones for long moduli; the cost of a verification grows with them. */
const MOST_EXPONENT_BITS = 64;
const LEAST_EXPONENT = 65537n;

/**
 * Why the key is refused, or null when it is sound.
 * @param modulus big-endian bytes of `n`
 * @param exponent big-endian bytes of `e`
 */
export function weaknessOfRsa(modulus: Buffer, exponent: Buffer): string | null {
  const bits = bitLength(modulus);
  if (bits < LEAST_BITS) return 'rsa_too_short';
  if (bits > MOST_BITS) return 'rsa_too_long';
  if (bitLength(exponent) > MOST_EXPONENT_BITS) return 'rsa_exponent_too_long';
  const e = toInteger(exponent);
  // With e = 1 every message is its own signature; small exponents fall to faulty padding checks.
  if (e < LEAST_EXPONENT || e % 2n === 0n) return 'rsa_exponent_weak';
  const n = toInteger(modulus);
  if (n % 2n === 0n) return 'rsa_modulus_even';
  return hasRocaFingerprint(n) ? 'rsa_roca' : null;
}

/** Odd primes up to 167: the product of the first ones is the ROCA generator's constant. */
const PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
  109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/** For each prime, the residues that powers of 65537 leave: a ROCA modulus has only these, others by chance 2^-27. */
const POWERS = PRIMES.map((prime) => {
  const residues = new Set<number>();
  for (let power = 1; !residues.has(power); power = (power * 65537) % prime) residues.add(power);
  return { prime: BigInt(prime), residues };
});

function hasRocaFingerprint(n: bigint): boolean {
  return POWERS.every(({ prime, residues }) => residues.has(Number(n % prime)));
}

function bitLength(bytes: Buffer): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first === -1) return 0;
  return (bytes.length - first - 1) * 8 + (32 - Math.clz32(bytes[first] ?? 0));
}

function toInteger(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex') || '0'}`);
}
