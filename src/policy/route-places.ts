/** Routes gathered by place: those of equal host and path, which differ by method only. */
import { type PathShape, shapeKey, shapeOf } from './path-shape.ts';
import { type HostPattern, type PathPattern, parseHostPattern, parsePathPattern } from './patterns.ts';
import type { Route } from './policy.ts';

export interface GatheredPlace {
  readonly host: HostPattern;
  readonly shape: PathShape;
  /** The pattern of the first of the routes; others may name parameters differently. */
  readonly pattern: PathPattern;
  /** In the order of the file. */
  readonly routes: readonly Route[];
  readonly patterns: ReadonlyMap<Route, PathPattern>;
}

interface GrowingPlace extends GatheredPlace {
  readonly routes: Route[];
  readonly patterns: Map<Route, PathPattern>;
}

/** All places, in the order of their first routes. Throws where a pattern does not parse: the compiler saw them before. */
export function gatherPlaces(routes: readonly Route[]): readonly GatheredPlace[] {
  const places = new Map<string, GrowingPlace>();
  for (const route of routes) {
    const pattern = required(parsePathPattern(route.path));
    const host = required(parseHostPattern(route.host));
    const shape = shapeOf(pattern, route.upstream.pathCase);
    const key = `${hostKey(host)} ${shapeKey(shape)}`;
    const place: GrowingPlace = places.get(key) ?? { host, shape, pattern, routes: [], patterns: new Map() };
    place.routes.push(route);
    place.patterns.set(route, pattern);
    places.set(key, place);
  }
  return [...places.values()];
}

/** Equal for equal host patterns: the name, `*.suffix`, or `*` for every host. */
export function hostKey(host: HostPattern): string {
  if (host.kind === 'any') return ANY_HOST;
  return host.kind === 'exact' ? host.name : `*.${host.suffix}`;
}

/** Keys of all host patterns that contain the given one and more. */
export function widerHosts(host: HostPattern): readonly string[] {
  if (host.kind === 'any') return [];
  const keys = [ANY_HOST];
  const name = host.kind === 'exact' ? host.name : host.suffix;
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
    keys.push(`*.${name.slice(dot + 1)}`);
  }
  return keys;
}

const ANY_HOST = '*';

function required<Pattern>(
  parsed: { readonly ok: true; readonly pattern: Pattern } | { readonly ok: false; readonly message: string },
): Pattern {
  if (!parsed.ok) throw new Error(`a compiled route has a pattern that does not parse: ${parsed.message}`);
  return parsed.pattern;
}
