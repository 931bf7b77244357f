/**
 * Of which tenant a token is, where an issuer entry speaks for many: the one that its `iss` names, which is known from
 * the policy's templates alone. A claim never says it; a claim that says another one spoils the token.
 */
import type { JsonObject } from '../credentials/credential.ts';
import { ENTRA_TENANT, tenantIn } from '../keys/tenant-template.ts';
import type { TenantPolicy } from '../policy/sources.ts';
import { type ClaimFlaw, flaw, shorten } from './claim-flaw.ts';

/** The tenant that an `iss` names; null for one that is not of these templates, or of a tenant that is not listed. */
export type TenantFinder = (iss: string) => string | null;

/** Finds tenants of one entry. Of listed ones each issuer names one only: the policy is not served otherwise. */
export function createTenantFinder({ templates, anyOf }: TenantPolicy): TenantFinder {
  const listed = anyOf === null ? null : new Set(anyOf);
  return (iss) => {
    for (const template of templates) {
      const tenant = tenantIn(template, iss);
      if (tenant !== null && (listed === null || listed.has(tenant))) return tenant;
    }
    return null;
  };
}

/**
 * The claim `tid`, in which Microsoft Entra repeats the tenant: it must not contradict `iss`. Where any tenant will do
 * it must be an id, since applications that tell their tenants apart by it take it for one.
 * @param tenant of which the token is; null of none, whose `tid` is refused where the entry has tenants
 */
export function checkTenant(
  claims: JsonObject,
  tenant: string | null,
  tenants: TenantPolicy | null,
): ClaimFlaw | null {
  const { tid } = claims;
  if (tid === undefined || tenants === null) return null;
  if (typeof tid !== 'string' || tid !== tenant) {
    return flaw('tenant_mismatch', {
      expected: tenant ?? 'none',
      got: typeof tid === 'string' ? shorten(tid) : '',
    });
  }
  return tenants.anyOf === null && !ENTRA_TENANT.test(tid)
    ? flaw('tenant_malformed', { got: shorten(tid) })
    : null;
}
