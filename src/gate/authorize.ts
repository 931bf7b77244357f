/**
 * The inner door: whether a caller may use a route, in the order that `require` promises. Pure: the same
 * facts and the same `now` always give the same answer, and whatever cannot be evaluated refuses.
 */
import { checkClaims, checkRoles, checkScopes, checkStepUp } from '../authorization/requirements.ts';
import type { Principal } from '../credentials/credential.ts';
import type { Route } from '../policy/policy.ts';
import type { Expression } from '../policy/requirements.ts';
import type { Refusal } from '../refusals/refusal.ts';
import { type AuthorizationContext, expressionInput } from './expression-input.ts';

/** What the inner door reads of a route. */
export type GuardedRoute = Pick<Route, 'auth' | 'audience' | 'require'>;

/**
 * Null when the caller may. The order, stopping at the first that refuses:
 *
 * 1. `audience` of the route (401): part of verification, so it comes before anything that says 403;
 * 2. roles, claims, `when` (403), before step-up because no step-up cures them;
 * 3. `acr` and `max_age` (401, RFC 9470);
 * 4. scopes (403 with all that are needed).
 *
 * @param principal null for an anonymous caller, who may pass `auth: optional` only
 */
export function authorize(
  route: GuardedRoute,
  principal: Principal | null,
  context: AuthorizationContext,
): Refusal | null {
  const { require } = route;
  if (principal === null) return authorizeAnonymous(route, context);
  return (
    checkAudience(route, principal) ??
    checkRoles(require, principal) ??
    checkClaims(require, principal) ??
    checkExpression(require.when, principal, context) ??
    checkStepUp(require, principal, context.now) ??
    checkScopes(require, principal)
  );
}

/** Another credential, or any, might do: an anonymous caller is asked for one (401) and never told 403. */
function authorizeAnonymous(route: GuardedRoute, context: AuthorizationContext): Refusal | null {
  if (route.auth === 'none') return null;
  if (route.auth === 'required') return { kind: 'unauthenticated', reason: 'no_credential' };
  const refusal = checkExpression(route.require.when, null, context);
  if (refusal === null) return null;
  return { ...refusal, kind: 'unauthenticated' };
}

/** Of tokens only: keys have no audience, and a route that accepts them says so by name. */
function checkAudience(route: GuardedRoute, principal: Principal): Refusal | null {
  if (route.audience === null || principal.kind !== 'jwt') return null;
  if (route.audience.some((audience) => principal.audiences.includes(audience))) return null;
  return {
    kind: 'invalid_credential',
    code: 'invalid_token',
    reason: 'audience_not_for_route',
    detail: {
      source: principal.source,
      expected: route.audience.join(' | '),
      got: principal.audiences.join(' '),
    },
  };
}

/** An error refuses like false; only the log can tell them apart. */
function checkExpression(
  when: Expression | null,
  principal: Principal | null,
  context: AuthorizationContext,
): Extract<Refusal, { kind: 'forbidden' }> | null {
  if (when === null) return null;
  const input = expressionInput(principal, context);
  const outcome = when.evaluate(input);
  if (outcome.ok && outcome.value === true) return null;
  const source = principal === null ? {} : { source: principal.source };
  const cause = when.explain?.(input, outcome) ?? (outcome.ok ? 'false' : outcome.cause);
  const detail = { ...source, cause };
  return { kind: 'forbidden', reason: outcome.ok ? 'when_false' : 'when_error', detail };
}
