/**
 * The parts of a route's `require` that only look at the caller, each as a function from facts to a refusal
 * or null. Nothing here decides the order; `gate/authorize.ts` does.
 */
import type { Principal } from '../credentials/credential.ts';
import type { Requirements } from '../policy/requirements.ts';
import type { Forbidden, InsufficientScope, StepUp } from '../refusals/refusal.ts';
import { matchClaims } from './claim-matchers.ts';

/** An `auth_time` that lies further ahead than the largest leeway (milliseconds) is no proof of anything. */
const FUTURE_LIMIT = 5 * 60_000;

/** All of `roles` and one of `any_role`. Names are compared whole and with case. */
export function checkRoles(require: Requirements, principal: Principal): Forbidden | null {
  const missing = require.roles.find((role) => !principal.roles.includes(role));
  if (missing !== undefined) return forbidden('role_missing', principal, missing);
  if (require.anyRole.length > 0 && !require.anyRole.some((role) => principal.roles.includes(role))) {
    return forbidden('role_missing', principal, require.anyRole.join(' | '));
  }
  return null;
}

/** The log learns which claim, never what it was. */
export function checkClaims(require: Requirements, principal: Principal): Forbidden | null {
  if (require.claims.length === 0) return null;
  const matched = matchClaims(require.claims, principal.claims);
  return matched.ok ? null : forbidden('claim_mismatch', principal, matched.name);
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
  const detail = { source: principal.source, expected: scopes.join(' ') };
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

function forbidden(reason: string, principal: Principal, expected: string): Forbidden {
  return { kind: 'forbidden', reason, detail: { source: principal.source, expected } };
}
