/**
 * Which route a host and a path belong to: patterns as sets, and the smallest set that holds the pair (configuration.md,
 * Semantics, "Patterns", "Who wins", "Refused at load"). There is no tree here and no order: sets are compared with sets.
 */
import type { PolicyModel, RouteModel } from './model.ts';

/** A set of (host, path) pairs. */
interface Place {
  readonly host: string | null;
  /** Literals as `=x`, one segment as `?`. */
  readonly fixed: readonly string[];
  readonly rest: boolean;
}

/** What a host and a path come to. */
export type Found =
  | { readonly is: 'nothing' }
  | { readonly is: 'method'; readonly conceals: boolean }
  | {
      readonly is: 'route';
      readonly route: RouteModel;
      /** Values of the path parameters, by name. */
      readonly parameters: Readonly<Record<string, string>>;
    };

function placeOf(route: Pick<RouteModel, 'host' | 'path'>, insensitive: boolean): Place {
  const parts = route.path === '/' ? [] : route.path.slice(1).split('/');
  const rest = /^(\*\*|\{\w+\.\.\.\})$/.test(parts.at(-1) ?? '');
  if (rest) parts.pop();
  const fixed = parts.map((part) => (/^\{\w+\}$/.test(part) ? '?' : `=${foldCase(part, insensitive)}`));
  return { host: route.host, fixed, rest };
}

/** ASCII letters only: others are different in every upstream. */
function foldCase(text: string, insensitive: boolean): string {
  return insensitive ? text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : text;
}

function hostHolds(pattern: string | null, host: string): boolean {
  if (pattern === null) return true;
  return pattern.startsWith('*.')
    ? host.endsWith(pattern.slice(1)) && host.length >= pattern.length
    : host === pattern;
}

function hostWithin(inner: string | null, outer: string | null): boolean {
  if (outer === null || inner === outer) return true;
  if (inner === null || !outer.startsWith('*.')) return false;
  const name = inner.startsWith('*.') ? inner.slice(2) : inner;
  return name.endsWith(outer.slice(1)) && name.length > outer.length - 1;
}

function pathHolds(place: Place, segments: readonly string[], insensitive: boolean): boolean {
  if (place.rest ? segments.length < place.fixed.length : segments.length !== place.fixed.length)
    return false;
  return place.fixed.every((part, i) => {
    const segment = segments[i] ?? '';
    return part === '?' ? segment !== '' : part === `=${foldCase(segment, insensitive)}`;
  });
}

function within(inner: Place, outer: Place): boolean {
  if (!hostWithin(inner.host, outer.host)) return false;
  if (
    outer.rest
      ? inner.fixed.length < outer.fixed.length
      : inner.rest || inner.fixed.length !== outer.fixed.length
  ) {
    return false;
  }
  return outer.fixed.every((part, i) => part === '?' || part === inner.fixed[i]);
}

const isSame = (one: Place, other: Place): boolean => within(one, other) && within(other, one);

/** The pairs that lie in both; null for none. */
function overlap(one: Place, other: Place): Place | null {
  const host = hostWithin(one.host, other.host)
    ? one.host
    : hostWithin(other.host, one.host)
      ? other.host
      : undefined;
  if (host === undefined) return null;
  const length = Math.max(one.fixed.length, other.fixed.length);
  if ([one, other].some((each) => !each.rest && each.fixed.length !== length)) return null;
  const fixed: string[] = [];
  for (let i = 0; i < length; i += 1) {
    const parts = [one.fixed[i] ?? '*', other.fixed[i] ?? '*'];
    const literals = parts.filter((part) => part.startsWith('='));
    if (literals.length === 2 && literals[0] !== literals[1]) return null;
    fixed.push(literals[0] ?? (parts.includes('?') ? '?' : '*'));
  }
  return { host, fixed, rest: one.rest && other.rest };
}

/** Whether a policy with these routes must be refused: they cross, or two list one method at one place. */
export function mustBeRefused(routes: readonly RouteModel[], insensitive: boolean): boolean {
  const places = routes.map((route) => placeOf(route, insensitive));
  return routes.some((route, i) =>
    routes.slice(0, i).some((earlier, j) => {
      const [one, other] = [places[i], places[j]];
      if (one === undefined || other === undefined) return false;
      if (isSame(one, other)) return methodsMeet(route, earlier);
      if (within(one, other) || within(other, one)) return false;
      const both = overlap(one, other);
      return both !== null && !places.some((each) => isSame(each, both));
    }),
  );
}

function methodsMeet(one: RouteModel, other: RouteModel): boolean {
  if (one.methods === null || other.methods === null) return one.methods === other.methods;
  return one.methods.some((method) => other.methods?.includes(method));
}

/** Finds the one route; throws where the policy should not have been loaded. */
export function findRoute(
  policy: PolicyModel,
  host: string,
  segments: readonly string[],
  method: string,
): Found {
  const holding = policy.routes
    .map((route) => ({ route, place: placeOf(route, policy.insensitive) }))
    .filter(
      ({ route, place }) => hostHolds(route.host, host) && pathHolds(place, segments, policy.insensitive),
    );
  if (holding.length === 0) return { is: 'nothing' };
  const smallest = holding.find(({ place }) => holding.every((each) => within(place, each.place)));
  if (smallest === undefined) throw new Error('no smallest place: these routes cross');
  const routes = holding.filter(({ place }) => isSame(place, smallest.place)).map(({ route }) => route);
  const route = forMethod(routes, method);
  if (route === undefined) return { is: 'method', conceals: routes.some(({ conceals }) => conceals) };
  return { is: 'route', route, parameters: parametersOf(route, segments) };
}

function forMethod(routes: readonly RouteModel[], method: string): RouteModel | undefined {
  if (method === 'TRACE' || method === 'CONNECT') return undefined;
  const lists = (wanted: string) => routes.find(({ methods }) => methods?.includes(wanted));
  const listed = lists(method) ?? (method === 'HEAD' ? lists('GET') : undefined);
  return listed ?? routes.find(({ methods }) => methods === null);
}

function parametersOf(route: RouteModel, segments: readonly string[]): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [i, part] of route.path.slice(1).split('/').entries()) {
    if (/^\{\w+\}$/.test(part)) parameters[part.slice(1, -1)] = segments[i] ?? '';
  }
  return parameters;
}
