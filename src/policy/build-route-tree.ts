/** Builds the tree that finds the one most specific place for a host and a path. */
import { createTrie, findEntry, setEntry, type TrieNode } from './path-trie.ts';
import type { Route } from './policy.ts';
import { type GatheredPlace, gatherPlaces } from './route-places.ts';
import type { PlaceMatch, RoutePlace, RouteTree } from './route-tree.ts';

/**
 * Routes must not cross (`findCrossings` is empty): then the place found is the one that lies within all
 * others that match, and the order of routes does not matter. The work for one request depends on the
 * length of its path and the labels of its host, not on the number of routes.
 */
export function buildRouteTree(routes: readonly Route[]): RouteTree {
  const hosts: HostTries = { exact: new Map(), suffix: new Map(), any: createTrie() };
  for (const gathered of gatherPlaces(routes)) {
    setEntry(trieOf(hosts, gathered), gathered.shape, placeEntry(gathered));
  }
  return { find: (host, segments) => findPlace(hosts, host, segments) };
}

interface PlaceEntry {
  readonly place: RoutePlace;
  /** Positions of the segments that parameters take. */
  readonly positions: readonly number[];
  /** Where the rest begins, or -1 when it has no name. */
  readonly restFrom: number;
}

type Trie = TrieNode<PlaceEntry>;

interface HostTries {
  readonly exact: Map<string, Trie>;
  readonly suffix: Map<string, Trie>;
  readonly any: Trie;
}

/** `Allow` for methods that no route can have, where a route has all others. */
const ANY_METHOD = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const NO_PARAMETERS: readonly string[] = Object.freeze([]);

function trieOf(hosts: HostTries, { host }: GatheredPlace): Trie {
  if (host.kind === 'any') return hosts.any;
  const [tries, name] = host.kind === 'exact' ? [hosts.exact, host.name] : [hosts.suffix, host.suffix];
  const trie = tries.get(name) ?? createTrie();
  tries.set(name, trie);
  return trie;
}

function placeEntry(gathered: GatheredPlace): PlaceEntry {
  const { segments } = gathered.pattern;
  const positions = segments.flatMap((segment, index) => (segment.kind === 'parameter' ? [index] : []));
  const place = placeOf(gathered);
  return {
    place,
    positions,
    restFrom: place.parameterNames.length > positions.length ? segments.length : -1,
  };
}

function placeOf({ routes, patterns }: GatheredPlace): RoutePlace {
  const byMethod = new Map<string, Route>();
  for (const route of routes) for (const method of route.methods ?? []) byMethod.set(method, route);
  const get = byMethod.get('GET');
  if (get !== undefined && !byMethod.has('HEAD')) byMethod.set('HEAD', get);
  const names = new Map(Array.from(patterns, ([route, pattern]) => [route, pattern.parameterNames]));
  const [first] = routes;
  return {
    host: first?.host ?? null,
    path: first?.path ?? '',
    byMethod,
    anyMethod: routes.find((route) => route.methods === null) ?? null,
    allow: allowOf(routes),
    parameterNames: longest(names.values()),
    parameterNamesOf: names,
  };
}

function allowOf(routes: readonly Route[]): string {
  const methods = new Set<string>();
  for (const route of routes) {
    for (const method of route.methods ?? ANY_METHOD) {
      methods.add(method);
      if (method === 'GET') methods.add('HEAD');
    }
  }
  methods.delete('TRACE');
  methods.delete('CONNECT');
  return [...methods].join(', ');
}

function longest(lists: Iterable<readonly string[]>): readonly string[] {
  let found: readonly string[] = NO_PARAMETERS;
  for (const list of lists) if (list.length > found.length) found = list;
  return found;
}

/** From the narrowest host pattern to the widest; the first that has a match has the narrowest one, since routes do not cross. */
function findPlace(hosts: HostTries, host: string, segments: readonly string[]): PlaceMatch | null {
  const exact = hosts.exact.size === 0 ? undefined : hosts.exact.get(host);
  let entry = exact === undefined ? null : findEntry(exact, segments);
  if (entry === null && hosts.suffix.size > 0) entry = findBySuffix(hosts.suffix, host, segments);
  entry ??= findEntry(hosts.any, segments);
  return entry === null ? null : { place: entry.place, parameters: parametersOf(entry, segments) };
}

function findBySuffix(
  suffixes: ReadonlyMap<string, Trie>,
  host: string,
  segments: readonly string[],
): PlaceEntry | null {
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
    const trie = suffixes.get(host.slice(dot + 1));
    const entry = trie === undefined ? null : findEntry(trie, segments);
    if (entry !== null) return entry;
  }
  return null;
}

function parametersOf({ positions, restFrom }: PlaceEntry, segments: readonly string[]): readonly string[] {
  if (positions.length === 0 && restFrom === -1) return NO_PARAMETERS;
  const values = positions.map((position) => segments[position] ?? '');
  if (restFrom !== -1) values.push(segments.slice(restFrom).join('/'));
  return values;
}
