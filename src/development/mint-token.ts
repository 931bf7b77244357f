/** Makes and signs development tokens in the form that a policy reads, good ones and ones that are bad on purpose. */
import { type KeyObject, randomUUID } from 'node:crypto';
import { type CryptoKey, SignJWT } from 'jose';
import type { JsonValue } from '../credentials/credential.ts';
import type { TokenOrder } from './token-order.ts';
import { putClaim, putRequired, type TokenTerms } from './token-terms.ts';

/** A key in memory, and the name under which its public half is published; null for a shared secret. */
export interface SigningKey {
  readonly kid: string | null;
  readonly key: CryptoKey | KeyObject | Uint8Array;
}

/** Seconds that `expired` lies back and `not_yet` ahead: well beyond any leeway that a policy may set. */
const AN_HOUR = 3600;

/**
 * Makes the token that is ordered.
 * @param now epoch milliseconds
 */
export async function mintToken(
  order: TokenOrder,
  terms: TokenTerms,
  { signing, now }: { readonly signing: SigningKey; readonly now: number },
): Promise<string> {
  const seconds = Math.floor(now / 1000);
  const { issuedAt, notBefore, expiresAt } = times(order, seconds);
  const claims = claimsOf(order, terms, seconds);
  const header: Record<string, JsonValue> = {};
  putRequired(header, terms.header, seconds);
  const kid = signing.kid === null ? {} : { kid: signing.kid };
  const draft = new SignJWT({ ...claims, iat: issuedAt, nbf: notBefore, exp: expiresAt, ...order.claims });
  draft.setProtectedHeader({ ...header, alg: order.algorithm, typ: terms.typ, ...kid });
  const token = await draft.sign(signing.key);
  return order.defects.includes('bad_signature') ? spoilSignature(token) : token;
}

function claimsOf(order: TokenOrder, terms: TokenTerms, now: number): Record<string, JsonValue> {
  const { persona, scopes, roles, defects } = order;
  const claims: Record<string, JsonValue> = { jti: randomUUID(), ...terms.profileClaims(persona.name) };
  if (terms.client !== null) putClaim(claims, terms.client, persona.name);
  putRequired(claims, terms.claims, now);
  if (terms.issuer !== null) claims.iss = terms.issuer;
  claims.sub = terms.subject(persona.name);
  putClaim(claims, terms.subjectClaim, claims.sub);
  if (terms.scopes !== null) putClaim(claims, terms.scopes, scopes.join(' '));
  if (terms.roles !== null) putClaim(claims, terms.roles, [...roles]);
  const audience = defects.includes('wrong_audience') ? ['https://another-api.example'] : terms.audience;
  // Only `aud` may hold several (RFC 7519 section 4.1.3).
  const isList = terms.audienceClaim[0] === 'aud' && audience.length > 1;
  putClaim(claims, terms.audienceClaim, isList ? [...audience] : (audience[0] ?? ''));
  return claims;
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
