/**
 * How a caller approaches what a request names: known from host, path and method alone, before anybody is asked
 * who they are. Whatever conceals a route begins here: it is approached like a path where nothing is.
 */
import type { Approach, CorsPolicy, Policy, Route } from '../policy/policy.ts';
import type { RouteMatch } from './match-route.ts';

/**
 * The approach of a match. A concealed route is approached with every declared source, so that no credential is
 * treated otherwise on it than on an unmatched path.
 */
export function approachOf(match: RouteMatch, policy: Policy): Approach {
  if (match.kind === 'route') return isConcealed(match.route) ? policy.unmatched : match.route;
  if (match.kind !== 'method' || routesOf(match).length === 0) return policy.unmatched;
  const cors = corsOfPlace(match);
  return cors === policy.unmatched.cors ? policy.unmatched : { ...policy.unmatched, cors };
}

/** Whether a place that has routes, but none for the method, may say so. */
export function concealsMethods(match: Extract<RouteMatch, { kind: 'method' }>): boolean {
  return routesOf(match).some(isConcealed);
}

/** A page that is told 405 must be able to read it: by the first block that the place's own routes have. */
function corsOfPlace(match: Extract<RouteMatch, { kind: 'method' }>): CorsPolicy | null {
  const routes = routesOf(match);
  const concealed = routes.find(isConcealed);
  if (concealed !== undefined) return concealed.cors;
  return routes.find((route) => route.cors !== null)?.cors ?? null;
}

function routesOf({ place }: Extract<RouteMatch, { kind: 'method' }>): readonly Route[] {
  const listed = [...place.byMethod.values()];
  return place.anyMethod === null ? listed : [...listed, place.anyMethod];
}

function isConcealed(route: Route): boolean {
  return route.onForbidden === 404 && route.auth !== 'none';
}
