/**
 * `tenants`: writes the templates of an issuer entry out for each of its tenants, so that `iss` is still compared
 * exactly. Refuses templates that leave open whose tokens are meant, and never takes no list for any tenant.
 */
import { ENTRA_TENANT, fillTenant, TENANT_PLACEHOLDER } from '../../keys/tenant-template.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { IssuerConfiguration } from '../schema/issuers.ts';
import type { TenantPolicy } from '../sources.ts';
import { type CompileContext, hasProblem } from './context.ts';
import { checkDistinct, checkPlaceholders, checkTemplates, isTemplate } from './tenant-templates.ts';

/** What the templates of an entry come to; `issuers` is empty where any tenant will do. */
export interface WrittenOut {
  readonly issuers: readonly string[];
  readonly tenants: TenantPolicy | null;
}

/** Issuers of one entry, tenants times templates: all of them are held in memory, and compared at each load. */
const MOST_ISSUERS = 10_000;
const EXAMPLE = '72f988bf-86f1-41af-91ab-2d7cd011db47';

/** The `iss` values of an entry; null when they are wrong and reported, or not known yet. */
export function compileTenants(
  issuer: IssuerConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): WrittenOut | null {
  const names = issuer.issuer ?? [];
  if (!checkPlaceholders(names, path, context)) return null;
  if (!names.some(isTemplate)) {
    if (issuer.tenants === undefined) return { issuers: names, tenants: null };
    if (issuer.issuer === undefined) return null;
    const message = `has no effect: issuer has no ${TENANT_PLACEHOLDER}; write it where the tenant stands, or remove tenants`;
    context.problems.report([...path, 'tenants'], 'tenants_unused', message);
    return null;
  }
  if (!checkTemplates(issuer, names, path, context)) return null;
  const anyOf = compileList(issuer, path, context);
  return anyOf === undefined ? null : writeOut([...new Set(names)], anyOf, path, context);
}

/** The first issuer of an entry, of each of its tenants; null for any at all, empty when that is wrong or not known. */
export function firstIssuers({ issuer, tenants }: IssuerConfiguration): readonly string[] | null {
  const first = issuer?.[0];
  if (first === undefined) return [];
  if (!isTemplate(first)) return [first];
  if (tenants?.insecure_any === true) return null;
  return [...new Set(tenants?.any_of)].map((tenant) => fillTenant(first, tenant));
}

/**
 * The issuer whose metadata is an entry's own: the first, of its one tenant where it speaks for tenants. Null when it
 * speaks for several, so that none is; undefined when that is wrong or not known.
 */
export function ownIssuer(issuer: IssuerConfiguration): string | null | undefined {
  const [own, ...others] = firstIssuers(issuer) ?? [null];
  return others.length === 0 ? own : null;
}

/** The tenants; null for any at all, undefined when that is wrong or not known yet. */
function compileList(
  { tenants, preset }: IssuerConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): readonly string[] | null | undefined {
  const place = [...path, 'tenants'];
  if (tenants?.insecure_any === true) {
    if (tenants.any_of === undefined) return null;
    const message = 'any_of has no effect beside insecure_any: true; remove one of them';
    context.problems.report(place, 'tenants_contradict', message);
    return undefined;
  }
  const listed = [...new Set(tenants?.any_of)];
  if (listed.length === 0) {
    if (hasProblem(context, place) || context.isMisspelt(place)) return undefined;
    if (context.detached && context.isWritten(place)) return undefined;
    const message = `does not say of which tenants tokens are taken; write tenants with their ids, e.g. tenants: [${EXAMPLE}]`;
    context.problems.report(place, 'tenants_missing', message);
    return undefined;
  }
  return preset === 'entra' && !checkEntra(listed, place, context) ? undefined : listed;
}

/** In `iss` Microsoft Entra writes the id of a tenant, in lower case: never its domain, nor `common`. */
function checkEntra(listed: readonly string[], place: ConfigurationPath, context: CompileContext): boolean {
  const wrong = listed.find((tenant) => !ENTRA_TENANT.test(tenant));
  if (wrong === undefined) return true;
  const message = `must be ids, as Entra writes them in "iss", in lower case, e.g. ${EXAMPLE}; no token is of "${wrong}"`;
  context.problems.report(place, 'tenant_not_an_id', message);
  return false;
}

function writeOut(
  templates: readonly string[],
  anyOf: readonly string[] | null,
  path: ConfigurationPath,
  context: CompileContext,
): WrittenOut | null {
  if (anyOf === null) {
    return checkDistinct(templates, path, context) ? { issuers: [], tenants: { templates, anyOf } } : null;
  }
  if (templates.length * anyOf.length > MOST_ISSUERS) {
    const message = `are more than ${MOST_ISSUERS} issuers, ${templates.length} for each of ${anyOf.length} tenants; write them in several entries`;
    context.problems.report([...path, 'tenants'], 'too_many_tenants', message);
    return null;
  }
  const issuers = templates.flatMap((template) => anyOf.map((tenant) => fillTenant(template, tenant)));
  const seen = new Set<string>();
  const twice = issuers.find((issuer) => seen.size === seen.add(issuer).size);
  if (twice === undefined) return { issuers, tenants: { templates, anyOf } };
  const message = `makes ${twice} of two tenants, so that nobody could tell whose token it is; write two entries`;
  context.problems.report([...path, 'issuer'], 'tenants_ambiguous', message);
  return null;
}
