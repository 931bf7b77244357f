/**
 * Keeps web pages away from what listens on loopback. Any page that a browser shows can send requests to
 * 127.0.0.1, and by rebinding a name of its own to that address it can read the answers too.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * Why a request must not be answered, or null. Host has to be an IP literal or `localhost` (against DNS
 * rebinding), there must be no Origin, and Sec-Fetch-Site, which scripts cannot set, must not tell of a page.
 */
export function webPageRefusal(request: IncomingMessage): string | null {
  const { host, origin } = request.headers;
  const site = request.headers['sec-fetch-site'];
  if (host === undefined || !isLocalAuthority(host)) return 'Host must be an IP address or localhost';
  if (origin !== undefined) return 'requests of web pages are refused';
  if (site !== undefined && site !== 'none') return 'requests of web pages are refused';
  return null;
}

function isLocalAuthority(authority: string): boolean {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.]+))(?::\d{1,5})?$/i.exec(authority);
  if (match === null) return false;
  const [, bracketed, plain = ''] = match;
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  return plain.toLowerCase() === 'localhost' || isIP(plain) === 4;
}
