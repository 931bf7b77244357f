/** `routes`: who may do what. One entry of the file with several hosts or paths becomes one Route for each pair. */
import { foldHeaderName } from '../../wire/fold-header-name.ts';
import { DANGEROUS_HEADERS } from '../../wire/reserved-headers.ts';
import type { PathPattern } from '../patterns.ts';
import type { CorsPolicy, ResourcePolicy, Route, UpstreamPolicy } from '../policy.ts';
import type { Requirements } from '../requirements.ts';
import type { Configuration } from '../schema/configuration.ts';
import type { RouteConfiguration } from '../schema/routes.ts';
import type { AcceptResolver } from './accept.ts';
import { checkChallengeLength } from './challenge-length.ts';
import { type CompileContext, reportUnknown } from './context.ts';
import type { CorsResolver } from './cors.ts';
import { compileRequirements, NO_REQUIREMENTS } from './requirements.ts';
import type { CompiledResources } from './resources.ts';
import { compileRewrite } from './rewrite.ts';
import {
  checkClaimsOfKeys,
  checkConcealed,
  checkConcealedCors,
  checkConcealedResource,
  checkOptional,
  checkPublic,
  checkWebSocket,
  type WrittenRoute,
} from './route-contradictions.ts';
import { checkMethods, compileIdentifiers, compilePlaces } from './route-matching.ts';

/** What routes refer to. */
export interface RouteSurroundings {
  readonly upstreams: ReadonlyMap<string, UpstreamPolicy>;
  readonly accept: AcceptResolver;
  readonly cors: CorsResolver;
  readonly resources: CompiledResources;
}

/** Compiled routes, and which entry of the file each came from. */
export interface CompiledRoutes {
  readonly routes: readonly Route[];
  readonly origins: ReadonlyMap<Route, number>;
}

/** Compiles the block in the order of the file; routes that are wrong are reported and left out. */
export function compileRoutes(
  configuration: Configuration,
  surroundings: RouteSurroundings,
  context: CompileContext,
): CompiledRoutes {
  const origins = new Map<Route, number>();
  const written = configuration.routes ?? [];
  const ids = compileIdentifiers(written, context);
  for (const [index, route] of written.entries()) {
    const compile = new RouteCompilation(route, index, { configuration, surroundings, context });
    for (const compiled of compile.routes(ids[index] ?? '')) origins.set(compiled, index);
  }
  return { routes: [...origins.keys()], origins };
}

/** In the place of an upstream that is missing, so that a route can be compared with others; never served. */
const STAND_IN: UpstreamPolicy = {
  name: '',
  targets: [],
  tls: { ca: null, cert: null, key: null, serverName: null, insecureSkipVerify: false },
  host: 'client',
  connectTimeout: 0,
  responseTimeout: 0,
  idleTimeout: 0,
  on401: 'pass',
  pathCase: 'sensitive',
};

interface RouteWorld {
  readonly configuration: Configuration;
  readonly surroundings: RouteSurroundings;
  readonly context: CompileContext;
}

/** One entry of the file. */
class RouteCompilation {
  readonly #written: WrittenRoute;
  readonly #world: RouteWorld;

  constructor(route: RouteConfiguration, index: number, world: RouteWorld) {
    this.#written = { route, path: ['routes', index] };
    this.#world = world;
  }

  routes(id: string): readonly Route[] {
    const { route } = this.#written;
    const { context, configuration } = this.#world;
    checkMethods(route.methods, [...this.#written.path, 'methods'], context);
    checkPublic(this.#written, context);
    checkConcealed(this.#written, configuration.token_sources, context);
    checkWebSocket(this.#written, context);
    const upstream = this.#upstream();
    const shared = this.#shared(id);
    const places = compilePlaces(route, this.#written.path, context);
    return places.map(({ host, pattern }): Route => {
      const require = this.#requirements(pattern, shared);
      const rewrite = compileRewrite(route.rewrite, pattern, [...this.#written.path, 'rewrite'], context);
      const responseTimeout = route.response_timeout ?? upstream.responseTimeout;
      const idleTimeout = route.idle_timeout ?? upstream.idleTimeout;
      return {
        ...shared,
        host,
        path: pattern.text,
        require,
        rewrite,
        upstream,
        responseTimeout,
        idleTimeout,
      };
    });
  }

  /** Everything that does not depend on the place. */
  #shared(id: string) {
    const route = this.#written.route;
    const { configuration } = this.#world;
    return {
      id,
      methods: route.methods ?? null,
      auth: route.auth,
      accept: this.#accept(),
      cors: this.#cors(),
      resource: this.#resource(),
      audience: route.audience ?? null,
      onForbidden: route.on_forbidden ?? 403,
      webSocket: route.websocket ?? false,
      closeAtExpiry: route.close_at_expiry ?? true,
      tolerate: [...new Set(route.tolerate)],
      forwardHeaders: this.#forwardHeaders(),
      bodyBytes: route.body_bytes ?? configuration.limits.body_bytes,
      idleTimeoutBindsStreams: route.idle_timeout !== undefined,
      forwardCredential: route.forward_credential ?? configuration.forward_credential,
    } as const;
  }

  #accept() {
    const { accept, token_sources: tokenSources, auth } = this.#written.route;
    const resolver = this.#world.surroundings.accept;
    return auth === 'none'
      ? resolver.nobody
      : resolver.resolve({ accept, tokenSources, path: this.#written.path });
  }

  #cors(): CorsPolicy | null {
    const { surroundings, context } = this.#world;
    const { cors: written } = this.#written.route;
    const cors = surroundings.cors.resolve(written, this.#written.path);
    checkConcealedCors(this.#written, cors === surroundings.cors.topLevel, context);
    return cors;
  }

  #resource(): ResourcePolicy | null {
    const { context, surroundings } = this.#world;
    const resource = surroundings.resources.resolve(this.#written.route, this.#written.path);
    checkConcealedResource(this.#written, resource === surroundings.resources.byDefault, context);
    return resource;
  }

  #requirements(pattern: PathPattern, shared: Pick<Route, 'accept' | 'resource'>): Requirements {
    const { require, auth } = this.#written.route;
    const { context, configuration } = this.#world;
    if (auth === 'none') return NO_REQUIREMENTS;
    const path = [...this.#written.path, 'require'];
    const compiled = compileRequirements(require, { path, parameters: pattern.parameterNames }, context);
    checkChallengeLength({ realm: configuration.realm, resource: shared.resource }, compiled, path, context);
    checkOptional(this.#written, compiled, context);
    checkClaimsOfKeys(this.#written, shared.accept, compiled, context);
    return compiled;
  }

  #upstream(): UpstreamPolicy {
    const { context, surroundings, configuration } = this.#world;
    const name = this.#written.route.upstream ?? 'default';
    const upstream = surroundings.upstreams.get(name);
    if (upstream !== undefined) return upstream;
    // One that is written and wrong has been reported already.
    if (context.isWritten(['upstreams', name]) || this.#isUpstreamMisspelt()) return STAND_IN;
    const known = [...configuration.upstreams.keys()];
    if (known.length === 0) {
      const message = 'there is no upstream to forward to; add e.g. upstream: http://127.0.0.1:3000';
      context.problems.report(this.#written.path, 'no_upstream', message);
    } else if (!context.isWritten([...this.#written.path, 'upstream'])) {
      const message = `names no upstream, and none is called "default"; write upstream: ${known.join(' or ')}`;
      context.problems.report(this.#written.path, 'unknown_upstream', message);
    } else {
      const message = `no upstream is called "${name}"`;
      const path = [...this.#written.path, 'upstream'];
      reportUnknown(context.problems, path, 'unknown_upstream', { message, name, known });
    }
    return STAND_IN;
  }

  #isUpstreamMisspelt(): boolean {
    const { isMisspelt } = this.#world.context;
    return [['upstream'], ['upstreams'], [...this.#written.path, 'upstream']].some(isMisspelt);
  }

  #forwardHeaders(): ReadonlySet<string> {
    const { context } = this.#world;
    const folded = (this.#written.route.forward_headers ?? []).map(foldHeaderName);
    for (const [index, name] of folded.entries()) {
      if (DANGEROUS_HEADERS.has(name)) continue;
      const known = [...DANGEROUS_HEADERS].join(', ');
      const message = `${name} is none of the names that this key lets through (${known}); others pass anyway, or never`;
      context.problems.report(
        [...this.#written.path, 'forward_headers', index],
        'not_a_dangerous_header',
        message,
      );
    }
    return new Set(folded);
  }
}
