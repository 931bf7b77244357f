/** Warns where browsers would be refused because the policy does not say what they call us. */
import type { Route } from '../policy.ts';
import type { WarnedPolicy } from '../warnings.ts';

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Warns of `ambient_without_origin`: a cookie or a password may be used for what needs a sign of its origin, and
 * only the one sign is left that not every browser gives.
 */
export function warnOfAmbient({ policy, origins, context }: WarnedPolicy): void {
  if (policy.publicUrl !== null || policy.csrfOrigins.size > 0) return;
  const found = policy.routes.find((route) => takesAmbient(route) && needsOrigin(route));
  if (found === undefined) return;
  const message =
    'takes a cookie or a password for more than GET, and browsers send Sec-Fetch-Site over https:// only and not with every WebSocket: others get 403; write public_url';
  context.warnings.report(['routes', origins.get(found) ?? 0], 'ambient_without_origin', message);
}

/** A route with `auth: none` accepts nobody. */
function takesAmbient({ accept }: Route): boolean {
  return accept.userLists.length > 0 || accept.tokenSources.some((source) => source.in === 'cookie');
}

function needsOrigin({ methods, webSocket }: Route): boolean {
  return webSocket || methods === null || methods.some((method) => !SAFE.has(method));
}
