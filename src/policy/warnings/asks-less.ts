/** Compares what two routes ask of a caller, as one would by eye: part by part. */
import type { Route } from '../policy.ts';
import type { Requirements } from '../requirements.ts';

/**
 * Whether `other` is looser than `route`: it judges less strictly, takes credentials that `route` does not,
 * or asks in some part (scopes, roles, claims, `when`, step-up, audience) for less. Where both ask for
 * something and for different things (`orders:read` and `orders:write`), neither is looser.
 */
export function asksLess(other: Route, route: Route): boolean {
  if (route.auth === 'none') return false;
  if (strictness[other.auth] < strictness[route.auth]) return true;
  if (other.accept.sources.some((name) => !route.accept.sources.includes(name))) return true;
  if (isLess(audienceOf(other), audienceOf(route), 'any')) return true;
  if (other.require.maxAge > route.require.maxAge) return true;
  return parts.some((part) => isLess(part(other.require), part(route.require), 'all'));
}

/** One of each of those that ask for the same, since policies have thousands of routes that ask for few different things. */
export function distinctDemands(routes: readonly Route[]): readonly Route[] {
  const distinct = new Map<string, Route>();
  for (const route of routes) distinct.set(demandsOf(route), route);
  return [...distinct.values()];
}

/** All that `asksLess` looks at. */
function demandsOf(route: Route): string {
  const { auth, accept, require } = route;
  const demands = parts.map((part) => part(require));
  return JSON.stringify([auth, accept.sources, audienceOf(route), require.maxAge, demands]);
}

const strictness = { none: 0, optional: 1, required: 2 } as const;

/** Each part of `require` as the set of its demands. */
const parts: readonly ((require: Requirements) => readonly string[])[] = [
  (require) => [...require.scopes, ...oneOf(require.anyScope)],
  (require) => [...require.roles, ...oneOf(require.anyRole)],
  (require) => require.claims.map(({ name, matchers }) => JSON.stringify([name, matchers])),
  (require) => (require.when === null ? [] : [require.when.source]),
  (require) => oneOf(require.acr),
];

/** Several of which one is enough are one demand. */
function oneOf(names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [JSON.stringify(names.toSorted())];
}

function audienceOf(route: Route): readonly string[] {
  return route.audience ?? [];
}

/** Of demands that must `all` hold, fewer are less; of those of which `any` holds, more are less, and none least. */
function isLess(other: readonly string[], own: readonly string[], count: 'all' | 'any'): boolean {
  if (own.length === 0) return false;
  if (other.length === 0) return true;
  const lacks = own.some((demand) => !other.includes(demand));
  const adds = other.some((demand) => !own.includes(demand));
  return count === 'all' ? lacks && !adds : adds && !lacks;
}

/** Whether some method is for both. */
export function shareMethod(one: Route, other: Route): boolean {
  if (one.methods === null || other.methods === null) return true;
  const { methods } = other;
  return one.methods.some((method) => methods.includes(method));
}
