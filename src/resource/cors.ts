/**
 * The CORS protocol (Fetch standard, section "HTTP CORS protocol"): which pages of other origins may read an
 * answer, ours or an upstream's. Says nothing about who may call: that is for the gate's doors.
 */
import type { CorsPolicy } from '../policy/policy.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/** What our own answers tell clients in header fields; a page can read no others unless they are named. */
const EXPOSED = 'WWW-Authenticate, DPoP-Nonce, Retry-After';

/** Whether a request asks for leave to make another one (Fetch, "CORS-preflight request"). It carries no credential. */
export function isPreflight(wire: WireRequest): boolean {
  return (
    wire.method === 'OPTIONS' &&
    wire.headerNames.includes('origin') &&
    wire.headerNames.includes('access-control-request-method')
  );
}

/** The fields that let pages of an allowed origin read an answer, as a flat list. `Vary` is always among them. */
export function corsHeaders(cors: CorsPolicy, wire: WireRequest): readonly string[] {
  const origin = allowedOrigin(cors, wire);
  if (origin === null) return ['Vary', 'Origin'];
  const exposed = cors.expose.length === 0 ? EXPOSED : `${EXPOSED}, ${cors.expose.join(', ')}`;
  return [
    'Access-Control-Allow-Origin',
    origin,
    ...(cors.credentials ? ['Access-Control-Allow-Credentials', 'true'] : []),
    'Access-Control-Expose-Headers',
    exposed,
    'Vary',
    'Origin',
  ];
}

/** The value of Access-Control-Allow-Origin, from the policy's list only; null when the origin is none of them. */
export function allowedOrigin(cors: CorsPolicy, wire: WireRequest): string | null {
  const index = wire.headerNames.indexOf('origin');
  if (index === -1 || wire.headerNames.indexOf('origin', index + 1) !== -1) return null;
  if (cors.origins === null) return '*';
  const origin = wire.rawHeaders[2 * index + 1] ?? '';
  return cors.origins.has(origin) ? origin : null;
}
