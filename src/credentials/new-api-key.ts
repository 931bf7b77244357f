/**
 * Makes API keys: a prefix by which scanners of leaked secrets know them, 256 random bits, and a checksum by
 * which a mistyped key is told from one that was never ours without asking anybody.
 */
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PREFIX = 'sp_';

/** A new key, `sp_` and 49 characters of base64url. Known to whoever reads it here, and to nobody else. */
export function newApiKey(): string {
  const secret = randomBytes(32).toString('base64url');
  return `${PREFIX}${secret}${checksumOf(secret)}`;
}

/** Whether a text has the form of our keys and its checksum is right; says nothing about any policy. */
export function isWellFormedApiKey(text: string): boolean {
  const [, secret = '', checksum] = /^sp_([A-Za-z0-9_-]{43})([A-Za-z0-9_-]{6})$/.exec(text) ?? [];
  return checksum === checksumOf(secret);
}

/** CRC-32 of the secret's text, six characters. */
function checksumOf(secret: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(secret));
  return bytes.toString('base64url');
}
