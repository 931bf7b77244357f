/** Makes and signs development tokens in the form of RFC 9068, good ones and ones that are bad on purpose. */
import { randomUUID } from 'node:crypto';
import { type CryptoKey, SignJWT } from 'jose';
import type { TokenOrder } from './token-order.ts';

/** A private key in memory and the name under which its public half is published. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

/** Who signs, and for whom. */
export interface TokenTerms {
  readonly issuer: string;
  readonly audience: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Seconds that `expired` lies back and `not_yet` ahead: well beyond any leeway that a policy may set. */
const AN_HOUR = 3600;

/** Makes the token that is ordered. */
export async function mintToken(order: TokenOrder, terms: TokenTerms, key: SigningKey): Promise<string> {
  const { issuedAt, notBefore, expiresAt } = times(order, Math.floor(terms.now / 1000));
  const { persona, scopes, defects } = order;
  const token = await new SignJWT({
    client_id: persona.name,
    scope: scopes.join(' '),
    roles: [...persona.roles],
  })
    .setProtectedHeader({ alg: order.algorithm, kid: key.kid, typ: 'at+jwt' })
    .setIssuer(terms.issuer)
    .setSubject(persona.name)
    .setAudience(defects.includes('wrong_audience') ? 'https://another-api.example' : terms.audience)
    .setIssuedAt(issuedAt)
    .setNotBefore(notBefore)
    .setExpirationTime(expiresAt)
    .setJti(randomUUID())
    .sign(key.privateKey);
  return defects.includes('bad_signature') ? spoilSignature(token) : token;
}

/** All in epoch seconds; an expired token was issued before it expired. */
function times({ defects, lifetime }: TokenOrder, now: number) {
  if (defects.includes('expired')) {
    const expiresAt = now - AN_HOUR;
    return { issuedAt: expiresAt - lifetime, notBefore: expiresAt - lifetime, expiresAt };
  }
  const notBefore = defects.includes('not_yet') ? now + AN_HOUR : now;
  return { issuedAt: now, notBefore, expiresAt: notBefore + lifetime };
}

/** Flips one bit in the middle, so that it stays a well-formed signature of the same length. */
function spoilSignature(token: string): string {
  const end = token.lastIndexOf('.') + 1;
  const signature = Buffer.from(token.slice(end), 'base64url');
  const middle = signature.length >> 1;
  signature.writeUInt8(signature.readUInt8(middle) ^ 1, middle);
  return token.slice(0, end) + signature.toString('base64url');
}
