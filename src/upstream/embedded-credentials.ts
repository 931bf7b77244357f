/**
 * Credentials that share a field with other things: cookies, parameters of the query, offers of a WebSocket.
 * What any route of a policy reads there is cut before an upstream sees it, on every route, and nothing else is.
 */
import type { CredentialPlace } from '../credentials/credential.ts';
import type { Policy, Route } from '../policy/policy.ts';
import { cutParameters } from '../wire/query-credentials.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/** Names, by the kind of place, that some route of the policy reads a token from. */
export interface EmbeddedCredentials {
  readonly cookie: readonly string[];
  readonly query: readonly string[];
  readonly websocket_protocol: readonly string[];
}

/** What decides whether a credential stays where it is. */
export interface Carrying {
  readonly route: Route;
  /** Where the credential was that was judged; null without one. */
  readonly place: CredentialPlace | null;
}

const NOTHING: readonly string[] = Object.freeze([]);

/** Gathers the names over all routes, and over what no route matches. */
export function embeddedCredentials(policy: Pick<Policy, 'unmatched' | 'routes'>): EmbeddedCredentials {
  const names = {
    cookie: new Set<string>(),
    query: new Set<string>(),
    websocket_protocol: new Set<string>(),
  };
  for (const { accept } of [policy.unmatched, ...policy.routes]) {
    for (const source of accept.tokenSources) {
      if (source.in !== 'authorization' && source.in !== 'header') names[source.in].add(source.name);
    }
  }
  return {
    cookie: [...names.cookie],
    query: [...names.query],
    websocket_protocol: [...names.websocket_protocol],
  };
}

/**
 * The names to cut for one request. A forwarded credential is one that was judged: a cookie beside a token in
 * Authorization was not looked at, and an upstream might believe it.
 */
export function namesToCut(
  embedded: EmbeddedCredentials,
  kind: keyof EmbeddedCredentials,
  { route, place }: Carrying,
): readonly string[] {
  const names = embedded[kind];
  if (names.length === 0 || !route.forwardCredential) return names;
  if (route.auth === 'none') return NOTHING;
  if (place?.in !== kind) return names;
  const { tokenSources } = route.accept;
  return names.filter((name) => !tokenSources.some((source) => source.in === kind && source.name === name));
}

/** The query as the route's upstream gets it. */
export function forwardedQuery(
  embedded: EmbeddedCredentials,
  wire: Pick<WireRequest, 'query'>,
  carrying: Carrying,
): string {
  return cutParameters(wire.query, namesToCut(embedded, 'query', carrying));
}
