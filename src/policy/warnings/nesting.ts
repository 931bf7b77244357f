/**
 * Warns where a route lies inside another and the two differ in what they ask. The tree itself is asked who
 * has the requests next to a route, so that nothing here repeats the rules of matching.
 */
import { intersectShapes, type PathShape, shapeKey, shapeOf } from '../path-shape.ts';
import { type PathPattern, parsePathPattern } from '../patterns.ts';
import type { Route } from '../policy.ts';
import type { RoutePlace } from '../route-tree.ts';
import type { WarnedPolicy } from '../warnings.ts';
import { asksLess, shareMethod } from './asks-less.ts';

/** A label and a segment that no pattern names: the tree answers for it as for any name that is not written. */
const other = '\uffff';

/**
 * Warns of `covers_one_path`, `host_hides_stricter`, `public_inside_protected` and, once for a policy,
 * `path_case_not_written`.
 */
export function warnOfNesting(warned: WarnedPolicy): void {
  const shapes = new Map<Route, NestedRoute>();
  for (const route of warned.policy.routes) {
    const pattern = parsePathPattern(route.path);
    if (pattern.ok) shapes.set(route, nested(route, pattern.pattern));
  }
  const nesting = new Nesting(warned, shapes);
  for (const route of shapes.values()) {
    nesting.warnOfOnePath(route);
    nesting.warnOfHost(route);
    nesting.warnOfPublic(route);
  }
  for (const route of shapes.values()) if (nesting.warnOfCase(route)) return;
}

interface NestedRoute {
  readonly route: Route;
  readonly pattern: PathPattern;
  readonly shape: PathShape;
  /** A host and segments that this route matches and, as far as they can be chosen, no other pattern names. */
  readonly host: string;
  readonly segments: readonly string[];
}

function nested(route: Route, pattern: PathPattern): NestedRoute {
  const segments = pattern.segments.map((segment) => (segment.kind === 'literal' ? segment.text : other));
  const host = route.host === null ? other : route.host.replace(/^\*/, other);
  return { route, pattern, shape: shapeOf(pattern, route.upstream.pathCase), host, segments };
}

class Nesting {
  readonly #warned: WarnedPolicy;
  readonly #shapes: ReadonlyMap<Route, NestedRoute>;

  constructor(warned: WarnedPolicy, shapes: ReadonlyMap<Route, NestedRoute>) {
    this.#warned = warned;
    this.#shapes = shapes;
  }

  /** `/admin` guarded and `/admin/x` not: the pattern was probably meant as `/admin/**`. */
  warnOfOnePath({ route, pattern, host, segments, shape }: NestedRoute): void {
    if (pattern.rest) return;
    const looser = this.#looserAt(this.#find(host, [...segments, other]), route, shape);
    if (looser === null) return;
    const message = `is this one path: what lies below gets ${this.#name(looser)}, which asks for less; write ${joined(pattern.text, '**')} too`;
    this.#report(route, 'path', 'covers_one_path', message);
  }

  /** The host is the client's choice, so a looser route for one host is a way round the rule for all. */
  warnOfHost({ route, pattern, host, segments, shape }: NestedRoute): void {
    if (route.host === null) return;
    const paths = pattern.rest ? [segments, [...segments, other]] : [segments];
    for (const path of paths) {
      for (const wider of widerHosts(host)) {
        const place = this.#find(wider, path);
        const stricter = this.#routesOf(place).find((each) => this.#hides(route, each, shape));
        if (stricter === undefined) continue;
        const message = `hides ${this.#name(stricter)}, which asks for more, from whoever names this host; ask for the same here`;
        this.#report(route, 'host', 'host_hides_stricter', message);
        return;
      }
    }
  }

  /** `/**` is how one says "everything else": a public route inside that alone is no surprise. */
  warnOfPublic(nestedRoute: NestedRoute): void {
    const { route, shape } = nestedRoute;
    if (route.auth !== 'none') return;
    for (const [host, segments] of neighbours(nestedRoute)) {
      const enclosing = this.#routesOf(this.#find(host, segments)).find(
        (each) => each.auth === 'required' && shareMethod(each, route) && this.#isInside(shape, each),
      );
      if (enclosing === undefined || this.#shapes.get(enclosing)?.segments.length === 0) continue;
      const message = `is public and lies inside ${this.#name(enclosing)}, which is not; make sure that it is meant`;
      this.#report(route, 'auth', 'public_inside_protected', message);
      return;
    }
  }

  /** `/ADMIN` and `/admin.` are other paths here and may be the same one to the upstream. True when it has warned. */
  warnOfCase({ route, pattern, host, segments, shape }: NestedRoute): boolean {
    for (const [index, segment] of pattern.segments.entries()) {
      if (segment.kind !== 'literal') continue;
      const looser = this.#looserAt(this.#find(host, segments.with(index, other)), route, shape);
      if (looser === null || this.#isCaseWritten(looser)) continue;
      const message = `an upstream that folds case would take ${pattern.text.toUpperCase()} for this path, and one on Windows "${segment.text}." for ${segment.text}, and ${this.#name(looser)} asks for less; write path_case: sensitive or insensitive, as the upstream does`;
      this.#report(route, 'path', 'path_case_not_written', message);
      return true;
    }
    return false;
  }

  #isCaseWritten(looser: Route): boolean {
    const { isWritten } = this.#warned.context;
    return isWritten(['path_case']) || isWritten(['upstreams', looser.upstream.name, 'path_case']);
  }

  #looserAt(place: RoutePlace | null, route: Route, shape: PathShape): Route | null {
    const looser = this.#routesOf(place).find(
      (each) =>
        each !== route && shareMethod(each, route) && asksLess(each, route) && this.#isInside(shape, each),
    );
    return looser ?? null;
  }

  #hides(route: Route, stricter: Route, shape: PathShape): boolean {
    return (
      stricter.host !== route.host &&
      shareMethod(route, stricter) &&
      asksLess(route, stricter) &&
      this.#isInside(shape, stricter)
    );
  }

  /** Whether all paths of the shape are paths of the route too. */
  #isInside(shape: PathShape, route: Route): boolean {
    const outer = this.#shapes.get(route)?.shape;
    const overlap = outer === undefined ? null : intersectShapes(shape, outer);
    return overlap !== null && shapeKey(overlap) === shapeKey(shape);
  }

  #find(host: string, segments: readonly string[]): RoutePlace | null {
    return this.#warned.policy.tree.find(host, segments)?.place ?? null;
  }

  #routesOf(place: RoutePlace | null): readonly Route[] {
    if (place === null) return [];
    return [...new Set(place.byMethod.values()), ...(place.anyMethod === null ? [] : [place.anyMethod])];
  }

  #name(route: Route): string {
    return `routes[${this.#warned.origins.get(route)}] (${route.host ?? ''}${route.path})`;
  }

  #report(route: Route, key: string, code: string, message: string): void {
    const path = ['routes', this.#warned.origins.get(route) ?? 0, key];
    this.#warned.context.warnings.report(path, code, message);
  }
}

function joined(path: string, last: string): string {
  return path.endsWith('/') ? `${path}${last}` : `${path}/${last}`;
}

/** Hosts that only wider patterns match: other labels before each suffix, and a host of which nobody spoke. */
function widerHosts(host: string): readonly string[] {
  const labels = host.split('.');
  const suffixes = labels.slice(1).map((_, index) => `${other}.${labels.slice(index + 1).join('.')}`);
  return [...suffixes.filter((suffix) => suffix !== host), other];
}

/** Requests next to those of a route, which the route around it has. */
function neighbours({
  host,
  segments,
  pattern,
}: NestedRoute): readonly (readonly [string, readonly string[]])[] {
  const beside = segments.length === 0 ? [] : [segments.with(-1, other)];
  const around = pattern.rest ? [segments.slice(0, -1)] : [[...segments, other]];
  return [...beside, ...around].map((path) => [host, path] as const);
}
