/**
 * Answers preflights (Fetch, "CORS-preflight request"): a browser asks, without any credential, whether a page
 * may make the request it has in mind. Whether that request may pass is not said here: it comes and is judged.
 */
import type { CorsPolicy } from '../policy/policy.ts';
import type { Answer } from '../refusals/answer.ts';
import type { Refusal } from '../refusals/refusal.ts';
import { isToken, onlyValue } from '../wire/header-grammar.ts';
import type { WireRequest } from '../wire/wire-request.ts';
import { allowedHeaders, requestedMethod } from './cors.ts';

const EMPTY = Buffer.alloc(0);
const ORIGIN_NOT_ALLOWED: Refusal = Object.freeze({ kind: 'forbidden', reason: 'origin_not_allowed' });
/** All that the answer depends on; of these only the origin makes one, but caches are told of what was asked. */
const VARY = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers';

/**
 * 204 with what the policy allows, or 403 for an origin that it does not name. The method that is asked for is
 * allowed as it is: naming those of the route would tell who asks what is there. The names of headers are
 * the policy's, whatever is asked for, and of those asked for the ones that begin as the policy says; `*` would not
 * cover Authorization.
 */
export function answerPreflight(cors: CorsPolicy, wire: WireRequest): Answer | Refusal {
  const allowed = allowedHeaders(cors, wire);
  const method = requestedMethod(wire);
  if (allowed.length === 0 || method === null) return ORIGIN_NOT_ALLOWED;
  const names = [...cors.headers, ...namesByPrefix(cors, wire)];
  const headers = [
    ...allowed,
    'Access-Control-Allow-Methods',
    method,
    ...(names.length === 0 ? [] : ['Access-Control-Allow-Headers', names.join(', ')]),
    'Access-Control-Max-Age',
    String(Math.floor(cors.maxAge / 1000)),
    'Vary',
    VARY,
  ];
  return { status: 204, headers, body: EMPTY, close: false };
}

/** Names that the page wants to send and that begin as the policy says; an entry that is no name is left out. */
function namesByPrefix({ headerPrefixes }: CorsPolicy, wire: WireRequest): readonly string[] {
  if (headerPrefixes.length === 0) return [];
  const asked = onlyValue(wire, 'access-control-request-headers') ?? '';
  const names = asked.split(',').map((name) => name.trim().toLowerCase());
  const covered = (name: string) =>
    headerPrefixes.some((prefix) => name.length > prefix.length && name.startsWith(prefix));
  return names.filter((name, at) => isToken(name) && covered(name) && names.indexOf(name) === at);
}
