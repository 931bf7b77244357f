/** Checks PEM text at load, so that a wrong file is a line of `check` and not an outage at the first request. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/** All certificates of a PEM text; refuses a text without any, and one that cannot be read. */
export function parseCertificates(text: string): Parsed<readonly X509Certificate[]> {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return unparsed('holds no PEM certificate ("-----BEGIN CERTIFICATE-----")');
  const certificates: X509Certificate[] = [];
  for (const block of blocks) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return unparsed(`holds a certificate that cannot be read, number ${certificates.length + 1}`);
    }
  }
  return parsed(certificates);
}

/** A private key in PEM without a passphrase. */
export function parsePrivateKey(text: string): Parsed<KeyObject> {
  try {
    return parsed(createPrivateKey(text));
  } catch {
    return unparsed('holds no private key that can be read; it must be PEM without a passphrase');
  }
}
