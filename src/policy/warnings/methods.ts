/** Warns where a method that a route does not list gets a looser route of the same place. */
import type { Route } from '../policy.ts';
import { gatherPlaces } from '../route-places.ts';
import type { WarnedPolicy } from '../warnings.ts';
import { asksLess } from './asks-less.ts';

/** Warns of `method_falls_to_looser`: for all other methods, and for HEAD beside GET (RFC 9110 section 9.3.2). */
export function warnOfMethods({ policy, origins, context }: WarnedPolicy): void {
  for (const { routes } of gatherPlaces(policy.routes)) {
    if (routes.length < 2) continue;
    for (const route of routes) {
      const looser = looserFor(route, routes);
      if (looser === null) continue;
      const message = `${looser.methods} of this path get routes[${origins.get(looser.route)}], which asks for less; list them here, or list methods there`;
      const path = ['routes', origins.get(route) ?? 0, 'methods'];
      context.warnings.report(path, 'method_falls_to_looser', message);
    }
  }
}

function looserFor(route: Route, routes: readonly Route[]): { route: Route; methods: string } | null {
  if (route.methods === null) return null;
  const rest = routes.find((other) => other.methods === null);
  if (rest !== undefined && asksLess(rest, route)) return { route: rest, methods: 'all other methods' };
  // HEAD tells what GET would: its status, its length, whether the thing exists (RFC 9110 section 9.3.2).
  const head = routes.find((other) => other !== route && other.methods?.includes('HEAD'));
  const isLooser = route.methods.includes('GET') && head !== undefined && asksLess(head, route);
  return isLooser ? { route: head, methods: 'HEAD requests' } : null;
}
