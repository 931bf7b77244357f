/**
 * Tells the operator of answers that caches may give to others than the caller they were made for. Once for each
 * route of a policy: it is a matter of the upstream's configuration, not of one request. Changes no answer.
 */
import type { Log } from '../deps.ts';
import type { Route } from '../policy/policy.ts';

const told = new WeakSet<Route>();

/** Logs it the first time. */
export function warnOfSharedAnswer(log: Log, route: Route): void {
  if (told.has(route)) return;
  told.add(route);
  log.warn(
    { route: route.id },
    'the upstream lets shared caches give its answers to other callers (public, s-maxage or must-revalidate, RFC 9111 section 3.5); have it say private',
  );
}
