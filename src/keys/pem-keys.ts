/**
 * Makes JWKs of public keys and X.509 certificates in PEM, so that they are judged by the same rules as the members of
 * a JWK Set. Refuses private keys, several blocks in one text, and whatever cannot be read.
 *
 * The validity period of a certificate is not judged. Here it is only the wrapping of a key: nothing chains up to an
 * authority, and whoever publishes it says what counts by publishing it, as with `x5c` (RFC 7517 section 4.7).
 */
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { JWK } from 'jose';
import { type Admission, admitKeys, type IgnoredMember } from './admit-key.ts';

/** Longest text that is parsed; a certificate with an RSA key of 8192 bits is a third of it. */
const LONGEST_PEM = 16_384;

/** One block from beginning to end, with no other beside it. */
const BLOCK = /^[ \t\r\n]*-----BEGIN ([A-Z0-9 ]{1,40})-----[A-Za-z0-9+/= \t\r\n]+-----END \1-----[ \t\r\n]*$/;

/** The JWK, or why there is none, in the words of `IgnoredMember.reason`. */
export function jwkOfPem(pem: unknown, kid: string): JWK | string {
  if (typeof pem !== 'string' || pem.length > LONGEST_PEM) return 'not_pem';
  const label = BLOCK.exec(pem)?.[1];
  if (label === undefined) return /-----BEGIN .*-----BEGIN /s.test(pem) ? 'several_pem_blocks' : 'not_pem';
  if (label.endsWith('PRIVATE KEY')) return 'private_members';
  if (label !== 'CERTIFICATE' && label !== 'PUBLIC KEY') return 'not_a_public_key';
  const key = publicKeyOf(label, pem);
  if (key === null) return 'malformed';
  try {
    return { ...key.export({ format: 'jwk' }), kid };
  } catch {
    // RSA-PSS keys, DSA and curves that JWK has no name for.
    return 'kind_not_allowed';
  }
}

/** When a certificate is valid, in epoch milliseconds; null for anything else. For a hint to the operator. */
export function validityOfPem(pem: unknown): { readonly from: number; readonly to: number } | null {
  if (typeof pem !== 'string' || pem.length > LONGEST_PEM || BLOCK.exec(pem)?.[1] !== 'CERTIFICATE')
    return null;
  try {
    const { validFromDate, validToDate } = new X509Certificate(pem);
    return { from: validFromDate.getTime(), to: validToDate.getTime() };
  } catch {
    return null;
  }
}

/**
 * Admits the members of an object of key ids and PEM texts, each on its own.
 * @param document of any content
 * @param allowed algorithms of the issuer
 */
export async function admitCertificates(
  document: Readonly<Record<string, unknown>>,
  allowed: readonly string[],
): Promise<Admission> {
  const ignored: IgnoredMember[] = [];
  const members: { readonly index: number; readonly jwk: JWK }[] = [];
  for (const [index, [kid, pem]] of Object.entries(document).entries()) {
    const jwk = jwkOfPem(pem, kid);
    if (typeof jwk === 'string') ignored.push({ index, kid: kid.slice(0, 64), reason: jwk });
    else members.push({ index, jwk });
  }
  const admission = await admitKeys(
    members.map(({ jwk }) => jwk),
    allowed,
  );
  const more = admission.ignored.map((each) => ({ ...each, index: members[each.index]?.index ?? 0 }));
  return {
    keys: admission.keys,
    ignored: [...ignored, ...more].sort((left, right) => left.index - right.index),
  };
}

function publicKeyOf(label: 'CERTIFICATE' | 'PUBLIC KEY', pem: string): KeyObject | null {
  try {
    return label === 'CERTIFICATE' ? new X509Certificate(pem).publicKey : createPublicKey(pem);
  } catch {
    return null;
  }
}
