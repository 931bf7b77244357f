/** On a route with a `cors` block the policy says which pages may read answers; what an upstream says of it is replaced. */
import type { CorsPolicy } from '../policy/policy.ts';
import { corsHeaders } from '../resource/cors.ts';
import { listHas } from '../wire/header-grammar.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/**
 * Takes the upstream's own Access-Control-* out, since two values make browsers refuse (Fetch), and adds ours.
 * Its `Vary` stays, and ours is left out where that says the same.
 */
export function shareWithOrigins(headers: string[], cors: CorsPolicy, wire: WireRequest): void {
  let kept = 0;
  let varies = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    if (OF_CORS.test(name)) continue;
    if (name.length === 4 && name.toLowerCase() === 'vary') varies ||= variesByOrigin(value);
    headers[kept] = name;
    headers[kept + 1] = value;
    kept += 2;
  }
  headers.length = kept;
  const ours = corsHeaders(cors, wire);
  // `Vary` is the last of ours.
  headers.push(...(varies ? ours.slice(0, -2) : ours));
}

function variesByOrigin(value: string): boolean {
  return listHas(value, 'origin') || listHas(value, '*');
}

const OF_CORS = /^access-control-/i;
