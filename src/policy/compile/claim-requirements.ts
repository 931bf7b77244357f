/** Claims and what they must be: `issuers.*.require_claims` and `routes[].require.claims`. */
import { parseClaimPath } from '../../authorization/claim-path.ts';
import { compileMatchers } from '../../authorization/compile-matchers.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { ClaimRequirement } from '../requirements.ts';
import type { ClaimMatchersConfiguration } from '../schema/claim-matchers.ts';
import { type CompileContext, hasProblem } from './context.ts';

/** Compiles each claim; what is wrong is reported and left out. */
export function compileClaimRequirements(
  claims: ClaimMatchersConfiguration | undefined,
  path: ConfigurationPath,
  context: CompileContext,
): readonly ClaimRequirement[] {
  const requirements: ClaimRequirement[] = [];
  for (const [name, value] of claims ?? []) {
    const place = [...path, name];
    const claim = parseClaimPath(name);
    const compiled = compileMatchers(written(value));
    if (!claim.ok) context.problems.report(place, 'invalid_claim_name', claim.message);
    // What is left out of a matcher because it is wrong has been reported.
    if (!compiled.ok && !isReported(place, context))
      context.problems.report(place, 'invalid_matcher', compiled.message);
    if (claim.ok && compiled.ok) requirements.push({ name, path: claim.path, matchers: compiled.matchers });
  }
  return requirements;
}

/** Also where the claim came down from `defaults`. */
function isReported(place: ConfigurationPath, context: CompileContext): boolean {
  const [block, , ...rest] = place;
  return hasProblem(context, place) || (block === 'routes' && hasProblem(context, ['defaults', ...rest]));
}

/** Operators that are not given are `undefined` in a checked configuration. */
function written(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, operand]) => operand !== undefined));
}
