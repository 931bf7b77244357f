/**
 * Judges what a token says of itself against its issuer's entry, whoever signed it (RFC 7519 section 4.1,
 * RFC 9068 sections 2.2 and 4, RFC 8725 section 3). Pure. Expiry is judged apart and last: only a token that is
 * good in all else may be told that it expired.
 */
import { matchClaims } from '../authorization/claim-matchers.ts';
import { claimName, shapeOf, shapesAt } from '../authorization/claim-path.ts';
import type { JsonObject, JsonValue } from '../credentials/credential.ts';
import { RoundedNumber } from '../credentials/exact-number.ts';
import { slashTwin } from '../keys/slash-twin.ts';
import type { ClaimPath, IssuerPolicy } from '../policy/sources.ts';
import { type ClaimFlaw, flaw, shorten } from './claim-flaw.ts';
import type { TokenHeader } from './parse-token.ts';
import { profileOf } from './profiles/profiles.ts';
import { readAudiences, readFirst, readScopes, readText } from './read-claims.ts';

/** First moment of the year 2100 in epoch seconds: a later expiry is one in milliseconds, or none at all. */
const YEAR_2100 = 4_102_444_800;

/**
 * Everything but the signature and expiry; null when all is well.
 * @param now epoch milliseconds
 */
export function checkClaims(
  header: TokenHeader,
  claims: JsonObject,
  issuer: IssuerPolicy,
  now: number,
): ClaimFlaw | null {
  const profile = profileOf(issuer);
  return (
    profile.checkType(header, claims, issuer) ??
    checkAudience(claims, issuer) ??
    checkTimes(claims, issuer, now) ??
    profile.checkClaims(header, claims, issuer) ??
    checkBinding(claims, issuer) ??
    checkId(claims) ??
    checkIdentity(claims, issuer) ??
    checkRequired(header, claims, issuer) ??
    profile.checkKind(header, claims, issuer)
  );
}

/** Whether it expired, leeway allowed: the moment `exp` names is already too late (RFC 7519 section 4.1.4). */
export function isExpired(expiresAt: number, leeway: number, now: number): boolean {
  return expiresAt * 1000 <= now - leeway;
}

/** A number of seconds (RFC 7519 section 2) as the nearest double, since no moment is told by its digits. */
export function asMoment(value: JsonValue | undefined): JsonValue | undefined {
  return value instanceof RoundedNumber ? value.nearest : value;
}

function checkAudience(claims: JsonObject, issuer: IssuerPolicy): ClaimFlaw | null {
  if ('insecureAny' in issuer.audience) return null;
  const { claims: places, anyOf } = issuer.audience;
  const value = readFirst(claims, places);
  const expected = anyOf.join(' ');
  if (value === undefined) return flaw('audience_missing', { expected });
  const audiences = readAudiences(value);
  if (audiences === null) return flaw('audience_malformed', { expected, got: shapeOf(value) });
  if (audiences.some((audience) => anyOf.includes(audience))) return null;
  const twin = audiences.find((audience) => anyOf.includes(slashTwin(audience)));
  if (twin !== undefined) {
    return flaw('audience_differs_by_slash', { expected: slashTwin(twin), got: shorten(twin) });
  }
  return flaw('wrong_audience', { expected, got: shorten(audiences.join(' ')) });
}

function checkTimes(claims: JsonObject, issuer: IssuerPolicy, now: number): ClaimFlaw | null {
  const exp = asMoment(claims.exp);
  const nbf = asMoment(claims.nbf);
  const iat = asMoment(claims.iat);
  if (exp === undefined) return flaw('expiry_missing');
  if (typeof exp !== 'number') return flaw('expiry_malformed', { got: shapeOf(exp) });
  if (exp > YEAR_2100) return flaw('expiry_too_far');
  if (nbf !== undefined) {
    if (typeof nbf !== 'number') return flaw('not_before_malformed', { got: shapeOf(nbf) });
    if (isAhead(nbf, issuer, now)) return flaw('not_yet_valid', distance(nbf, issuer, now));
  }
  return checkIssuedAt(iat, exp, issuer, now);
}

function checkIssuedAt(
  iat: JsonValue | undefined,
  exp: number,
  issuer: IssuerPolicy,
  now: number,
): ClaimFlaw | null {
  const { leeway, maxLifetime } = issuer;
  if (iat === undefined) return Number.isFinite(maxLifetime) ? flaw('issued_at_missing') : null;
  if (typeof iat !== 'number') return flaw('issued_at_malformed', { got: shapeOf(iat) });
  if (isAhead(iat, issuer, now)) return flaw('issued_in_future', distance(iat, issuer, now));
  // Both are of one clock, so that leeway is no excuse: it was never good. That a token expired is the better news, where it did.
  if (iat > exp && !isExpired(exp, leeway, now)) return flaw('issued_after_expiry');
  if ((exp - iat) * 1000 <= maxLifetime) return null;
  const got = `${Math.ceil(exp - iat)} s`;
  return flaw('lifetime_too_long', { expected: `max_lifetime of ${maxLifetime / 1000} s`, got });
}

/** Whether a moment (epoch seconds) lies in the future, leeway allowed. */
function isAhead(moment: number, { leeway }: IssuerPolicy, now: number): boolean {
  return moment > (now + leeway) / 1000;
}

/** How far ahead it lies, for the log: seconds tell a clock that is off from a token for tomorrow. */
function distance(moment: number, { leeway }: IssuerPolicy, now: number): ClaimFlaw['detail'] {
  return { validIn: Math.ceil(moment - now / 1000), leeway: leeway / 1000 };
}

/** A token bound to a key is worth nothing without proof of that key (RFC 7800, RFC 8705, RFC 9449 section 7.2). */
function checkBinding(claims: JsonObject, issuer: IssuerPolicy): ClaimFlaw | null {
  return 'cnf' in claims && issuer.unknownCnf === 'refuse' ? flaw('bound_to_a_key') : null;
}

/** Text where it is there (RFC 7519 section 4.1.7): other readers refuse 7, or have it as `"7"` beside another token's. */
function checkId({ jti }: JsonObject): ClaimFlaw | null {
  return jti === undefined || typeof jti === 'string' ? null : flaw('jwt_id_malformed');
}

function checkIdentity(claims: JsonObject, issuer: IssuerPolicy): ClaimFlaw | null {
  if (issuer.subject.length > 0) {
    const subject = readFirst(claims, issuer.subject);
    const expected = namesOf(issuer.subject);
    if (subject === undefined) return flaw('subject_missing', { expected });
    if (readText(subject) === null)
      return flaw('subject_malformed', { expected, got: shapesAt(claims, issuer.subject) });
  }
  if (readScopes(claims, issuer.scopes) !== null) return null;
  const got = shapesAt(claims, issuer.scopes);
  return flaw('scope_malformed', { expected: namesOf(issuer.scopes), got });
}

function checkRequired(header: TokenHeader, claims: JsonObject, issuer: IssuerPolicy): ClaimFlaw | null {
  return (
    match('claim_required', issuer.requireClaims, claims) ??
    match('header_required', issuer.requireHeader, header.members)
  );
}

function match(
  reason: string,
  required: IssuerPolicy['requireClaims'],
  values: JsonObject,
): ClaimFlaw | null {
  if (required.length === 0) return null;
  const matched = matchClaims(required, values);
  if (matched.ok) return null;
  const { ok: _, ...detail } = matched;
  return flaw(reason, detail);
}

/** The claims that the policy reads something from, as it writes them. */
function namesOf(paths: readonly ClaimPath[]): string {
  return paths.map(claimName).join(' ');
}
