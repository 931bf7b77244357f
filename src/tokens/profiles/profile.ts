/** What a profile of tokens has to say: which kind it takes, what it asks besides, and whose word the token is. */
import type { JsonObject } from '../../credentials/credential.ts';
import type { IssuerPolicy } from '../../policy/sources.ts';
import { type ClaimFlaw, flaw, shorten } from '../claim-flaw.ts';
import type { TokenHeader } from '../parse-token.ts';

/** Pure throughout; nothing of the token is verified yet. */
export interface Profile {
  /** The claims that are judged and passed on: the payload itself, unless the profile says some of them elsewhere. */
  claimsOf(header: TokenHeader, payload: JsonObject): JsonObject;
  /** Other kinds of token are signed with the same keys; `typ` keeps them apart (RFC 8725 section 3.11). */
  checkType(header: TokenHeader, claims: JsonObject, issuer: IssuerPolicy): ClaimFlaw | null;
  /** What it asks besides audience and times, which are judged for every token. */
  checkClaims(header: TokenHeader, claims: JsonObject, issuer: IssuerPolicy): ClaimFlaw | null;
  /** What is judged last: whether the claims are those of another kind of token. */
  checkKind(header: TokenHeader, claims: JsonObject, issuer: IssuerPolicy): ClaimFlaw | null;
  /** Who vouches for the subject: with it, subjects never collide. */
  issuerOf(claims: JsonObject, issuer: IssuerPolicy): string;
}

/** Where nothing else is said: the payload alone, nothing asked besides, and the issuer is `iss`. */
export const plainProfile: Omit<Profile, 'checkType'> = {
  claimsOf: (_, payload) => payload,
  checkClaims: () => null,
  checkKind: () => null,
  issuerOf: (claims) => String(claims.iss),
};

/** Takes tokens without `typ` and those that bear one of these, in lower case. */
export function checkOneOf(typ: string | null, names: readonly string[]): ClaimFlaw | null {
  if (typ === null || names.includes(typ)) return null;
  return flaw('wrong_type', { expected: names.join(' '), got: shorten(typ) });
}
