/** What is allowed and yet deserves a look: the warnings of `check` that need the whole policy. Changes nothing. */
import type { CompileContext } from './compile/context.ts';
import type { Policy, Route } from './policy.ts';
import { warnOfAmbient } from './warnings/ambient.ts';
import { warnOfClaims } from './warnings/claims.ts';
import { warnOfCors } from './warnings/cors.ts';
import { warnOfInsecureSwitches } from './warnings/insecure-switches.ts';
import { warnOfMethods } from './warnings/methods.ts';
import { warnOfNesting } from './warnings/nesting.ts';
import { warnOfEmptyLists, warnOfNoEffect } from './warnings/no-effect.ts';
import { warnOfOverrides } from './warnings/overrides.ts';
import { warnOfProviders } from './warnings/providers.ts';
import { warnOfResources } from './warnings/resources.ts';
import { warnOfIssuerTwins, warnOfUnused } from './warnings/sources.ts';
import { warnOfListedTenants } from './warnings/tenants.ts';
import { warnOfTokenKinds } from './warnings/token-kinds.ts';
import { warnOfUnjudgedCredentials } from './warnings/unjudged-credentials.ts';

/** A policy and where its routes stand in the file. */
export interface WarnedPolicy {
  readonly policy: Policy;
  readonly origins: ReadonlyMap<Route, number>;
  readonly context: CompileContext;
}

/** Reports every warning; codes are stable. */
export function warnOfPolicy(
  policy: Policy,
  origins: ReadonlyMap<Route, number>,
  context: CompileContext,
): void {
  const warned = { policy, origins, context };
  warnOfInsecureSwitches(warned);
  warnOfNoEffect(warned);
  warnOfEmptyLists(warned);
  warnOfIssuerTwins(warned);
  warnOfListedTenants(warned);
  warnOfUnused(warned);
  warnOfProviders(warned);
  warnOfTokenKinds(warned);
  warnOfResources(warned);
  warnOfAmbient(warned);
  warnOfCors(warned);
  warnOfClaims(warned);
  warnOfMethods(warned);
  warnOfOverrides(warned);
  warnOfNesting(warned);
  warnOfUnjudgedCredentials(warned);
}
