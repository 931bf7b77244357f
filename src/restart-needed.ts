/** Names what a reload cannot change: what is bound or fixed when the process starts. */
import type { Policy } from './policy/policy.ts';

/**
 * The keys whose new value takes effect only after a restart, as the configuration spells them; empty for most
 * reloads.
 * @param started the policy that the process started with
 */
export function restartNeeded(started: Policy, next: Policy): readonly string[] {
  const changed: string[] = [];
  if (differs(started.listen, next.listen)) changed.push('listen');
  if (differs(started.admin?.address, next.admin?.address)) changed.push('admin');
  if (started.log.format !== next.log.format) changed.push('log.format');
  // Node fixes its own bound, which lies just above the sum of these, when a listener is made.
  const bound = ({ limits }: Policy) => limits.headerBytes + limits.targetBytes;
  if (bound(next) > bound(started)) changed.push('limits.header_bytes');
  return changed;
}

function differs(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}
