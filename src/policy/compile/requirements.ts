/** `routes[].require`: what a caller must have. */

import type { ConfigurationPath } from '../problem.ts';
import type { Requirements } from '../requirements.ts';
import type { RequirementsConfiguration } from '../schema/routes.ts';
import { checkAskedScopes } from './asked-scopes.ts';
import { compileClaimRequirements } from './claim-requirements.ts';
import type { CompileContext } from './context.ts';
import { isScopeToken } from './grammar.ts';

/** Nothing beyond a good credential. */
export const NO_REQUIREMENTS: Requirements = {
  scopes: [],
  anyScope: [],
  roles: [],
  anyRole: [],
  claims: [],
  when: null,
  acr: [],
  maxAge: Number.POSITIVE_INFINITY,
};

/** What an expression may be asked about its place. */
export interface RequirementPlace {
  readonly path: ConfigurationPath;
  /** Parameters of the route's path. */
  readonly parameters: readonly string[];
}

/** Compiles the block; parts that are wrong are reported and left out. */
export function compileRequirements(
  require: RequirementsConfiguration | null | undefined,
  place: RequirementPlace,
  context: CompileContext,
): Requirements {
  if (require === null || require === undefined) return NO_REQUIREMENTS;
  for (const [index, acr] of (require.acr ?? []).entries()) {
    if (isScopeToken(acr)) continue;
    const message = `"${acr}" cannot stand in a challenge (RFC 9470 section 3); write it without spaces, quotes and backslashes`;
    context.problems.report([...place.path, 'acr', index], 'invalid_acr', message);
  }
  checkAskedScopes(require.scopes, [...place.path, 'scopes'], context);
  checkAskedScopes(require.any_scope, [...place.path, 'any_scope'], context);
  return {
    scopes: [...new Set(require.scopes)],
    anyScope: [...new Set(require.any_scope)],
    roles: [...new Set(require.roles)],
    anyRole: [...new Set(require.any_role)],
    claims: compileClaimRequirements(require.claims, [...place.path, 'claims'], context),
    when: compileWhen(require.when, place, context),
    acr: [...new Set(require.acr)],
    maxAge: require.max_age,
  };
}

function compileWhen(
  source: string | undefined,
  place: RequirementPlace,
  context: CompileContext,
): Requirements['when'] {
  if (source === undefined || context.compileExpression === null) return null;
  const compiled = context.compileExpression(source, { parameters: place.parameters });
  if (compiled.ok) return compiled.expression;
  const message = `${compiled.message}, at character ${compiled.offset + 1}`;
  context.problems.report([...place.path, 'when'], 'invalid_expression', message);
  return null;
}

/** Parts that ask for a good credential, so that an anonymous caller could never have them. */
export function partsForCallers(require: Requirements): readonly string[] {
  const parts: [string, boolean][] = [
    ['scopes', require.scopes.length > 0],
    ['any_scope', require.anyScope.length > 0],
    ['roles', require.roles.length > 0],
    ['any_role', require.anyRole.length > 0],
    ['claims', require.claims.length > 0],
    ['acr', require.acr.length > 0],
    ['max_age', require.maxAge !== Number.POSITIVE_INFINITY],
  ];
  return parts.flatMap(([name, isAsked]) => (isAsked ? [name] : []));
}
