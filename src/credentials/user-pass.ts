/** Reads what the Basic scheme carries (RFC 7617 section 2): name and password in base64. Refuses what has two readings. */

/** Both in Unicode normalization form C. */
export interface UserPass {
  readonly username: string;
  readonly password: string;
}

/** Control characters of ASCII (RFC 5234 appendix B.1), which neither part may hold. */
const CONTROL = /[\x00-\x1f\x7f]/;

/** Fails on what is no UTF-8, and keeps a byte order mark, which is part of the password. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Null for anything but canonical base64 with its padding (RFC 4648 sections 3.2 and 3.5) of UTF-8 with a colon and
 * without control characters.
 */
export function parseUserPass(base64: string): UserPass | null {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64) return null;
  const text = decode(bytes);
  if (text === null || CONTROL.test(text)) return null;
  // A name has no colon, a password may.
  const colon = text.indexOf(':');
  if (colon === -1) return null;
  return {
    username: text.slice(0, colon).normalize('NFC'),
    password: text.slice(colon + 1).normalize('NFC'),
  };
}

function decode(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}
