/** Judges the keys that a policy holds itself by the same rules as fetched ones, so that a useless set never starts. */
import { admitKeys } from '../keys/admit-key.ts';
import type { CompileContext } from './compile/context.ts';
import type { IssuerPolicy } from './sources.ts';

/**
 * Reports sets without one usable key, member by member, and warns of members that are left out of others.
 */
export async function checkStaticKeys(
  issuers: readonly IssuerPolicy[],
  context: CompileContext,
): Promise<void> {
  for (const { name, keys, algorithms } of issuers) {
    if (keys.from !== 'static') continue;
    const members = keys.document.keys;
    if (!Array.isArray(members)) continue;
    const admission = await admitKeys(members, algorithms);
    const list = admission.keys.length === 0 ? context.problems : context.warnings;
    for (const { index, reason } of admission.ignored) {
      const path = ['issuers', name, 'jwks', 'keys', index];
      list.report(path, 'unusable_key', `this key cannot verify tokens: ${words(reason)}`);
    }
    if (admission.keys.length > 0) continue;
    const message = `has no key that could verify a token with ${algorithms.join(', ')}; write the public keys of the issuer`;
    context.problems.report(['issuers', name, 'jwks'], 'no_usable_key', message);
  }
}

/** Reasons are stable words for logs; here a person reads them. */
function words(reason: string): string {
  return reason.replaceAll('_', ' ');
}
