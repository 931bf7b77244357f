/**
 * Warns where `forward_headers` lets a caller go round another route: an upstream that reads such a header acts on a method
 * or a path that this policy never saw.
 */
import { METHOD_OVERRIDES, TARGET_OVERRIDES } from '../../wire/reserved-headers.ts';
import type { Route } from '../policy.ts';
import { gatherPlaces } from '../route-places.ts';
import type { WarnedPolicy } from '../warnings.ts';
import { asksLess, distinctDemands } from './asks-less.ts';

/** Warns of `method_override_passes` and `target_override_passes`, once for a route. Hardly a route lets one pass. */
export function warnOfOverrides(warned: WarnedPolicy): void {
  for (const { routes } of gatherPlaces(warned.policy.routes)) {
    for (const route of routes) {
      // Whether the method decides anything here; without another route and without a list it does not.
      if (route.methods !== null || routes.length > 1) warnOfMethod(route, warned);
    }
  }
  warnOfTargets(warned);
}

function warnOfMethod(route: Route, warned: WarnedPolicy): void {
  const cause =
    'an upstream that reads it acts on a method that was not judged: methods decides nothing then';
  const advice =
    'remove it, or have one route of this path take all methods and ask for what the strictest needs';
  report(route, METHOD_OVERRIDES, warned, { code: 'method_override_passes', message: `${cause}; ${advice}` });
}

function warnOfTargets(warned: WarnedPolicy): void {
  const { routes } = warned.policy;
  const open = routes.filter((route) => passing(route, TARGET_OVERRIDES) !== undefined);
  if (open.length === 0) return;
  const others = distinctDemands(routes);
  for (const route of open) if (others.some((other) => asksLess(route, other))) warnOfTarget(route, warned);
}

function warnOfTarget(route: Route, warned: WarnedPolicy): void {
  const cause =
    'an upstream that reads it acts on a target that was not judged, and other routes ask for more';
  const message = `${cause}; remove it, or ask for as much here`;
  report(route, TARGET_OVERRIDES, warned, { code: 'target_override_passes', message });
}

function passing(route: Route, names: ReadonlySet<string>): string | undefined {
  return [...route.forwardHeaders].find((each) => names.has(each));
}

/** `forward_headers` may come from `defaults`, so that the place is found by its path alone. */
function report(
  route: Route,
  names: ReadonlySet<string>,
  { origins, context }: WarnedPolicy,
  { code, message }: { readonly code: string; readonly message: string },
): void {
  const name = passing(route, names);
  if (name === undefined) return;
  const path = ['routes', origins.get(route) ?? 0, 'forward_headers'];
  context.warnings.report(path, code, `lets ${name} pass, and ${message}`);
}
