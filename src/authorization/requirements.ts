/**
 * The parts of a route's `require` that only look at the caller, each as a function from facts to a refusal
 * or null. Nothing here decides the order; `gate/authorize.ts` does.
 */
import type { JsonValue, Principal } from '../credentials/credential.ts';
import type { Requirements } from '../policy/requirements.ts';
import type { Forbidden, InsufficientScope, StepUp } from '../refusals/refusal.ts';
import { matchClaims } from './claim-matchers.ts';
import { shapeOf, shapesAt } from './claim-path.ts';

/** An `auth_time` that lies further ahead than the largest leeway (milliseconds) is no proof of anything. */
const FUTURE_LIMIT = 5 * 60_000;

/** All of `roles` and one of `any_role`. Names are compared whole and with case. */
export function checkRoles(require: Requirements, principal: Principal): Forbidden | null {
  const missing = require.roles.find((role) => !principal.roles.includes(role));
  if (missing !== undefined) return roleMissing(principal, missing);
  if (require.anyRole.length > 0 && !require.anyRole.some((role) => principal.roles.includes(role))) {
    return roleMissing(principal, require.anyRole.join(' | '));
  }
  return null;
}

/** The log learns which claim and its type, never what it was. */
export function checkClaims(require: Requirements, principal: Principal): Forbidden | null {
  if (require.claims.length === 0) return null;
  const matched = matchClaims(require.claims, principal.claims);
  if (matched.ok) return null;
  const { ok: _, ...detail } = matched;
  return { kind: 'forbidden', reason: 'claim_mismatch', detail: { source: principal.source, ...detail } };
}

/**
 * Step-up (RFC 9470 section 3): `acr` is one of those asked for, and the caller authenticated no longer ago
 * than `max_age`. An absent `acr` or `auth_time` fails (section 6.1). The refusal names all that the route
 * asks for, so that one new token can satisfy it, and the scopes too when they lack.
 *
 * @param now epoch milliseconds
 */
export function checkStepUp(require: Requirements, principal: Principal, now: number): StepUp | null {
  const failed = failedStepUp(require, principal, now);
  if (failed === null) return null;
  return {
    kind: 'step_up',
    reason: failed === 'acr' ? 'acr_not_sufficient' : 'authentication_too_old',
    detail: {
      source: principal.source,
      expected: failed === 'acr' ? require.acr.join(' ') : `max_age of ${require.maxAge / 1000} s`,
      got: failed === 'acr' ? shapeOf(principal.claims.acr) : ageOf(principal.claims.auth_time, now),
    },
    acr: require.acr,
    maxAge: Number.isFinite(require.maxAge) ? Math.floor(require.maxAge / 1000) : null,
    failed,
    scopes: hasScopes(require, principal) ? [] : neededScopes(require, principal),
  };
}

/** All of `scopes` and one of `any_scope`; the refusal names every scope that the route needs, in one challenge. */
export function checkScopes(require: Requirements, principal: Principal): InsufficientScope | null {
  if (hasScopes(require, principal)) return null;
  const scopes = neededScopes(require, principal);
  const detail = { source: principal.source, expected: scopes.join(' '), ...lookedAt(principal, 'scopes') };
  return { kind: 'insufficient_scope', reason: 'scope_missing', detail, scopes };
}

function failedStepUp(require: Requirements, principal: Principal, now: number): 'acr' | 'max_age' | null {
  if (require.acr.length > 0) {
    const { acr } = principal.claims;
    if (typeof acr !== 'string' || !require.acr.includes(acr)) return 'acr';
  }
  if (require.maxAge === Number.POSITIVE_INFINITY) return null;
  const authenticated = principal.claims.auth_time;
  if (typeof authenticated !== 'number') return 'max_age';
  const age = now - authenticated * 1000;
  // Written so that NaN fails.
  return age <= require.maxAge && age >= -FUTURE_LIMIT ? null : 'max_age';
}

/** How long ago the user authenticated, or what else `auth_time` is. */
function ageOf(authenticated: JsonValue | undefined, now: number): string {
  if (typeof authenticated !== 'number') return shapeOf(authenticated);
  const age = Math.floor(now / 1000 - authenticated);
  return age < 0 ? `in ${-age} s` : `${age} s ago`;
}

function hasScopes(require: Requirements, principal: Principal): boolean {
  const { scopes } = principal;
  if (!require.scopes.every((scope) => scopes.includes(scope))) return false;
  return require.anyScope.length === 0 || require.anyScope.some((scope) => scopes.includes(scope));
}

/** Of `any_scope` those that the caller has: a new token that lacked them would be refused for that. Else all. */
function neededScopes(require: Requirements, principal: Principal): readonly string[] {
  const held = require.anyScope.filter((scope) => principal.scopes.includes(scope));
  return [...new Set([...require.scopes, ...(held.length > 0 ? held : require.anyScope)])];
}

function roleMissing(principal: Principal, expected: string): Forbidden {
  const detail = { source: principal.source, expected, ...lookedAt(principal, 'roles') };
  return { kind: 'forbidden', reason: 'role_missing', detail };
}

/** Where they were looked for, and what kind of value was there; nothing for keys and users, whose policy says all. */
function lookedAt({ claims, readFrom }: Principal, what: 'scopes' | 'roles'): { got?: string } {
  if (readFrom === undefined) return {};
  const paths = readFrom[what];
  return { got: paths.length === 0 ? `no claim is read for ${what}` : shapesAt(claims, paths) };
}
