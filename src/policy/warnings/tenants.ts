/** Warnings about tenants that are written as if they were names of one issuer. */
import type { WarnedPolicy } from '../warnings.ts';

/** Issuers of Microsoft Entra in all its clouds, of either version, with the tenant. */
const ENTRA =
  /^https:\/\/(?:login\.microsoftonline\.(?:com|us)|login\.partner\.microsoftonline\.cn|sts\.windows\.net|sts\.chinacloudapi\.cn)\/([^/]+)\//;

/**
 * Warns of `tenants_listed`: the issuers of an entry share their keys, so that a key which speaks for one tenant would
 * verify tokens of the other. Tenants that are declared as such are told apart.
 */
export function warnOfListedTenants({ policy, context }: WarnedPolicy): void {
  for (const { name, issuers, tenants } of policy.issuers) {
    if (tenants !== null) continue;
    const listed = new Set(issuers.map((issuer) => ENTRA.exec(issuer)?.[1]));
    listed.delete(undefined);
    if (listed.size < 2) continue;
    const message = `are of ${listed.size} tenants, whose keys this entry does not tell apart; write {tenant} in their place, and tenants`;
    context.warnings.report(['issuers', name, 'issuer'], 'tenants_listed', message);
  }
}
