/**
 * The facts that a `when` may see, each made when it is asked for. Never among them: a credential, or a
 * header that the upstream is told by us and not by the caller.
 */
import { CREDENTIAL_FIELDS } from '../authorization/expression-language.ts';
import type { CredentialKindName, JsonObject, Principal } from '../credentials/credential.ts';
import type { AcceptPolicy, ExpressionInput, IdentityPolicy } from '../policy/policy.ts';
import { foldHeaderName } from '../wire/fold-header-name.ts';
import { isRemovedFromCallers } from '../wire/reserved-headers.ts';
import type { WireRequest } from '../wire/wire-request.ts';

const NO_CLAIMS: JsonObject = Object.freeze(Object.create(null));
/** Headers that replace the target or the method are for the upstream, never for a decision of ours. */
const NONE_FORWARDED: ReadonlySet<string> = new Set();
const NOTHING: readonly string[] = Object.freeze([]);

/** What an authorization may look at besides the caller. */
export interface AuthorizationContext {
  readonly wire: WireRequest;
  /** Names of the path parameters of the route's place, and parallel to them their values, decoded once. */
  readonly parameterNames: readonly string[];
  readonly parameters: readonly string[];
  /** Where credentials were looked for: `when` never sees these fields. */
  readonly accept: AcceptPolicy;
  /** Names that callers may not send: `when` never sees these either, or it would believe what anybody says. */
  readonly identity: Pick<IdentityPolicy, 'strip' | 'stripPrefixes'>;
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
      query: context.wire.query,
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
function visibleHeaders({ wire, accept, identity }: AuthorizationContext): readonly string[] {
  const headers: string[] = [];
  for (const [i, name] of wire.headerNames.entries()) {
    if (carriesCredential(name, accept) || isStripped(foldHeaderName(name), identity)) continue;
    headers.push(name, wire.rawHeaders[2 * i + 1] ?? '');
  }
  return headers;
}

function carriesCredential(name: string, accept: AcceptPolicy): boolean {
  if (CREDENTIAL_FIELDS.has(name) || accept.keyHeaders.includes(name)) return true;
  return accept.tokenSources.some((source) => source.in === 'header' && source.name === name);
}

function isStripped(folded: string, { strip, stripPrefixes }: AuthorizationContext['identity']): boolean {
  if (isRemovedFromCallers(folded, NONE_FORWARDED) || strip.has(folded)) return true;
  return stripPrefixes.some((prefix) => folded.startsWith(prefix));
}
