/** Scopes that clients are told to ask for, in challenges and in metadata: refuses the one that is none of an API's. */
import type { ConfigurationPath } from '../problem.ts';
import type { CompileContext } from './context.ts';

/**
 * Reports `offline_access`: with it a client asks its issuer for a refresh token (OpenID Connect Core section 11),
 * which is between those two. An API that asked for it would make every client hold long-lived tokens.
 */
export function checkAskedScopes(
  scopes: readonly string[] | undefined,
  path: ConfigurationPath,
  context: CompileContext,
): void {
  const index = scopes?.indexOf('offline_access') ?? -1;
  if (index === -1) return;
  const message =
    '"offline_access" asks an issuer for a refresh token and is no scope of an API (OpenID Connect Core section 11); remove it';
  context.problems.report([...path, index], 'offline_access', message);
}
