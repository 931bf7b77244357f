/** Warns where an upstream gets credentials that no rule of the policy has judged. */
import type { WarnedPolicy } from '../warnings.ts';

const MESSAGE =
  'forwards credentials of clients without judging them: the upstream alone decides; with NTLM or Negotiate the login is bound to the client connection, so all users behind a load balancer that shares connections are served as that user, unless it is one of trusted_proxies; write forward_credential: false here, or judge them';

/** Warns of `unjudged_credential_forwarded`, once for each route with `auth: none` that keeps credentials. */
export function warnOfUnjudgedCredentials({ policy, origins, context }: WarnedPolicy): void {
  for (const route of policy.routes) {
    if (route.auth !== 'none' || !route.forwardCredential) continue;
    const path = ['routes', origins.get(route) ?? 0, 'forward_credential'];
    context.warnings.report(path, 'unjudged_credential_forwarded', MESSAGE);
  }
}
