/**
 * Issuers of providers that speak for many tenants: `{tenant}` in a template stands for one of them. Compares code
 * point by code point; knows of no tenant that its caller does not name.
 */

/** Stands for the tenant, once in each template. */
export const TENANT_PLACEHOLDER = '{tenant}';

/** A tenant as it may stand in an issuer: an id or a domain. Nothing that could reach beyond its place in a URL. */
export const TENANT_PATTERN = /^[A-Za-z0-9][A-Za-z0-9.-]{0,127}$/;

/** An id as Microsoft Entra gives its tenants, in the one spelling that stands in `iss` and `tid`. */
export const ENTRA_TENANT = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The template of one tenant. */
export function fillTenant(template: string, tenant: string): string {
  // Split and join: a replacement text would have a grammar of its own.
  return template.split(TENANT_PLACEHOLDER).join(tenant);
}

/** The tenant that the issuer is the template's, whichever it is; null when it is not of this template. */
export function tenantIn(template: string, issuer: string): string | null {
  const { prefix, suffix } = partsOf(template);
  if (!issuer.startsWith(prefix) || !issuer.endsWith(suffix)) return null;
  // Where both ends overlap this is empty, and no tenant.
  const tenant = issuer.slice(prefix.length, issuer.length - suffix.length);
  return TENANT_PATTERN.test(tenant) ? tenant : null;
}

/** As a template of ours: Microsoft Entra writes `{tenantid}`, in metadata and on keys. */
export function asTemplate(text: string): string {
  return text.split('{tenantid}').join(TENANT_PLACEHOLDER);
}

/** Whether some issuer is of both templates, for whichever tenants. */
export function templatesOverlap(one: string, other: string): boolean {
  const [short, long] = byPrefix(partsOf(one), partsOf(other));
  if (!long.prefix.startsWith(short.prefix)) return false;
  const front = long.prefix.slice(short.prefix.length);
  if (long.suffix.endsWith(short.suffix)) {
    // The tenant of the shorter one holds that of the longer one, of which one letter will do.
    const back = long.suffix.slice(0, long.suffix.length - short.suffix.length);
    return TENANT_PATTERN.test(`${front}a${back}`);
  }
  if (!short.suffix.endsWith(long.suffix)) return false;
  return interlock(front, short.suffix.slice(0, short.suffix.length - long.suffix.length));
}

interface TemplateParts {
  readonly prefix: string;
  readonly suffix: string;
}

function partsOf(template: string): TemplateParts {
  const at = template.indexOf(TENANT_PLACEHOLDER);
  return { prefix: template.slice(0, at), suffix: template.slice(at + TENANT_PLACEHOLDER.length) };
}

function byPrefix(one: TemplateParts, other: TemplateParts): readonly [TemplateParts, TemplateParts] {
  return one.prefix.length <= other.prefix.length ? [one, other] : [other, one];
}

/** Whether there are tenants with `first + back === front + second`: each begins or ends with what the other lacks. */
function interlock(front: string, back: string): boolean {
  if (TENANT_PATTERN.test(`${front}a`) && TENANT_PATTERN.test(`a${back}`)) return true;
  for (let shared = 0; shared < Math.min(front.length, back.length); shared += 1) {
    if (!back.startsWith(front.slice(front.length - shared))) continue;
    const first = front.slice(0, front.length - shared);
    if (TENANT_PATTERN.test(first) && TENANT_PATTERN.test(back.slice(shared))) return true;
  }
  return false;
}
