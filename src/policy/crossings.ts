/**
 * Finds routes between which no specificity decides: those that overlap while neither contains the other,
 * and those of one place that list the same method. A policy that has any is refused at load.
 */
import { encodeSegment } from '../wire/encode-segment.ts';
import { overlappingEntries } from './overlapping-entries.ts';
import { intersectShapes, type PathShape, shapeKey } from './path-shape.ts';
import { createTrie, setEntry } from './path-trie.ts';
import type { HostPattern } from './patterns.ts';
import type { Route } from './policy.ts';
import { type GatheredPlace, gatherPlaces, hostKey, widerHosts } from './route-places.ts';

/** A request that both routes would have. */
export interface ExampleRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
}

export type Crossing =
  /** Two routes that overlap, and the pattern of exactly their overlap: a route of that pattern would decide. */
  | {
      readonly kind: 'crossing';
      readonly first: Route;
      readonly second: Route;
      readonly example: ExampleRequest;
      readonly missing: { readonly host: string | null; readonly path: string };
      /** False where no route can have that pattern, because one upstream folds case and the other does not. */
      readonly canBeDecided: boolean;
    }
  /** Two routes of equal host and path that list the same method, or of which neither lists any. */
  | {
      readonly kind: 'duplicate';
      readonly first: Route;
      readonly second: Route;
      readonly example: ExampleRequest;
    };

/** No more than these are looked for: they are there to be read. */
export const MOST_CROSSINGS = 50;

/**
 * Duplicates, then crossings; `first` stands before `second` in the file; at most `MOST_CROSSINGS`. Paths are
 * walked as a tree and hosts looked up, so that only places that overlap are compared.
 */
export function findCrossings(routes: readonly Route[]): readonly Crossing[] {
  const order = new Map(routes.map((route, index) => [route, index]));
  const places = gatherPlaces(routes);
  const found = places.flatMap(duplicatesAt);
  const groups = groupByPath(places);
  const root = createTrie<PathGroup>();
  for (const group of groups.values()) setEntry(root, group.shape, group);
  for (const [one, other] of overlappingEntries(root)) {
    if (found.length >= MOST_CROSSINGS) break;
    for (const overlap of undecided(one, other, groups)) {
      found.push(crossingOf(overlap, order));
      if (found.length >= MOST_CROSSINGS) break;
    }
  }
  return found.slice(0, MOST_CROSSINGS);
}

/** Places of one path, by host. */
interface PathGroup {
  readonly shape: PathShape;
  readonly key: string;
  readonly byHost: Map<string, GatheredPlace>;
  /** Those whose hosts lie strictly within the host pattern of the key. */
  readonly within: Map<string, GatheredPlace[]>;
}

interface Overlap {
  readonly one: GatheredPlace;
  readonly other: GatheredPlace;
  readonly host: HostPattern;
  readonly shape: PathShape;
}

function groupByPath(places: readonly GatheredPlace[]): ReadonlyMap<string, PathGroup> {
  const groups = new Map<string, PathGroup>();
  for (const place of places) {
    const key = shapeKey(place.shape);
    const group: PathGroup = groups.get(key) ?? {
      shape: place.shape,
      key,
      byHost: new Map(),
      within: new Map(),
    };
    groups.set(key, group);
    group.byHost.set(hostKey(place.host), place);
    for (const wider of widerHosts(place.host)) {
      const inside = group.within.get(wider);
      if (inside === undefined) group.within.set(wider, [place]);
      else inside.push(place);
    }
  }
  return groups;
}

/** The overlaps of two groups of overlapping paths that no place decides. */
function* undecided(
  one: PathGroup,
  other: PathGroup,
  groups: ReadonlyMap<string, PathGroup>,
): Generator<Overlap> {
  const shape = intersectShapes(one.shape, other.shape);
  if (shape === null) return;
  const key = shapeKey(shape);
  const deciding = groups.get(key)?.byHost;
  const open = (overlap: Overlap) => deciding?.has(hostKey(overlap.host)) !== true;
  // Where one path contains the other, only a host that lies the other way round makes the routes cross.
  if (key !== other.key) {
    for (const overlap of hostsWithin(one, other, shape)) if (open(overlap)) yield overlap;
  }
  if (key !== one.key) {
    for (const overlap of hostsWithin(other, one, shape)) if (open(overlap)) yield overlap;
  }
  if (key === one.key || key === other.key) return;
  for (const overlap of sameHosts(one, other, shape)) if (open(overlap)) yield overlap;
}

/** Places of both groups that have the same host. */
function* sameHosts(one: PathGroup, other: PathGroup, shape: PathShape): Generator<Overlap> {
  for (const [host, place] of one.byHost) {
    const same = other.byHost.get(host);
    if (same !== undefined) yield { one: place, other: same, host: place.host, shape };
  }
}

/** Places of `narrow` whose host lies strictly within the host of a place of `wide`. */
function* hostsWithin(wide: PathGroup, narrow: PathGroup, shape: PathShape): Generator<Overlap> {
  if (narrow.within.size === 0) return;
  for (const [host, place] of wide.byHost) {
    if (place.host.kind === 'exact') continue;
    for (const inside of narrow.within.get(host) ?? []) {
      yield { one: place, other: inside, host: inside.host, shape };
    }
  }
}

function crossingOf({ one, other, host, shape }: Overlap, order: ReadonlyMap<Route, number>): Crossing {
  const [first, second] = [firstRoute(one), firstRoute(other)].toSorted(
    (left, right) => (order.get(left) ?? 0) - (order.get(right) ?? 0),
  );
  if (first === undefined || second === undefined) throw new Error('a place without routes');
  const names = parameterNames(one, other, shape);
  return {
    kind: 'crossing',
    first,
    second,
    example: exampleOf([first, second], host, examplePath(shape, names)),
    missing: { host: host.kind === 'any' ? null : hostKey(host), path: patternText(shape, names) },
    canBeDecided: isWritable(shape),
  };
}

/** A route compares all of its literals with case, or none. */
function isWritable(shape: PathShape): boolean {
  const folds = shape.segments.some((segment) => segment.kind === 'folded');
  return (
    !folds || !shape.segments.some((segment) => segment.kind === 'exact' && /[A-Za-z]/.test(segment.text))
  );
}

function duplicatesAt(place: GatheredPlace): readonly Crossing[] {
  const taken = new Map<string | null, Route>();
  const found: Crossing[] = [];
  for (const second of place.routes) {
    const methods: readonly (string | null)[] = second.methods ?? [null];
    const first = methods.map((method) => taken.get(method)).find((owner) => owner !== undefined);
    for (const method of methods) if (!taken.has(method)) taken.set(method, second);
    if (first === undefined) continue;
    const path = examplePath(place.shape, parameterNames(place, place, place.shape));
    found.push({ kind: 'duplicate', first, second, example: exampleOf([first, second], place.host, path) });
  }
  return found;
}

function firstRoute(place: GatheredPlace): Route {
  const [route] = place.routes;
  if (route === undefined) throw new Error('a place without routes');
  return route;
}

function exampleOf(
  [first, second]: readonly [Route, Route],
  host: HostPattern,
  path: string,
): ExampleRequest {
  const common = first.methods?.find((method) => second.methods?.includes(method) ?? true);
  const method = common ?? second.methods?.[0] ?? first.methods?.[0] ?? 'GET';
  if (host.kind === 'any') return { method, host: 'api.example.com', path };
  return { method, host: host.kind === 'exact' ? host.name : `www.${host.suffix}`, path };
}

/** For each segment of the shape, a name that one of the places gives it; unique. */
function parameterNames(one: GatheredPlace, other: GatheredPlace, shape: PathShape): readonly string[] {
  const names: string[] = [];
  for (const index of shape.segments.keys()) {
    const written = [one, other]
      .map((place) => place.pattern.segments[index])
      .find((segment) => segment?.kind === 'parameter');
    const name = written?.kind === 'parameter' ? written.name : `part${index + 1}`;
    names.push(names.includes(name) ? `${name}_${index + 1}` : name);
  }
  return names;
}

function examplePath(shape: PathShape, names: readonly string[]): string {
  const parts = shape.segments.map((segment, index) =>
    segment.kind === 'any' ? (names[index] ?? '') : encodeSegment(segment.text),
  );
  return `/${parts.join('/')}`;
}

function patternText(shape: PathShape, names: readonly string[]): string {
  const parts = shape.segments.map((segment, index) =>
    segment.kind === 'any' ? `{${names[index]}}` : encodeSegment(segment.text).replaceAll('*', '%2A'),
  );
  if (shape.rest) parts.push('**');
  return `/${parts.join('/')}`;
}
