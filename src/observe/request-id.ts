/** Names each request, so that support finds the log line of an answer. */
import { randomUUID } from 'node:crypto';

const BELIEVABLE = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * The id of a request: the caller's own where it comes from a trusted proxy and is harmless, else a new one.
 * @param sent the X-Request-Id field's value, or undefined
 */
export function requestId(sent: string | undefined, trusted: boolean): string {
  return trusted && sent !== undefined && BELIEVABLE.test(sent) ? sent : randomUUID();
}
