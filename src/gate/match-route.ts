/** Finds the one route that judges a request, by host, path and method; says nothing to anybody yet. */
import type { Route } from '../policy/policy.ts';
import type { PlaceMatch, RoutePlace, RouteTree } from '../policy/route-tree.ts';
import type { Refusal } from '../refusals/refusal.ts';
import { windowsReading } from '../wire/windows-names.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/** The route, and what its pattern's parameters are in this request. */
export interface ChosenRoute {
  readonly kind: 'route';
  readonly route: Route;
  readonly place: RoutePlace;
  /** Names in the route's own pattern. */
  readonly parameterNames: readonly string[];
  /** Values parallel to them, decoded once; a rest parameter is its segments joined by '/'. */
  readonly parameters: readonly string[];
  /**
   * Values under other readings of a tolerated form, where they differ from `parameters`: what the route
   * requires of parameters must hold for each of these too. Empty for nearly all requests.
   */
  readonly otherParameters: readonly (readonly string[])[];
}

export type RouteMatch =
  | ChosenRoute
  /** A place, but no route of it for the method. */
  | { readonly kind: 'method'; readonly place: RoutePlace }
  /** Nothing there. */
  | { readonly kind: 'none' }
  /** A tolerable form that is not tolerated, or a name that is another one on Windows (400). */
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * A place is chosen by host and path alone and the method never leads to another one, which may ask for
 * less. A target in a tolerable form has several readings: each must lead to one and the same route, and
 * that route must tolerate all of the forms. The same holds of what Windows makes of a path, for an upstream of
 * which the policy says that it folds case, since it may be there.
 *
 * TRACE is allowed nowhere: a place answers 405. CONNECT, which names no path, is `method` at a place
 * that allows nothing; asterisk-form is nowhere.
 */
export function matchRoute(tree: RouteTree, wire: WireRequest): RouteMatch {
  const match = wire.forms.length > 0 ? matchReadings(tree, wire) : matchReading(tree, wire, wire.segments);
  if (match.kind !== 'route' || match.route.upstream.pathCase === 'sensitive') return match;
  return matchOnWindows(tree, wire, match);
}

const NONE: RouteMatch = Object.freeze({ kind: 'none' });
const WINDOWS_NAME: RouteMatch = Object.freeze({
  kind: 'refused',
  refusal: Object.freeze({ kind: 'bad_request', reason: 'windows_name' } as const),
});
const NO_READINGS: readonly (readonly string[])[] = Object.freeze([]);
/** RFC 9110 section 10.2.1: an empty Allow says that no method is allowed. */
const NOTHING_ALLOWED: RouteMatch = Object.freeze({
  kind: 'method',
  place: Object.freeze({
    host: null,
    path: '',
    byMethod: new Map(),
    anyMethod: null,
    allow: '',
    parameterNames: [],
    parameterNamesOf: new Map(),
  }),
});

function matchReading(tree: RouteTree, wire: WireRequest, segments: readonly string[]): RouteMatch {
  if (wire.method === 'CONNECT') return NOTHING_ALLOWED;
  if (wire.path.charCodeAt(0) !== 0x2f) return NONE;
  const match = tree.find(wire.host, segments);
  return match === null ? NONE : choose(match, wire.method);
}

function choose(match: PlaceMatch, method: string): RouteMatch {
  const { place, parameters } = match;
  const route = method === 'TRACE' ? null : (place.byMethod.get(method) ?? place.anyMethod);
  if (route === null) return { kind: 'method', place };
  const parameterNames = place.parameterNamesOf.get(route) ?? place.parameterNames;
  return {
    kind: 'route',
    route,
    place,
    parameterNames,
    parameters:
      parameters.length === parameterNames.length ? parameters : parameters.slice(0, parameterNames.length),
    otherParameters: NO_READINGS,
  };
}

function matchReadings(tree: RouteTree, wire: WireRequest): RouteMatch {
  const chosen = matchReading(tree, wire, wire.segments);
  if (chosen.kind !== 'route') return notTolerated(wire);
  if (!wire.forms.every((form) => chosen.route.tolerate.includes(form))) return notTolerated(wire);
  const others: (readonly string[])[] = [];
  for (const segments of wire.readings) {
    const match = matchReading(tree, wire, segments);
    if (match.kind !== 'route' || match.route !== chosen.route) return notTolerated(wire);
    if (!equal(match.parameters, chosen.parameters)) others.push(match.parameters);
  }
  return others.length === 0 ? chosen : { ...chosen, otherParameters: others };
}

/** Every reading once more, by the names that it has on Windows. */
function matchOnWindows(tree: RouteTree, wire: WireRequest, chosen: ChosenRoute): RouteMatch {
  let others = chosen.otherParameters;
  for (const segments of wire.readings.length === 0 ? [wire.segments] : wire.readings) {
    const names = windowsReading(segments);
    if (names === segments) continue;
    const match = names === null ? NONE : matchReading(tree, wire, names);
    if (match.kind !== 'route' || match.route !== chosen.route) return WINDOWS_NAME;
    if (!equal(match.parameters, chosen.parameters)) others = [...others, match.parameters];
  }
  return others === chosen.otherParameters ? chosen : { ...chosen, otherParameters: others };
}

function equal(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

function notTolerated(wire: WireRequest): RouteMatch {
  return {
    kind: 'refused',
    refusal: { kind: 'bad_request', reason: `not_tolerated_${wire.forms.join('_')}` },
  };
}
