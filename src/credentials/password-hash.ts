/**
 * Password hashes: whether a password belongs to one, and new ones. All work is done off the event loop, scrypt
 * and Argon2id by Node's own threads. Refuses to cut a password short: what bcrypt would ignore is no password.
 */
import { argon2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { PasswordHash } from '../policy/sources.ts';

/** Judges passwords against bcrypt hashes; a thread of its own, since there is no bcrypt in Node. */
export type BcryptCompare = (password: string, encoded: string) => Promise<boolean>;

/** Bytes of a password that bcrypt looks at. */
const BCRYPT_BYTES = 72;

/**
 * Whether a password belongs to a hash. The work depends on the hash's parameters only.
 * @param password in normalization form C, without control characters
 */
export async function verifyPassword(
  password: string,
  hash: PasswordHash,
  bcrypt: BcryptCompare,
): Promise<boolean> {
  if (hash.algorithm === 'bcrypt') {
    const isWhole = Buffer.byteLength(password) <= BCRYPT_BYTES;
    // Compared all the same, so that the time does not tell whose hash is bcrypt's.
    return (await bcrypt(isWhole ? password : '', hash.encoded)) && isWhole;
  }
  const derived =
    hash.algorithm === 'scrypt'
      ? await deriveScrypt(password, hash, hash.hash.length)
      : await deriveArgon2id(password, hash, hash.hash.length);
  return timingSafeEqual(derived, hash.hash);
}

/** Algorithms of new hashes. */
export const NEW_HASH_ALGORITHMS = ['argon2id', 'scrypt'] as const;

/** A new hash as a PHC string, with the parameters that OWASP names and a salt of 16 random bytes. */
export async function hashPassword(
  password: string,
  algorithm: (typeof NEW_HASH_ALGORITHMS)[number],
): Promise<string> {
  const salt = randomBytes(16);
  if (algorithm === 'scrypt') {
    const hash = await deriveScrypt(password, { ln: 17, r: 8, p: 1, salt }, 32);
    return `$scrypt$ln=17,r=8,p=1$${unpadded(salt)}$${unpadded(hash)}`;
  }
  const hash = await deriveArgon2id(password, { m: 19_456, t: 2, p: 1, salt }, 32);
  return `$argon2id$v=19$m=19456,t=2,p=1$${unpadded(salt)}$${unpadded(hash)}`;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

type Scrypt = Omit<Extract<PasswordHash, { algorithm: 'scrypt' }>, 'algorithm' | 'hash'>;

/** RFC 7914. Node's limit on memory is raised to what these parameters need. */
function deriveScrypt(password: string, { ln, r, p, salt }: Scrypt, length: number): Promise<Buffer> {
  const cost = 2 ** ln;
  const maxmem = 128 * r * (cost + p) + 1024 * 1024;
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, { cost, blockSize: r, parallelization: p, maxmem }, (error, derived) =>
      error === null ? resolve(derived) : reject(error),
    );
  });
}

type Argon2id = Omit<Extract<PasswordHash, { algorithm: 'argon2id' }>, 'algorithm' | 'hash'>;

/** RFC 9106. */
function deriveArgon2id(password: string, { m, t, p, salt }: Argon2id, length: number): Promise<Buffer> {
  const message = Buffer.from(password);
  const parameters = { message, nonce: salt, memory: m, passes: t, parallelism: p, tagLength: length };
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, derived) => (error === null ? resolve(derived) : reject(error)));
  });
}
