/**
 * Answers preflights (Fetch, "CORS-preflight request"): a browser asks, without any credential, whether a page
 * may make the request it has in mind. Whether that request may pass is not said here: it comes and is judged.
 */
import type { CorsPolicy } from '../policy/policy.ts';
import type { Answer } from '../refusals/answer.ts';
import type { Refusal } from '../refusals/refusal.ts';
import type { WireRequest } from '../wire/wire-request.ts';
import { allowedOrigin, corsHeaders } from './cors.ts';

const EMPTY = Buffer.alloc(0);
const ORIGIN_NOT_ALLOWED: Refusal = Object.freeze({ kind: 'forbidden', reason: 'origin_not_allowed' });

/**
 * 204 with what the policy allows, or 403 for an origin that it does not name. The method that is asked for is
 * allowed as it is: naming those of the route would tell strangers what is there.
 */
export function answerPreflight(cors: CorsPolicy, wire: WireRequest): Answer | Refusal {
  if (allowedOrigin(cors, wire) === null) return ORIGIN_NOT_ALLOWED;
  const index = wire.headerNames.indexOf('access-control-request-method');
  const headers = [
    ...corsHeaders(cors, wire).slice(0, -2),
    'Access-Control-Allow-Methods',
    wire.rawHeaders[2 * index + 1] ?? '',
    'Access-Control-Allow-Headers',
    cors.headers.join(', '),
    'Access-Control-Max-Age',
    String(Math.floor(cors.maxAge / 1000)),
    'Vary',
    'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
  ];
  return { status: 204, headers, body: EMPTY, close: false };
}
