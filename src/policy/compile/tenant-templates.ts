/** Checks `{tenant}` in the issuers of an entry. Refuses whatever would leave open which tenant is meant. */
import { TENANT_PLACEHOLDER, templatesOverlap } from '../../keys/tenant-template.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { IssuerConfiguration } from '../schema/issuers.ts';
import type { CompileContext } from './context.ts';

/** Whether an issuer is written for tenants. */
export function isTemplate(issuer: string): boolean {
  return issuer.includes(TENANT_PLACEHOLDER);
}

/** One spelling, once: what else stands in braces is a slip, since no issuer has any (RFC 3986 section 2). */
export function checkPlaceholders(
  names: readonly string[],
  path: ConfigurationPath,
  context: CompileContext,
): boolean {
  const found = context.problems.count;
  for (const [index, name] of names.entries()) {
    const place = [...path, 'issuer', index];
    const [first, ...others] = name.match(/\{[^{}]*\}/g) ?? [];
    if (others.length > 0) {
      const message = `must have ${TENANT_PLACEHOLDER} once: more of them would leave open which part is the tenant`;
      context.problems.report(place, 'tenant_placeholder', message);
    } else if (first !== undefined && first !== TENANT_PLACEHOLDER) {
      const message = `has ${first}, which stands for nothing; write ${TENANT_PLACEHOLDER} for the tenants of this entry`;
      context.problems.report(place, 'tenant_placeholder', message);
    }
  }
  return context.problems.count === found;
}

/** What must be so whichever tenants there are. */
export function checkTemplates(
  issuer: IssuerConfiguration,
  names: readonly string[],
  path: ConfigurationPath,
  context: CompileContext,
): boolean {
  const found = context.problems.count;
  const plain = names.findIndex((name) => !isTemplate(name));
  if (plain !== -1) {
    // Keys that speak for single tenants could not be told apart for an issuer that is nobody's tenant.
    const message = `has no ${TENANT_PLACEHOLDER}, though another issuer of this entry has; write an entry of its own for it`;
    context.problems.report([...path, 'issuer', plain], 'tenants_mixed', message);
  }
  for (const key of ['discovery_url', 'jwks_uri', 'certificates_uri', 'key_uri'] as const) {
    if (issuer[key]?.includes(TENANT_PLACEHOLDER) !== true) continue;
    const message = `is one address for all tenants, without ${TENANT_PLACEHOLDER}; write that of all of them, e.g. https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration as discovery_url`;
    context.problems.report([...path, key], 'tenant_in_address', message);
  }
  // A trust domain is refused as such when it is none.
  if (issuer.profile === 'aws_alb') {
    const message = `says elsewhere than in "iss" whose a token is, where no tenant can be told; write the issuer without ${TENANT_PLACEHOLDER}`;
    context.problems.report([...path, 'profile'], 'tenants_contradict', message);
  }
  return context.problems.count === found;
}

/** An issuer that fits two templates would be of two tenants. */
export function checkDistinct(
  templates: readonly string[],
  path: ConfigurationPath,
  context: CompileContext,
): boolean {
  for (const [index, template] of templates.entries()) {
    const other = templates
      .slice(0, index)
      .find((each) => each !== template && templatesOverlap(each, template));
    if (other === undefined) continue;
    const message = `and ${other} can be one and the same issuer of two tenants; write two entries`;
    context.problems.report([...path, 'issuer', index], 'tenants_ambiguous', message);
    return false;
  }
  return true;
}
