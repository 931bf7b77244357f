/**
 * The CORS protocol (Fetch standard, section "HTTP CORS protocol"): which pages of other origins may read an
 * answer, ours or an upstream's. Says nothing about who may call: that is for the gate's doors.
 */
import type { CorsPolicy } from '../policy/policy.ts';
import { isToken, onlyValue } from '../wire/header-grammar.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/** What our own answers tell clients in header fields; a page can read no others unless they are named. */
const EXPOSED = 'WWW-Authenticate, DPoP-Nonce, Retry-After, X-Request-Id';
const VARY: readonly string[] = Object.freeze(['Vary', 'Origin']);

/**
 * Whether a request asks for leave to make another one (Fetch, "CORS-preflight request"). It carries no credential.
 * What asks for no method that could be one is a request like any other, and is never repeated in an answer.
 */
export function isPreflight(wire: WireRequest): boolean {
  return wire.method === 'OPTIONS' && wire.headerNames.includes('origin') && requestedMethod(wire) !== null;
}

/** The method that a preflight asks for; null when it names none. */
export function requestedMethod(wire: WireRequest): string | null {
  const method = onlyValue(wire, 'access-control-request-method');
  return method !== null && isToken(method) ? method : null;
}

/** The fields that let pages of an allowed origin read an answer, as a flat list. `Vary` comes last, and always. */
export function corsHeaders(cors: CorsPolicy, wire: WireRequest): readonly string[] {
  const allowed = allowedHeaders(cors, wire);
  if (allowed.length === 0) return VARY;
  const exposed = cors.expose.length === 0 ? EXPOSED : `${EXPOSED}, ${cors.expose.join(', ')}`;
  return [...allowed, 'Access-Control-Expose-Headers', exposed, ...VARY];
}

/** That an origin is allowed, and with credentials if it is; empty when it is not. */
export function allowedHeaders(cors: CorsPolicy, wire: WireRequest): readonly string[] {
  const origin = allowedOrigin(cors, wire);
  if (origin === null) return [];
  const headers = ['Access-Control-Allow-Origin', origin];
  return cors.credentials ? [...headers, 'Access-Control-Allow-Credentials', 'true'] : headers;
}

/** The value of Access-Control-Allow-Origin, from the policy's list only; null when the origin is none of them. */
function allowedOrigin(cors: CorsPolicy, wire: WireRequest): string | null {
  const origin = onlyValue(wire, 'origin');
  if (origin === null) return null;
  if (cors.origins === null) return '*';
  return cors.origins.has(origin) ? origin : null;
}
