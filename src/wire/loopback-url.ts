/**
 * URLs that lead to this machine by the mere text of their host, so that nobody on the way can read or change what is
 * sent. Resolves no name. Pure.
 */

/** `localhost` and what lies below it (RFC 6761 section 6.3), 127.0.0.0/8 (RFC 1122 section 3.2.1.3) and ::1. */
const LOOPBACK = /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Whether the host is this machine by name or address. */
export function isLoopbackUrl({ hostname }: URL): boolean {
  return LOOPBACK.test(hostname);
}
