/**
 * Reads password hashes: PHC strings of scrypt and Argon2id, and bcrypt's own form. Refuses what could be guessed
 * too fast and what would cost a server too much, and repeats nothing of a hash in what it says.
 */
import type { PasswordHash } from '../sources.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/** What to write instead. */
const WAY_OUT = 'make one with "sallyport hash-password"';

/** Memory of one verification, in bytes; two may run at once. */
const MOST_MEMORY = 256 * 1024 * 1024;

/** Reads one hash. */
export function parsePasswordHash(text: string): Parsed<PasswordHash> {
  const algorithm = /^\$([a-z0-9-]{1,32})\$/.exec(text)?.[1];
  switch (algorithm) {
    case 'scrypt':
      return parseScrypt(text);
    case 'argon2id':
      return parseArgon2id(text);
    case '2a':
    case '2b':
    case '2y':
      return parseBcrypt(text);
    case undefined:
      return unparsed(`is not a password hash such as $argon2id$v=19$m=19456,t=2,p=1$...; ${WAY_OUT}`);
    default:
      return unparsed(`is a hash of a kind that is not taken (argon2id, scrypt and bcrypt are); ${WAY_OUT}`);
  }
}

const SCRYPT = /^\$scrypt\$ln=([0-9]{1,2}),r=([0-9]{1,2}),p=([0-9]{1,2})\$([^$]+)\$([^$]+)$/;

/** RFC 7914 section 2: 128 * N * r bytes of memory, N * r * p units of work. */
function parseScrypt(text: string): Parsed<PasswordHash> {
  const [, cost = '', block = '', parallel = '', saltText, hashText] = SCRYPT.exec(text) ?? [];
  const [salt, hash] = [decode(saltText, 8), decode(hashText, 16)];
  if (salt === null || hash === null) return notOfForm('$scrypt$ln=17,r=8,p=1$SALT$HASH');
  const [ln, r, p] = [Number(cost), Number(block), Number(parallel)];
  const [memory, work] = [128 * 2 ** ln * r, 2 ** ln * r * p];
  // Half of what OWASP names at least (N = 2^17, r = 8, p = 1, or as much work in less memory).
  // With r = 1, N must stay below 2^16, which is less memory than this.
  if (r < 2 || memory < 8 * 1024 * 1024 || work < 2 ** 19) return tooWeak('ln=17,r=8,p=1');
  if (memory > MOST_MEMORY || work > 2 ** 22) return tooCostly('ln=17,r=8,p=1');
  return parsed({ algorithm: 'scrypt', ln, r, p, salt, hash });
}

const ARGON2ID =
  /^\$argon2id\$v=19\$m=([1-9][0-9]{0,8}),t=([1-9][0-9]{0,2}),p=([1-9][0-9]{0,2})\$([^$]+)\$([^$]+)$/;

/** RFC 9106 section 3.1: m KiB of memory, t passes over it. */
function parseArgon2id(text: string): Parsed<PasswordHash> {
  const [, memory = '', passes = '', lanes = '', saltText, hashText] = ARGON2ID.exec(text) ?? [];
  const [salt, hash] = [decode(saltText, 8), decode(hashText, 16)];
  if (salt === null || hash === null) return notOfForm('$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH');
  const [m, t, p] = [Number(memory), Number(passes), Number(lanes)];
  // The least that OWASP names: 7 MiB five times, or as much work in more memory.
  if (m < 7168 || m * t < 35_840) return tooWeak('m=19456,t=2,p=1');
  if (m * 1024 > MOST_MEMORY || m * t > 2 ** 20 || p > 16) return tooCostly('m=19456,t=2,p=1');
  return parsed({ algorithm: 'argon2id', m, t, p, salt, hash });
}

/**
 * 22 characters of salt and 31 of hash, in bcrypt's own base64; the last of each has spare bits, which are zero
 * in what bcrypt writes: another would never be found equal, and lock the user out.
 */
const BCRYPT = /^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/;

function parseBcrypt(text: string): Parsed<PasswordHash> {
  const cost = BCRYPT.exec(text)?.[1];
  if (cost === undefined) return notOfForm('$2b$12$ and 53 characters');
  const rounds = Number(cost);
  if (rounds < 10) return tooWeak('$2b$12$');
  if (rounds > 14) return tooCostly('$2b$12$');
  return parsed({ algorithm: 'bcrypt', rounds, encoded: text });
}

/** Base64 without padding, as PHC strings have it; null for anything else, and outside of `least` to 64 bytes. */
function decode(text: string | undefined, least: number): Buffer | null {
  if (text === undefined) return null;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== text) return null;
  return bytes.length >= least && bytes.length <= 64 ? bytes : null;
}

function notOfForm(form: string) {
  return unparsed(`is not of the form ${form}, with base64 as its kind writes it; ${WAY_OUT}`);
}

function tooWeak(instead: string) {
  return unparsed(
    `could be guessed too fast with its parameters; use at least those of ${instead}, and ${WAY_OUT}`,
  );
}

function tooCostly(instead: string) {
  return unparsed(
    `would take too much time or memory with its parameters; use e.g. ${instead}, and ${WAY_OUT}`,
  );
}
