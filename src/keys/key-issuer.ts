/**
 * Keys that speak for some issuers only: Microsoft Entra lists the keys of all tenants in one set, and says of each in
 * a member `issuer` whose tokens it signs (`{tenantid}` for every tenant's). A key that says nothing of it, as almost
 * all do (RFC 7517 knows no such member), speaks for its whole set.
 */
import type { IssuerPolicy, TenantPolicy } from '../policy/sources.ts';
import type { VerificationKey } from './admit-key.ts';
import { MOST_TRIED } from './key-table.ts';
import { asTemplate, fillTenant, TENANT_PLACEHOLDER, tenantIn } from './tenant-template.ts';

/**
 * Whether a key has its place in the set of an entry. Of an entry with tenants it is asked for each token instead
 * (`keysForTenant`), so that its keys need not be fetched anew when a tenant is added.
 * @param keyIssuer as `VerificationKey.issuer`
 */
export function speaksForEntry(
  keyIssuer: string,
  { issuers, tenants }: Pick<IssuerPolicy, 'issuers' | 'tenants'>,
): boolean {
  if (tenants !== null) return true;
  const template = asTemplate(keyIssuer);
  if (!template.includes(TENANT_PLACEHOLDER)) return issuers.includes(keyIssuer);
  return issuers.some((issuer) => tenantIn(template, issuer) !== null);
}

/**
 * The keys that may verify a token of the tenant; for an entry without tenants any.
 * @param tenant of which the token is; null, as `tenants`, for an entry without
 * @param most how many of them, as `mostTriedOf`
 */
export function keysForTenant(
  keys: readonly VerificationKey[],
  tenant: string | null,
  tenants: TenantPolicy | null,
  most: number = MOST_TRIED,
): readonly VerificationKey[] {
  if (tenants === null) return keys.length > most ? keys.slice(0, most) : keys;
  // Of an entry with tenants every token is of one: without it no bound key is good.
  const speaking = keys.filter(
    ({ issuer }) =>
      issuer === null || (tenant !== null && speaksForTenant(issuer, tenant, tenants.templates)),
  );
  return speaking.slice(0, most);
}

/**
 * Whether a key may verify a token of the tenant: it speaks for the tenant under one of the entry's names, be it
 * another one than the token's, since keys carry the newer name of an issuer that has two.
 */
function speaksForTenant(keyIssuer: string, tenant: string, templates: readonly string[]): boolean {
  const named = fillTenant(asTemplate(keyIssuer), tenant);
  return templates.some((template) => fillTenant(template, tenant) === named);
}
