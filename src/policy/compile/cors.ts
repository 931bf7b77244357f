/**
 * `cors`: which pages may read answers, at the top level and on routes. What browsers would not take as it is
 * meant, such as `*` for Authorization, is refused here and not on somebody's page.
 */
import type { CorsPolicy } from '../policy.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { Configuration } from '../schema/configuration.ts';
import type { CorsConfiguration } from '../schema/cors.ts';
import type { CompileContext } from './context.ts';
import { compileOrigins } from './origins.ts';

/** Resolves the blocks of a file; equal ones are one object, so that what is concealed can be compared. */
export interface CorsResolver {
  /** Where no route is, and for every route that says nothing. */
  readonly topLevel: CorsPolicy | null;
  /** For a route, or what `defaults` says for it; `none` written there takes away that of the top level. */
  resolve(written: CorsConfiguration | null | undefined, path: ConfigurationPath): CorsPolicy | null;
}

/** @param configuration its own block is compiled at once */
export function createCorsResolver(configuration: Configuration, context: CompileContext): CorsResolver {
  const interned = new Map<string, CorsPolicy>();
  const compile = (written: CorsConfiguration, path: ConfigurationPath): CorsPolicy => {
    const policy = compileCors(written, path, context);
    const { origins, ...rest } = policy;
    const identity = JSON.stringify([origins === null ? null : [...origins].sort(), rest]);
    const known = interned.get(identity) ?? policy;
    interned.set(identity, known);
    return known;
  };
  const topLevel = configuration.cors == null ? null : compile(configuration.cors, ['cors']);
  return {
    topLevel,
    resolve(written, path) {
      const place = [...path, 'cors'];
      if (written != null) return compile(written, place);
      // What is written and is no block is `none`, or wrong and reported already.
      return context.isWritten(place) ? null : topLevel;
    },
  };
}

function compileCors(
  written: CorsConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): CorsPolicy {
  const { origins, credentials, max_age: maxAge } = written;
  const prefixes = written.headers.filter((name) => PREFIX.test(name));
  const headers = written.headers.map((name) => (PREFIX.test(name) ? null : name));
  const expose = written.expose;
  return {
    origins: allowedOrigins(origins ?? [], credentials, path, context),
    headers: names(headers, [...path, 'headers'], HEADERS_WILDCARD, context),
    headerPrefixes: [...new Set(prefixes.map((name) => name.slice(0, -1).toLowerCase()))],
    expose: names(expose, [...path, 'expose'], EXPOSE_WILDCARD, context),
    credentials,
    maxAge,
  };
}

/** The beginning of names, as `mcp-param-*`. */
const PREFIX = /^[^*]+\*$/;

const HEADERS_WILDCARD =
  '"*" never covers Authorization (Fetch, "CORS non-wildcard request-header name"), so that no token would come; write the names, e.g. [authorization, content-type], or how they begin, e.g. mcp-param-*';
const EXPOSE_WILDCARD =
  '"*" is a name like any other to pages that send credentials (Fetch), and no name may hold it; write the names, e.g. [ETag]';

/** Null for every origin. */
function allowedOrigins(
  written: readonly string[],
  credentials: boolean,
  path: ConfigurationPath,
  context: CompileContext,
): ReadonlySet<string> | null {
  const place = [...path, 'origins'];
  const wildcard = written.indexOf('*');
  if (wildcard === -1) return compileOrigins(written, place, context);
  if (written.length > 1) {
    const message = '"*" is every origin, so that it stands alone; remove it, or the others';
    context.problems.report([...place, wildcard], 'wildcard_beside_others', message);
  }
  if (credentials) {
    const message =
      'with credentials: true pages of every origin could act as whoever is logged in, and browsers refuse "*" then; name the origins, or remove credentials';
    context.problems.report([...place, wildcard], 'wildcard_with_credentials', message);
  }
  return null;
}

/** Header names, each once however it is spelt; null for entries that are none. */
function names(
  written: readonly (string | null)[],
  path: ConfigurationPath,
  wildcard: string,
  context: CompileContext,
): readonly string[] {
  for (const [index, name] of written.entries()) {
    if (name?.includes('*')) context.problems.report([...path, index], 'wildcard_header', wildcard);
  }
  const folded = written.map((name) => name?.toLowerCase());
  return written.filter((name, at) => name !== null && folded.indexOf(folded[at]) === at) as string[];
}
