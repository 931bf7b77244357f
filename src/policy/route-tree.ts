/** Finds the one most specific pattern for a host and a path. Contract; built by `buildRouteTree`. */
import type { Route } from './policy.ts';

/** Routes that share host and path pattern and differ by method only. */
export interface RoutePlace {
  readonly host: string | null;
  readonly path: string;
  /** Routes by a method that they list (HEAD added to GET). */
  readonly byMethod: ReadonlyMap<string, Route>;
  /** The route that lists no methods, or null. */
  readonly anyMethod: Route | null;
  /** Value of `Allow` for 405: the listed methods, sorted as in the file. */
  readonly allow: string;
  /** Names of the pattern's parameters in order; a rest parameter (`**` has none) comes last. */
  readonly parameterNames: readonly string[];
  /** The same for each of the routes: those of one place may name its parameters differently, or not name the rest. */
  readonly parameterNamesOf: ReadonlyMap<Route, readonly string[]>;
}

export interface PlaceMatch {
  readonly place: RoutePlace;
  /** Decoded values, parallel to parameterNames; a rest parameter is its segments joined by '/'. */
  readonly parameters: readonly string[];
}

export interface RouteTree {
  /**
   * @param host lower-case, without port and final dot
   * @param segments decoded once, without a trailing empty one
   */
  find(host: string, segments: readonly string[]): PlaceMatch | null;
}
