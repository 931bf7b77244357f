/** Keys of a route that contradict each other: what has no effect, refuses everybody, or gives away what is concealed. */
import { isDeepStrictEqual } from 'node:util';
import type { AcceptPolicy } from '../policy.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { Requirements } from '../requirements.ts';
import type { RouteConfiguration } from '../schema/routes.ts';
import type { TokenSourceConfiguration } from '../schema/token-sources.ts';
import type { CompileContext } from './context.ts';
import { partsForCallers } from './requirements.ts';

/** One entry of the file. */
export interface WrittenRoute {
  readonly route: RouteConfiguration;
  readonly path: ConfigurationPath;
}

/** What judges nobody must not look as if it did. What `defaults` says does not come down to it. */
export function checkPublic({ route, path }: WrittenRoute, context: CompileContext): void {
  if (route.auth !== 'none') return;
  for (const key of ['accept', 'audience', 'require', 'token_sources', 'on_forbidden', 'resource']) {
    const place = [...path, key];
    if (!context.isWritten(place) || isInherited(place, key, context)) continue;
    const message = 'has no effect with auth: none, which judges nobody; remove it, or write auth: required';
    context.problems.report(place, 'public_route_requires', message);
  }
}

function isInherited(
  place: ConfigurationPath,
  key: string,
  { isWritten, problems }: CompileContext,
): boolean {
  if (!isWritten(['defaults', key])) return false;
  return isDeepStrictEqual(problems.positionOf(place), problems.positionOf(['defaults', key]));
}

/** A concealed route must answer as if nothing were there, in every respect. */
export function checkConcealed(
  { route, path }: WrittenRoute,
  topLevel: readonly TokenSourceConfiguration[] | undefined,
  context: CompileContext,
): void {
  const { on_forbidden, websocket, token_sources, tolerate, auth } = route;
  if (on_forbidden !== 404 || auth === 'none') return;
  const hasOwnPlaces =
    token_sources !== undefined && token_sources !== null && !isDeepStrictEqual(token_sources, topLevel);
  const differing = [
    ...(websocket === true ? ['websocket'] : []),
    ...(hasOwnPlaces ? ['token_sources'] : []),
    // Paths where nothing is tolerate nothing, and say so (400) before they ask who is there.
    ...((tolerate?.length ?? 0) > 0 ? ['tolerate'] : []),
  ];
  for (const key of differing) reportDiffers([...path, key], context);
}

/** Who may read the answers of a concealed route, and who is told so, is whoever may where nothing is. */
export function checkConcealedCors(
  { route, path }: WrittenRoute,
  isAsTopLevel: boolean,
  context: CompileContext,
): void {
  if (isAsTopLevel || route.on_forbidden !== 404 || route.auth === 'none') return;
  reportDiffers([...path, 'cors'], context);
}

/** Challenges name the resource. */
export function checkConcealedResource(
  { route, path }: WrittenRoute,
  isAsTopLevel: boolean,
  context: CompileContext,
): void {
  if (isAsTopLevel || route.on_forbidden !== 404 || route.auth === 'none') return;
  reportDiffers([...path, 'resource'], context);
}

function reportDiffers(place: ConfigurationPath, { problems }: CompileContext): void {
  const message =
    'would tell this route from a path where nothing is, which on_forbidden: 404 promises to conceal; remove one of the two';
  problems.report(place, 'concealed_route_differs', message);
}

/** RFC 6455 section 4.1: the handshake is a GET. */
export function checkWebSocket({ route, path }: WrittenRoute, context: CompileContext): void {
  const { websocket, methods } = route;
  if (websocket !== true || methods === undefined || methods.includes('GET')) return;
  const message =
    'has no effect: a WebSocket begins with GET (RFC 6455 section 4.1), which methods leaves out; add GET';
  context.problems.report([...path, 'websocket'], 'websocket_without_get', message);
}

/** Anonymous callers have nothing that could be asked for but what `when` sees. */
export function checkOptional(
  { route, path }: WrittenRoute,
  require: Requirements,
  context: CompileContext,
): void {
  const parts = route.auth === 'optional' ? partsForCallers(require) : [];
  if (parts.length === 0) return;
  const message = `with auth: optional only "when" may be asked for, and ${parts.join(', ')} no anonymous caller has; write it as when: anonymous || ..., or auth: required`;
  context.problems.report([...path, 'require'], 'optional_requires', message);
}

/** Keys and users carry no claims, so that with these alone such a rule refuses everybody. */
export function checkClaimsOfKeys(
  { route, path }: WrittenRoute,
  accept: AcceptPolicy,
  require: Requirements,
  context: CompileContext,
): void {
  if (accept.issuers.length > 0 || accept.sources.length === 0) return;
  const needsClaim = require.claims.some(({ matchers }) =>
    matchers.some((matcher) => matcher.op !== 'exists' || matcher.value),
  );
  const asked: readonly (readonly [string, boolean])[] = [
    ['audience', route.audience !== undefined && route.audience !== null],
    ['require.claims', needsClaim],
    ['require.acr', require.acr.length > 0],
    ['require.max_age', require.maxAge !== Number.POSITIVE_INFINITY],
  ];
  const parts = asked.flatMap(([name, isAsked]) => (isAsked ? [name] : []));
  if (parts.length === 0) return;
  const message = `asks for ${parts.join(', ')}, which no API key and no user of a list has, and accepts these only; accept an issuer, or remove it`;
  context.problems.report(path, 'needs_issuer', message);
}
