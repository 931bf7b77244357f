/** `routes`: who may do what. One entry of the file with several hosts or paths becomes one Route for each pair. */
import { isDeepStrictEqual } from 'node:util';
import { foldHeaderName } from '../../wire/fold-header-name.ts';
import { DANGEROUS_HEADERS } from '../../wire/reserved-headers.ts';
import type { PathPattern } from '../patterns.ts';
import type { Requirements, Route, UpstreamPolicy } from '../policy.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { Configuration } from '../schema/configuration.ts';
import type { RouteConfiguration } from '../schema/routes.ts';
import type { AcceptResolver } from './accept.ts';
import { checkChallengeLength } from './challenge-length.ts';
import { type CompileContext, reportUnknown } from './context.ts';
import { compileRequirements, NO_REQUIREMENTS, partsForCallers } from './requirements.ts';
import { compileRewrite } from './rewrite.ts';
import { checkMethods, compileIdentifiers, compilePlaces } from './route-matching.ts';

/** What routes refer to. */
export interface RouteSurroundings {
  readonly upstreams: ReadonlyMap<string, UpstreamPolicy>;
  readonly accept: AcceptResolver;
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
  readonly #route: RouteConfiguration;
  readonly #path: ConfigurationPath;
  readonly #world: RouteWorld;

  constructor(route: RouteConfiguration, index: number, world: RouteWorld) {
    this.#route = route;
    this.#path = ['routes', index];
    this.#world = world;
  }

  routes(id: string): readonly Route[] {
    const route = this.#route;
    const { context } = this.#world;
    checkMethods(route.methods, [...this.#path, 'methods'], context);
    this.#checkPublic();
    this.#checkConcealed();
    this.#checkWebSocket();
    const upstream = this.#upstream();
    const shared = this.#shared(id);
    const places = compilePlaces(route, this.#path, context);
    return places.map(({ host, pattern }): Route => {
      const require = this.#requirements(pattern);
      const rewrite = compileRewrite(route.rewrite, pattern, [...this.#path, 'rewrite'], context);
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
    const route = this.#route;
    const { configuration } = this.#world;
    return {
      id,
      methods: route.methods ?? null,
      auth: route.auth,
      accept: this.#accept(),
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
    const { accept, token_sources: tokenSources, auth } = this.#route;
    const resolver = this.#world.surroundings.accept;
    return auth === 'none' ? resolver.nobody : resolver.resolve({ accept, tokenSources, path: this.#path });
  }

  #requirements(pattern: PathPattern): Requirements {
    const { require, auth } = this.#route;
    const { context, configuration } = this.#world;
    if (auth === 'none') return NO_REQUIREMENTS;
    const path = [...this.#path, 'require'];
    const compiled = compileRequirements(require, { path, parameters: pattern.parameterNames }, context);
    const parts = auth === 'optional' ? partsForCallers(compiled) : [];
    if (parts.length > 0) {
      const message = `with auth: optional only "when" may be asked for, and ${parts.join(', ')} no anonymous caller has; write it as when: anonymous || ..., or auth: required`;
      context.problems.report(path, 'optional_requires', message);
    }
    checkChallengeLength(configuration.realm, compiled, path, context);
    return compiled;
  }

  #upstream(): UpstreamPolicy {
    const { context, surroundings, configuration } = this.#world;
    const name = this.#route.upstream ?? 'default';
    const upstream = surroundings.upstreams.get(name);
    if (upstream !== undefined) return upstream;
    // One that is written and wrong has been reported already.
    if (context.isWritten(['upstreams', name])) return STAND_IN;
    const known = [...configuration.upstreams.keys()];
    if (known.length === 0) {
      const message = 'there is no upstream to forward to; add e.g. upstream: http://127.0.0.1:3000';
      context.problems.report(this.#path, 'no_upstream', message);
    } else if (!context.isWritten([...this.#path, 'upstream'])) {
      const message = `names no upstream, and none is called "default"; write upstream: ${known.join(' or ')}`;
      context.problems.report(this.#path, 'unknown_upstream', message);
    } else {
      const message = `no upstream is called "${name}"`;
      const path = [...this.#path, 'upstream'];
      reportUnknown(context.problems, path, 'unknown_upstream', { message, name, known });
    }
    return STAND_IN;
  }

  #forwardHeaders(): ReadonlySet<string> {
    const { context } = this.#world;
    const folded = (this.#route.forward_headers ?? []).map(foldHeaderName);
    for (const [index, name] of folded.entries()) {
      if (DANGEROUS_HEADERS.has(name)) continue;
      const known = [...DANGEROUS_HEADERS].join(', ');
      const message = `${name} is none of the names that this key lets through (${known}); others pass anyway, or never`;
      context.problems.report([...this.#path, 'forward_headers', index], 'not_a_dangerous_header', message);
    }
    return new Set(folded);
  }

  /** What judges nobody must not look as if it did. What `defaults` asks does not come down to it. */
  #checkPublic(): void {
    if (this.#route.auth !== 'none') return;
    const { context } = this.#world;
    for (const key of ['accept', 'audience', 'require']) {
      const path = [...this.#path, key];
      if (!context.isWritten(path) || this.#isInherited(key)) continue;
      const message =
        'has no effect with auth: none, which judges nobody; remove it, or write auth: required';
      context.problems.report(path, 'public_route_requires', message);
    }
  }

  #isInherited(key: string): boolean {
    const { isWritten, problems } = this.#world.context;
    if (!isWritten(['defaults', key])) return false;
    return isDeepStrictEqual(
      problems.positionOf([...this.#path, key]),
      problems.positionOf(['defaults', key]),
    );
  }

  /** A concealed route must answer as if nothing were there, in every respect. */
  #checkConcealed(): void {
    const { on_forbidden, websocket, token_sources, auth } = this.#route;
    const { context, configuration } = this.#world;
    if (on_forbidden !== 404 || auth === 'none') return;
    const top = JSON.stringify(configuration.token_sources);
    const differing = [
      ...(websocket === true ? ['websocket'] : []),
      ...(token_sources != null && JSON.stringify(token_sources) !== top ? ['token_sources'] : []),
    ];
    for (const key of differing) {
      const message = `would tell this route from a path where nothing is, which on_forbidden: 404 promises to conceal; remove one of the two`;
      context.problems.report([...this.#path, key], 'concealed_route_differs', message);
    }
  }

  #checkWebSocket(): void {
    const { websocket, methods } = this.#route;
    if (websocket !== true || methods === undefined || methods.includes('GET')) return;
    const message =
      'has no effect: a WebSocket begins with GET (RFC 6455 section 4.1), which methods leaves out; add GET';
    this.#world.context.problems.report([...this.#path, 'websocket'], 'websocket_without_get', message);
  }
}
