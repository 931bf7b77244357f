/** Keeps WWW-Authenticate below what clients and proxies take: a list cut short would ask for the wrong thing. */

import type { ResourcePolicy } from '../policy.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { Requirements } from '../requirements.ts';
import type { CompileContext } from './context.ts';

/** Bytes of one challenge. */
const longestChallenge = 4096;

/** Scheme, error, error_description, max_age and the names of the other parameters, generously. */
const fixedPart = 320;

/** Reports requirements whose challenge would be 4 KiB or longer. */
export function checkChallengeLength(
  named: { readonly realm: string; readonly resource: ResourcePolicy | null },
  require: Requirements,
  path: ConfigurationPath,
  context: CompileContext,
): void {
  const scopes = [...require.scopes, ...require.anyScope].join(' ');
  const metadata = named.resource?.metadataUrl ?? '';
  const length =
    fixedPart + metadata.length + named.realm.length + scopes.length + require.acr.join(' ').length;
  if (length < longestChallenge) return;
  const message = `its challenge would have ${length} bytes, and 4095 are the limit; ask for fewer or shorter scopes`;
  context.problems.report(path, 'challenge_too_long', message);
}
