/**
 * The order of the gate, written once. What has been found out is said as late as it must be, so that a
 * caller who has not shown who they are learns nothing of what is behind: the route is chosen first
 * (it names the credentials that count), but that there is none is said to authenticated callers only.
 *
 *   wire rules -> route -> credential collected -> verified -> nothing there / method not there
 *   -> audience, roles, claims, expression -> step-up -> scopes -> identity headers -> forward
 */
import type { Principal, Verified } from './credentials/credential.ts';
import { authorize } from './gate/authorize.ts';
import { collectCredentials } from './gate/collect-credentials.ts';
import { identityHeaders } from './gate/identify.ts';
import { type ChosenRoute, matchRoute, type RouteMatch } from './gate/match-route.ts';
import { passOn } from './gate/pass-on.ts';
import { refuse } from './gate/refuse.ts';
import type { Visit } from './gate/visit.ts';
import { internalFailure } from './observe/internal-failure.ts';
import type { AcceptPolicy, Policy, Route } from './policy/policy.ts';
import type { Refusal } from './refusals/refusal.ts';

/** Takes a visit whose bytes passed the wire guard to its end. Never throws; what fails inside refuses (503). */
export function passGate(visit: Visit): void {
  try {
    const verdict = approach(visit);
    if (verdict instanceof Promise) verdict.catch((error) => failed(visit, error));
  } catch (error) {
    failed(visit, error);
  }
}

/** The outer door: who are you? */
function approach(visit: Visit): void | Promise<void> {
  const { policy, verifiers, dependencies } = visit.standing;
  const match = matchRoute(policy.tree, visit.wire);
  if (match.kind === 'refused') return refuse(visit, match.refusal);
  if (match.kind === 'route') rememberRoute(visit, match);
  if (visit.route?.auth === 'none') return passOn(visit, null);

  const accept = acceptedBy(visit.route, policy);
  const found = collectCredentials(visit.wire, accept, policy.limits);
  if (found.kind === 'refused') return refuse(visit, found.refusal);
  if (found.kind === 'absent') return anonymous(visit, match);
  const { place } = found.credential;
  if (place.in === 'header') visit.credentialHeader = place.name;
  const verified = verifiers.verify(found.credential, accept, dependencies.now());
  if (verified instanceof Promise) return verified.then((outcome) => authenticated(visit, match, outcome));
  return authenticated(visit, match, verified);
}

function rememberRoute(visit: Visit, match: ChosenRoute): void {
  visit.route = match.route;
  visit.parameters = match.parameters;
  visit.parameterNames = match.parameterNames;
  visit.otherParameters = match.otherParameters;
}

/**
 * Who may judge. A concealed route is approached like a path that does not exist: with every declared
 * source, so that no credential is treated otherwise on it than on an unmatched path.
 */
function acceptedBy(route: Route | null, policy: Policy): AcceptPolicy {
  return route === null || route.onForbidden === 404 ? policy.unmatched.accept : route.accept;
}

function anonymous(visit: Visit, match: RouteMatch): void {
  if (visit.route?.auth === 'optional') return enter(visit, visit.route, null);
  // A policy without any kind of credential has no challenge that would be true.
  if (visit.standing.policy.unmatched.accept.challenges.length === 0) return nothingHere(visit, match);
  refuse(visit, { kind: 'unauthenticated', reason: 'no_credential' });
}

function authenticated(visit: Visit, match: RouteMatch, verified: Verified): void {
  if (!verified.ok) return refuse(visit, verified.refusal);
  visit.principal = verified.principal;
  if (visit.route === null) return nothingHere(visit, match);
  enter(visit, visit.route, verified.principal);
}

/** Said to those who authenticated only; a place that conceals a route does not admit to its methods either. */
function nothingHere(visit: Visit, match: RouteMatch): void {
  if (match.kind === 'method' && !conceals(match)) {
    return refuse(visit, {
      kind: 'method_not_allowed',
      reason: 'method_not_listed',
      allow: match.place.allow,
    });
  }
  refuse(visit, { kind: 'not_found', reason: match.kind === 'method' ? 'concealed_method' : 'no_route' });
}

function conceals(match: Extract<RouteMatch, { kind: 'method' }>): boolean {
  const { byMethod, anyMethod } = match.place;
  if (anyMethod?.onForbidden === 404) return true;
  return [...byMethod.values()].some((route) => route.onForbidden === 404);
}

/** The inner door: may you? */
function enter(visit: Visit, route: Route, principal: Principal | null): void {
  const refusal = mayNot(visit, route, principal);
  if (refusal !== null) return refuse(visit, route.onForbidden === 404 ? conceal(refusal) : refusal);
  if (principal === null) return passOn(visit, null);
  const identity = identityHeaders(principal, visit.standing.policy.identity);
  if (!identity.ok)
    return refuse(visit, route.onForbidden === 404 ? conceal(identity.refusal) : identity.refusal);
  passOn(visit, identity.headers);
}

function mayNot(visit: Visit, route: Route, principal: Principal | null): Refusal | null {
  if (principal !== null && route.onForbidden === 404 && !route.accept.sources.includes(principal.source)) {
    return { kind: 'not_found', reason: 'source_not_accepted' };
  }
  const { wire, parameterNames } = visit;
  const { identity } = visit.standing.policy;
  const now = visit.standing.dependencies.now();
  const under = (parameters: readonly string[]) =>
    authorize(route, principal, { wire, parameterNames, parameters, accept: route.accept, identity, now });
  const refusal = under(visit.parameters);
  if (refusal !== null || visit.otherParameters.length === 0) return refusal;
  // A target of several readings must be allowed under each: nobody knows which one the upstream takes.
  for (const parameters of visit.otherParameters) {
    const other = under(parameters);
    if (other !== null) return other;
  }
  return null;
}

/** Whoever may not use a concealed route gets what an unmatched path answers; the reason stays for the log. */
function conceal(refusal: Refusal): Refusal {
  if (refusal.kind === 'unauthenticated' || refusal.kind === 'unavailable') return refusal;
  return { kind: 'not_found', reason: refusal.reason, ...(refusal.detail && { detail: refusal.detail }) };
}

function failed(visit: Visit, error: unknown): void {
  internalFailure(visit.standing.dependencies.log, visit.id, error);
  refuse(visit, { kind: 'unavailable', reason: 'internal_failure', retryAfter: 5 });
}
