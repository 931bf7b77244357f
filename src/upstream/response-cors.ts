/** On a route with a `cors` block the policy says which pages may read answers; what an upstream says of it is replaced. */
import type { CorsPolicy } from '../policy/policy.ts';
import { corsHeaders } from '../resource/cors.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/** Takes the upstream's own Access-Control-* out, since two values make browsers refuse (Fetch), and adds ours. */
export function shareWithOrigins(headers: string[], cors: CorsPolicy, wire: WireRequest): void {
  let kept = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (/^access-control-/i.test(name)) continue;
    headers[kept] = name;
    headers[kept + 1] = headers[i + 1] ?? '';
    kept += 2;
  }
  headers.length = kept;
  headers.push(...corsHeaders(cors, wire));
}
