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

/**
 * Warns of `credential_unjudged`: the upstream alone judges what passes, and some logins hold for a connection, which
 * proxies before us share among their clients.
 */
export function warnOfUnjudgedCredentials({ policy, origins, context }: WarnedPolicy): void {
  for (const route of policy.routes) {
    if (route.auth !== 'none' || !route.forwardCredential) continue;
    const message =
      'forwards credentials that are not judged here. Logins by NTLM, Negotiate or Kerberos hold for a connection: each client connection gets one of its own to the upstream. A proxy before this gateway that shares its connections among clients must be in trusted_proxies; such logins then hold for one request';
    const path = ['routes', origins.get(route) ?? 0, 'forward_credential'];
    context.warnings.report(path, 'credential_unjudged', message);
  }
}
