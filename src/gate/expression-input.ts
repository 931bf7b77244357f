/**
 * The facts that a `when` may see, each made when it is asked for. Never among them: a credential, or a
 * header that the upstream is told by us and not by the caller.
 */
import type { CredentialKindName, JsonObject, Principal } from '../credentials/credential.ts';
import type { ExpressionInput } from '../policy/requirements.ts';
import { nominatedBy } from '../wire/hop-by-hop.ts';
import type { WireRequest } from '../wire/wire-request.ts';

const NO_CLAIMS: JsonObject = Object.freeze(Object.create(null));
const NOTHING: readonly string[] = Object.freeze([]);

/** What an authorization may look at besides the caller. */
export interface AuthorizationContext {
  readonly wire: WireRequest;
  /** Names of the path parameters of the route's place, and parallel to them their values, decoded once. */
  readonly parameterNames: readonly string[];
  readonly parameters: readonly string[];
  /**
   * Whether a caller's header, by its lower-case name, passes as what it is: no credential, none that we set
   * or that replaces the target or the method. `when` sees no others, or it would believe what anybody says.
   */
  readonly isVisible: (name: string) => boolean;
  /** The query without the parameters that hold credentials. */
  readonly visibleQuery: (query: string) => string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** @param principal null for an anonymous caller: every fact about who they are is then empty */
export function expressionInput(principal: Principal | null, context: AuthorizationContext): ExpressionInput {
  return {
    anonymous: principal === null,
    source: principal?.source ?? '',
    kind: principal?.kind ?? ('' satisfies CredentialKindName | ''),
    subject: principal?.subject ?? '',
    issuer: principal?.issuer ?? '',
    client: principal?.client ?? '',
    scopes: principal?.scopes ?? NOTHING,
    roles: principal?.roles ?? NOTHING,
    claims: principal?.claims ?? NO_CLAIMS,
    get path() {
      return pathParameters(context);
    },
    request: {
      method: context.wire.method,
      host: context.wire.host,
      path: context.wire.path,
      get query() {
        return context.visibleQuery(context.wire.query);
      },
      get headers() {
        return visibleHeaders(context);
      },
    },
    now: context.now,
  };
}

function pathParameters({
  parameterNames,
  parameters,
}: AuthorizationContext): Readonly<Record<string, string>> {
  const path: Record<string, string> = Object.create(null);
  for (const [i, name] of parameterNames.entries()) path[name] = parameters[i] ?? '';
  return path;
}

/** Lower-case names and values in turn, repeated names repeated: of what is forwarded, as it is forwarded. */
function visibleHeaders({ wire, isVisible }: AuthorizationContext): readonly string[] {
  const headers: string[] = [];
  const nominated = nominatedBy(wire.headerNames, wire.rawHeaders);
  for (const [i, name] of wire.headerNames.entries()) {
    if (isVisible(name) && nominated?.has(name) !== true)
      headers.push(name, wire.rawHeaders[2 * i + 1] ?? '');
  }
  return headers;
}
