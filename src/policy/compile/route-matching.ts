/** What of a route decides which requests it gets, and how it is called: `host`, `path`, `methods`, `id`. */
import { type PathPattern, parseHostPattern, parsePathPattern } from '../patterns.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { RouteConfiguration } from '../schema/routes.ts';
import type { CompileContext } from './context.ts';
import { hasControlCharacters } from './grammar.ts';

/** One pair of a host and a path of a route. */
export interface CompiledPlace {
  /** As written, lower-case; null for every host. */
  readonly host: string | null;
  readonly pattern: PathPattern;
}

/** Every host with every path, in the order of the file. */
export function compilePlaces(
  route: RouteConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): readonly CompiledPlace[] {
  const hosts = compileHosts(route.host, [...path, 'host'], context);
  const patterns = (route.path ?? []).flatMap((text, index, all) => {
    if (isRepeated(text, index, all)) {
      reportRepeated([...path, 'path', index], 'duplicate_path', text, context);
      return [];
    }
    const pattern = parsePathPattern(text);
    if (pattern.ok) return [pattern.pattern];
    context.problems.report([...path, 'path', index], pattern.code, pattern.message);
    return [];
  });
  return hosts.flatMap((host) => patterns.map((pattern) => ({ host, pattern })));
}

function isRepeated(text: string, index: number, all: readonly string[]): boolean {
  return all.indexOf(text) !== index;
}

function reportRepeated(path: ConfigurationPath, code: string, text: string, context: CompileContext): void {
  context.problems.report(path, code, `${text} stands twice in this list; remove one`);
}

function compileHosts(
  written: readonly string[] | undefined,
  path: ConfigurationPath,
  context: CompileContext,
): readonly (string | null)[] {
  if (written === undefined) return [null];
  return written.flatMap((text, index) => {
    const known = written.map((each) => each.toLowerCase());
    if (isRepeated(text.toLowerCase(), index, known)) {
      reportRepeated([...path, index], 'duplicate_host', text, context);
      return [];
    }
    const host = parseHostPattern(text);
    if (!host.ok) {
      context.problems.report([...path, index], host.code, host.message);
      return [];
    }
    const { pattern } = host;
    if (pattern.kind === 'any') return [null];
    return [pattern.kind === 'exact' ? pattern.name : `*.${pattern.suffix}`];
  });
}

const COMMON_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Methods are case-sensitive (RFC 9110 section 9.1), so that a misspelt one would guard nothing. */
export function checkMethods(
  methods: readonly string[] | undefined,
  path: ConfigurationPath,
  context: CompileContext,
): void {
  for (const [index, method] of (methods ?? []).entries()) {
    const fault =
      methodFault(method) ??
      (methods?.indexOf(method) === index ? null : 'is in this list already; remove it');
    if (fault !== null) context.problems.report([...path, index], 'invalid_method', fault);
  }
}

function methodFault(method: string): string | null {
  const upper = method.toUpperCase();
  if (upper === 'TRACE' || upper === 'CONNECT') return `${upper} is answered 405 everywhere; remove it`;
  if (method === '*' || upper === 'ANY' || upper === 'ALL') return 'leave methods out for all methods';
  if (method !== upper && COMMON_METHODS.has(upper)) return `methods are told apart by case; write ${upper}`;
  return null;
}

/** The id of each route: as written, or made of methods, host and first path. Refuses one id for two routes. */
export function compileIdentifiers(
  routes: readonly RouteConfiguration[],
  context: CompileContext,
): readonly string[] {
  const ids = routes.map((route) => route.id ?? defaultIdentifier(route));
  const first = new Map<string, number>();
  for (const [index, id] of ids.entries()) {
    const path = ['routes', index, 'id'];
    if (hasControlCharacters(id)) {
      context.problems.report(path, 'invalid_text', 'must not hold control characters; remove them');
    }
    const other = first.get(id);
    if (other === undefined) first.set(id, index);
    else if (!haveEqualPlaces(routes[other], routes[index])) {
      const message = `"${id}" is the id of routes[${other}] already; write an id of its own`;
      context.problems.report(path, 'duplicate_id', message);
    }
  }
  return ids;
}

function defaultIdentifier(route: RouteConfiguration): string {
  const methods = route.methods === undefined ? '' : `${route.methods.join(',')} `;
  return `${methods}${route.host?.[0]?.toLowerCase() ?? ''}${route.path?.[0] ?? ''}`;
}

/** Two routes without ids for one place are reported as such, which tells more. */
function haveEqualPlaces(
  one: RouteConfiguration | undefined,
  other: RouteConfiguration | undefined,
): boolean {
  if (one?.id !== undefined || other?.id !== undefined) return false;
  const place = (route: RouteConfiguration | undefined) =>
    JSON.stringify([route?.host, route?.path, route?.methods]);
  return place(one) === place(other);
}
