/** Reports routes between which no specificity decides, with a request that both would have and the route to add. */
import type { CompileContext } from './compile/context.ts';
import { type Crossing, findCrossings } from './crossings.ts';
import type { Route } from './policy.ts';

/** Reports each crossing at the later of its two routes. */
export function checkCrossings(origins: ReadonlyMap<Route, number>, context: CompileContext): void {
  const routes = [...origins.keys()];
  for (const crossing of findCrossings(routes)) {
    const index = origins.get(crossing.second) ?? 0;
    context.problems.report(['routes', index, 'path'], codeOf(crossing), describe(crossing, origins));
  }
}

function codeOf(crossing: Crossing): string {
  return crossing.kind === 'crossing' ? 'routes_cross' : 'routes_equal';
}

function describe(crossing: Crossing, origins: ReadonlyMap<Route, number>): string {
  const name = (route: Route) => `routes[${origins.get(route)}] (${route.host ?? ''}${route.path})`;
  const { first, second, example } = crossing;
  const host = first.host === null && second.host === null ? '' : example.host;
  const request = `${example.method} ${host}${example.path}`;
  if (crossing.kind === 'duplicate') {
    const advice =
      origins.get(first) === origins.get(second) ? 'remove one' : 'list different methods, or remove one';
    return `${name(first)} and ${name(second)} would both have ${request}; ${advice}`;
  }
  return `${name(first)} and ${name(second)} overlap and neither lies within the other: both would have ${request}; ${adviceFor(crossing)}`;
}

function adviceFor({ missing, canBeDecided }: Extract<Crossing, { kind: 'crossing' }>): string {
  if (!canBeDecided) {
    return 'no route could decide, since their upstreams compare letters differently; write one path_case for both';
  }
  const path = /[{}[\],]/.test(missing.path) ? JSON.stringify(missing.path) : missing.path;
  const host = missing.host === null ? '' : `host: ${JSON.stringify(missing.host)}, `;
  return `add a route that decides, {${host}path: ${path}}`;
}
