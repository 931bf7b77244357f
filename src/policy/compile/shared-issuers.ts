/** Refuses entries of one issuer that no token could tell apart, whether it is written, written out, or fits a template. */
import { templatesOverlap, tenantIn } from '../../keys/tenant-template.ts';
import type { IssuerPolicy } from '../sources.ts';
import type { CompileContext } from './context.ts';

/** The token's `iss`, then `alg`, choose the one entry; so two entries of one issuer must differ in `alg`. */
export function checkSharedIssuers(issuers: readonly IssuerPolicy[], context: CompileContext): void {
  for (const [index, issuer] of issuers.entries()) {
    for (const other of issuers.slice(0, index)) {
      const both = issuer.algorithms.filter((algorithm) => other.algorithms.includes(algorithm));
      if (both.length === 0) continue;
      const shared = sharedIssuer(issuer, other);
      if (shared === undefined) continue;
      const message = `"${issuer.name}" and "${other.name}" are both ${shared} with ${both.join(', ')}: no token could tell them apart; write algorithms that differ, or one entry`;
      context.problems.report(['issuers', issuer.name, 'issuer'], 'issuer_shared', message);
    }
  }
}

/** An issuer that both are, or a template that fits some such; undefined when there is none. */
function sharedIssuer(one: IssuerPolicy, other: IssuerPolicy): string | undefined {
  const known = new Set(other.issuers);
  const listed = one.issuers.find((issuer) => known.has(issuer));
  if (listed !== undefined) return listed;
  const open = templatesOfAny(one);
  const otherOpen = templatesOfAny(other);
  return (
    other.issuers.find((issuer) => open.some((template) => tenantIn(template, issuer) !== null)) ??
    one.issuers.find((issuer) => otherOpen.some((template) => tenantIn(template, issuer) !== null)) ??
    open.find((template) => otherOpen.some((each) => templatesOverlap(each, template)))
  );
}

function templatesOfAny({ tenants }: IssuerPolicy): readonly string[] {
  return tenants !== null && tenants.anyOf === null ? tenants.templates : [];
}
