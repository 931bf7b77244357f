/** The requests that show what a policy does, route by route, as lines to paste. */
import type { JsonValue } from '../credentials/credential.ts';
import type { Policy, Route, TokenSource } from '../policy/policy.ts';
import type { Demonstration } from './demonstrations.ts';
import { DEFAULT_LIFETIME, type TokenOrder, usualAlgorithm } from './token-order.ts';
import { putRequired, type TokenTerms } from './token-terms.ts';

/** Routes beyond this are not shown: the banner is to fit on a screen. */
const MOST_ROUTES = 12;
/** Who calls in the lines. */
const CALLER = 'alice';

/** What the lines are made from. */
export interface RouteDemonstrationOptions {
  /** Origin of the gateway. */
  readonly gateway: string;
  readonly policy: Policy;
  readonly issuers: readonly TokenTerms[];
  readonly mint: (order: TokenOrder) => Promise<string>;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The first routes of the policy, each with a token that satisfies what it requires. */
export async function routeDemonstrations(
  options: RouteDemonstrationOptions,
): Promise<readonly Demonstration[]> {
  const shown = options.policy.routes.slice(0, MOST_ROUTES);
  const lines = await Promise.all(shown.map((route) => demonstrate(route, options)));
  return [...refusalLine(options), ...lines];
}

/** The first route that asks who calls, without a credential. */
function refusalLine({ policy, gateway }: RouteDemonstrationOptions): readonly Demonstration[] {
  const route = policy.routes.find(({ auth }) => auth === 'required');
  if (route === undefined) return [];
  return [{ status: 401, title: `${route.id}: no credential`, command: requestLine(route, gateway) }];
}

async function demonstrate(route: Route, options: RouteDemonstrationOptions): Promise<Demonstration> {
  const terms = options.issuers.find(({ name }) => route.accept.issuers.includes(name));
  const source = terms && route.accept.tokenSources.find((place) => isFor(place, terms.name));
  if (route.auth === 'none' || terms === undefined || source === undefined) {
    const open = route.auth !== 'required';
    const title = open ? 'needs no credential' : `needs a credential of ${route.accept.sources.join(' or ')}`;
    const command = requestLine(route, options.gateway);
    return { status: open ? null : 401, title: `${route.id}: ${title}`, command };
  }
  const token = await options.mint(orderFor(route, terms, options.now));
  const when = route.require.when === null ? '' : '; `when` decides';
  return {
    status: null,
    title: `${route.id}: a token of ${terms.name} with what the route requires${when}`,
    command: requestLine(route, options.gateway, { source, token }),
  };
}

function isFor(source: TokenSource, issuer: string): boolean {
  return source.issuers === null || source.issuers.includes(issuer);
}

function orderFor({ require }: Route, terms: TokenTerms, now: number): TokenOrder {
  const seconds = Math.floor(now / 1000);
  const claims: Record<string, JsonValue> = {};
  putRequired(claims, require.claims, seconds);
  if (require.acr[0] !== undefined) claims.acr = require.acr[0];
  if (Number.isFinite(require.maxAge)) claims.auth_time = seconds;
  return {
    persona: { name: CALLER, describes: '', access: 'none', roles: [] },
    issuer: terms.name,
    scopes: [...require.scopes, ...require.anyScope.slice(0, 1)],
    roles: [...require.roles, ...require.anyRole.slice(0, 1)],
    claims,
    lifetime: DEFAULT_LIFETIME,
    algorithm: usualAlgorithm(terms),
    defects: [],
  };
}

interface Shown {
  readonly source: TokenSource;
  readonly token: string;
}

/** Works in sh, zsh, cmd and PowerShell alike. */
function requestLine(route: Route, gateway: string, shown?: Shown): string {
  const [method = 'GET'] = route.methods ?? [];
  const host = route.host === null ? [] : [`-H "Host: ${route.host.replace('*', 'a')}"`];
  const place = shown === undefined ? { query: '', headers: [] } : placeOf(shown);
  const parameters = [
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    ...host,
    ...place.headers.map((header) => `-H "${header}"`),
  ];
  return ['curl -i', `"${gateway}${pathOf(route.path)}${place.query}"`, ...parameters].join(' ');
}

function placeOf({ source, token }: Shown): { readonly query: string; readonly headers: readonly string[] } {
  switch (source.in) {
    case 'authorization':
      return { query: '', headers: [`Authorization: Bearer ${token}`] };
    case 'header':
      return { query: '', headers: [`${source.name}: ${token}`] };
    case 'cookie':
      return { query: '', headers: [`Cookie: ${source.name}=${token}`, 'Sec-Fetch-Site: none'] };
    case 'query':
      return { query: `?${encodeURIComponent(source.name)}=${token}`, headers: [] };
    case 'websocket_protocol':
      return { query: '', headers: [`Sec-WebSocket-Protocol: ${source.name}, ${token}`] };
  }
}

/** A path that the pattern matches: `1` for each parameter, and nothing for the rest. */
function pathOf(pattern: string): string {
  const path = pattern.replace(/\/(?:\*\*|\{[^}]*\.\.\.\})$/, '/').replaceAll(/\{[^}]*\}/g, '1');
  // What a shell or curl would read as its own.
  return path.replaceAll(/["$`\\\s[\]{}!%^&<>|]/g, (character) => encodeURIComponent(character));
}
