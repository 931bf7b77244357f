/**
 * Recognises what is no shared secret though it was written as one: a public key as an HMAC secret lets anyone who has
 * that key, which is everyone, sign tokens (RFC 8725 section 2.1).
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { isJsonObject, parseStrictJson } from '../../tokens/strict-json.ts';

/** Why the text is no secret, and what to write instead; null when nothing speaks against it. */
export function notASecret(text: string): string | null {
  const plain = text.trim();
  return flawOf(plain) ?? flawOf(decoded(plain));
}

/** The text in base64 or base64url, with or without line breaks; empty when it is not text. */
function decoded(text: string): string {
  if (!/^[A-Za-z0-9+/_-]+[A-Za-z0-9+/=_\s-]*$/.test(text)) return '';
  return Buffer.from(text, 'base64').toString('latin1').trim();
}

function flawOf(text: string): string | null {
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text)?.[1];
  if (label !== undefined) return flawOfPem(label);
  if (/^(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-\S+|sk-\S+@openssh\.com) /.test(text)) return PUBLIC_KEY;
  const document = parseStrictJson(text);
  if (isJsonObject(document)) return flawOfJson(document);
  return isPublicDer(Buffer.from(text, 'base64')) || isPublicDer(Buffer.from(text, 'latin1'))
    ? PUBLIC_KEY
    : null;
}

const PUBLIC_KEY =
  'is a public key, with which anyone could sign tokens as with a secret; write it under certificates (PEM) or jwks, and algorithms such as RS256';

function flawOfPem(label: string): string {
  if (label.endsWith('PRIVATE KEY')) {
    return 'is a private key and no shared secret; write the public key of the issuer under certificates (PEM) or jwks';
  }
  return label.includes('CERTIFICATE')
    ? 'is a certificate, with which anyone could sign tokens as with a secret; write it under certificates, and algorithms such as RS256'
    : PUBLIC_KEY;
}

function flawOfJson(document: Readonly<Record<string, unknown>>): string | null {
  if (Array.isArray(document.keys)) {
    return 'is a JWK Set, with which anyone could sign tokens as with a secret; write it under jwks or jwks_file';
  }
  if (typeof document.kty !== 'string') return null;
  return document.kty === 'oct'
    ? 'is a JWK (kty: oct); write the decoded value of its k alone'
    : 'is a JWK, with which anyone could sign tokens as with a secret; write it under jwks, as {keys: [...]}';
}

/** A SubjectPublicKeyInfo, an RSAPublicKey or a certificate, without PEM around it. */
function isPublicDer(bytes: Buffer): boolean {
  // A SEQUENCE, as all of them are.
  if (bytes[0] !== 0x30) return false;
  return (
    isReadable(() => createPublicKey({ key: bytes, format: 'der', type: 'spki' })) ||
    isReadable(() => createPublicKey({ key: bytes, format: 'der', type: 'pkcs1' })) ||
    isReadable(() => new X509Certificate(bytes))
  );
}

function isReadable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}
