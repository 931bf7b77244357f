/**
 * Why a request counts as one without a credential: the same 401 for each, while the log can say what a client did
 * wrong. Looks at names and at what tokens begin with; no value is ever told.
 */
import { readsAuthorization } from '../credentials/reads-authorization.ts';
import type { AcceptPolicy, TokenSource } from '../policy/policy.ts';
import type { Unauthenticated } from '../refusals/refusal.ts';
import { isPreflight } from '../resource/cors.ts';
import type { Standing } from '../standing.ts';
import { parameterValues } from '../wire/query-credentials.ts';
import type { WireRequest } from '../wire/wire-request.ts';
import type { RouteMatch } from './match-route.ts';

/** Headers in which proxies and clients put credentials by custom. */
const CUSTOMARY: ReadonlySet<string> = new Set([
  'api-key',
  'apikey',
  'authorization',
  'cf-access-jwt-assertion',
  'proxy-authorization',
  'x-access-token',
  'x-amzn-oidc-accesstoken',
  'x-amzn-oidc-data',
  'x-api-key',
  'x-auth-token',
  'x-forwarded-access-token',
  'x-forwarded-id-token',
  'x-goog-iap-jwt-assertion',
  'x-id-token',
  'x-ms-token-aad-access-token',
]);
/** Parameters of a query likewise (RFC 6750 section 2.3). */
const CUSTOMARY_PARAMETERS = ['access_token', 'id_token', 'api_key', 'apikey'];

/** The beginning of a JWT, `{"` in base64url, alone, after a scheme, or as the value of a cookie or parameter. */
const TOKEN = /(?:^|[\s=,;&"])eyJ[\w-]{8,}\.[\w-]+\./;

/** What the gate knows of the request. */
interface Circumstances {
  readonly wire: WireRequest;
  readonly match: RouteMatch;
  readonly accept: AcceptPolicy;
  readonly headerRules: Standing['upstreams']['headerRules'];
}

/** The refusal of a request in which nothing was found where its route looks. */
export function absentCredential(asked: Circumstances): Unauthenticated {
  const { match, wire } = asked;
  if (match.kind === 'none') return absent('no_route');
  if (isPreflight(wire)) return absent('preflight_without_cors');
  if (match.kind === 'method') return absent('method_not_listed');
  const got = placeOfOther(asked);
  if (got === null) return absent('no_credential');
  const detail = { expected: placesOf(asked.accept).join(' | '), got };
  return { kind: 'unauthenticated', reason: 'credential_elsewhere', detail };
}

/** Where a route looks for credentials, in words for the log: headers by their names. */
export function placesOf(accept: AcceptPolicy): readonly string[] {
  const read = accept.tokenSources.map(placeOf);
  if (readsAuthorization(accept)) read.push('authorization');
  return [...new Set([...read, ...accept.keyHeaders.map((name) => `header ${name}`)])];
}

function placeOf(source: TokenSource): string {
  return source.in === 'header' ? `header ${source.name}` : source.in;
}

/** Where a credential seems to be that the route does not read; null if nowhere. */
function placeOfOther({ wire, headerRules }: Circumstances): string | null {
  const { headerNames, rawHeaders, query } = wire;
  for (const [i, name] of headerNames.entries()) {
    const value = rawHeaders[2 * i + 1] ?? '';
    if (value === '' || !holdsCredential(name, value, headerRules)) continue;
    return name === 'cookie' || name === 'authorization' ? name : `header ${name}`;
  }
  const names = [...headerRules.embedded.query, ...CUSTOMARY_PARAMETERS];
  const named = names.some((name) => parameterValues(query, name).some((value) => value !== ''));
  return named || TOKEN.test(query) ? 'query' : null;
}

/** A DPoP proof is none: it is a JWT that goes with one. */
function holdsCredential(name: string, value: string, rules: Circumstances['headerRules']): boolean {
  if (name === 'dpop') return false;
  if (CUSTOMARY.has(name)) return true;
  return (name !== 'cookie' && rules.treatmentOf(name) === 'credential') || TOKEN.test(value);
}

function absent(reason: string): Unauthenticated {
  return { kind: 'unauthenticated', reason };
}
