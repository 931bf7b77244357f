/** From a checked configuration to the policy, block by block. Everything that is wrong is reported; nothing is repaired. */
import { foldHeaderName } from '../wire/fold-header-name.ts';
import { buildRouteTree } from './build-route-tree.ts';
import { checkCrossings } from './check-crossings.ts';
import { collectSources, createAcceptResolver } from './compile/accept.ts';
import { compileApiKeys } from './compile/api-keys.ts';
import { compileBasic } from './compile/basic.ts';
import { checkLimits, compileLimits, compileLog, compileTimeouts } from './compile/bounds.ts';
import { placeCacheFiles } from './compile/cache-files.ts';
import type { CompileContext } from './compile/context.ts';
import { createCorsResolver } from './compile/cors.ts';
import { compileIdentity } from './compile/identity.ts';
import { compileIssuers } from './compile/issuers.ts';
import { compileListeners } from './compile/listeners.ts';
import { compileOrigins } from './compile/origins.ts';
import { compileResources } from './compile/resources.ts';
import { compileRoutes } from './compile/routes.ts';
import { compileUpstreams } from './compile/upstreams.ts';
import type { Policy, Route } from './policy.ts';
import type { Configuration } from './schema/configuration.ts';
import type { ApiKeySetPolicy, IssuerPolicy } from './sources.ts';

export interface CompiledPolicy {
  /** Null when something is wrong. */
  readonly policy: Policy | null;
  /** Those that compiled, also when the policy did not. */
  readonly issuers: readonly IssuerPolicy[];
  /** Index in `routes` of the file for each route. */
  readonly origins: ReadonlyMap<Route, number>;
}

/**
 * Compiles a configuration.
 * @param files absolute names of everything that was read
 */
export function compilePolicy(
  configuration: Configuration,
  files: readonly string[],
  context: CompileContext,
): CompiledPolicy {
  const listeners = compileListeners(configuration, context);
  const own = listeners.admin === null ? listeners.listen : [...listeners.listen, listeners.admin.address];
  const upstreams = compileUpstreams(configuration, own, context);
  const issuers = placeCacheFiles(compileIssuers(configuration, context), files, context);
  const apiKeySets = compileApiKeys(configuration, context);
  const userLists = compileBasic(configuration, context);
  const sources = collectSources(configuration, { apiKeySets, userLists }, context);
  const accept = createAcceptResolver(configuration, sources, context);
  const identity = compileIdentity(configuration, carriersOf(configuration, apiKeySets), context);
  const cors = createCorsResolver(configuration, context);
  const csrfOrigins = compileOrigins(configuration.csrf?.origins ?? [], ['csrf', 'origins'], context);
  checkLimits(configuration, context);
  const timeouts = compileTimeouts(configuration, context);
  const resources = compileResources(configuration, listeners.publicUrl, context);
  const { routes, origins } = compileRoutes(configuration, { upstreams, accept, cors, resources }, context);
  checkCrossings(origins, context);
  const lost = {
    upstreams: configuration.upstreams.size - upstreams.size,
    issuers: configuration.issuers.size - issuers.length,
    routes: (configuration.routes?.length ?? 0) - new Set(origins.values()).size,
  };
  checkWhole(lost, context);
  if (context.problems.count > 0) return { policy: null, issuers, origins };
  const policy: Policy = {
    ...listeners,
    realm: configuration.realm,
    forwarded: configuration.forwarded,
    limits: compileLimits(configuration),
    timeouts,
    log: compileLog(configuration),
    upstreams,
    issuers,
    apiKeySets,
    userLists,
    csrfOrigins,
    resources: resources.all,
    identity,
    errors: { format: configuration.errors.format, detail: configuration.errors.detail },
    routes,
    tree: buildRouteTree(routes),
    unmatched: {
      accept: accept.everybody,
      cors: cors.topLevel,
      resource: resources.byDefault,
      status: configuration.unmatched.status,
    },
    files,
  };
  return { policy, issuers, origins };
}

/** Folded names of every header in which a credential may lie, on whatever route. */
function carriersOf(configuration: Configuration, sets: readonly ApiKeySetPolicy[]): ReadonlySet<string> {
  const places = [configuration, ...(configuration.routes ?? [])].flatMap(
    (block) => block.token_sources ?? [],
  );
  const tokenHeaders = places.flatMap((place) =>
    typeof place === 'string' || place.header === undefined ? [] : [place.header],
  );
  return new Set([...sets.map((set) => set.header), ...tokenHeaders].map(foldHeaderName));
}

/** A part that is left out without a report would be a rule silently gone: then nothing is served. */
function checkWhole(lost: Readonly<Record<string, number>>, context: CompileContext): void {
  if (context.detached || context.problems.count > 0) return;
  for (const [block, count] of Object.entries(lost)) {
    if (count === 0) continue;
    const message = `could not be compiled, for a reason that sallyport does not know; please report this`;
    context.problems.report([block], 'not_compiled', message);
  }
}
