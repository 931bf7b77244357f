/** Reads an upstream's URL, and tells when it leads back to us. */
import { isIP } from 'node:net';
import type { ListenAddress, UpstreamTarget } from '../policy.ts';
import { parseListenAddress } from './listen-address.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/**
 * Reads `http://HOST[:PORT]`, `https://HOST[:PORT]` or `unix:/PATH`. Refuses credentials, a query, a fragment
 * and every path but `/`: what is forwarded is the canonical path alone, which `rewrite` may change.
 */
export function parseUpstreamTarget(text: string): Parsed<UpstreamTarget> {
  if (text.startsWith('unix:')) {
    const socket = parseListenAddress(text);
    if (!socket.ok) return socket;
    const socketPath = socket.value.kind === 'unix' ? socket.value.path : null;
    return parsed({ origin: 'http://localhost', authority: 'localhost', socketPath });
  }
  if (!/^https?:\/\//i.test(text)) {
    return unparsed('must be a URL: http://HOST:PORT, https://HOST or unix:/PATH');
  }
  if (!URL.canParse(text) || /[\s\\]/.test(text))
    return unparsed('is not a URL; write e.g. http://127.0.0.1:3000');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    return unparsed('must not hold a user name or password; write the URL without the part before "@"');
  }
  if (text.includes('?') || text.includes('#')) {
    return unparsed('must not hold a query or a fragment; the query of each request is forwarded as it came');
  }
  if (url.pathname !== '/') {
    return unparsed(
      `must not hold a path; write ${url.origin} here and "rewrite: {add_prefix: ${url.pathname}}" on the route`,
    );
  }
  return parsed({ origin: url.origin, authority: url.host, socketPath: null });
}

/**
 * True when a connection to `target` would reach `address` on this machine: a request would go round until
 * every connection is taken. Names other than `localhost` are not resolved.
 */
export function leadsTo(target: UpstreamTarget, address: ListenAddress): boolean {
  if (address.kind === 'unix' || target.socketPath !== null) {
    return address.kind === 'unix' && address.path === target.socketPath;
  }
  const url = new URL(target.origin);
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (port !== address.port) return false;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return reaches(host, address.host);
}

function reaches(host: string, listening: string): boolean {
  if (host === listening) return true;
  const target = loopbackFamilies(host);
  const here = loopbackFamilies(listening);
  return (target & here) !== 0;
}

/** Bit 1: IPv4 loopback, bit 2: IPv6 loopback, both for what may be either; 0 for other machines. */
function loopbackFamilies(host: string): number {
  if (host === '' || host === '::' || host === 'localhost' || host.endsWith('.localhost')) return 3;
  if (host === '0.0.0.0' || (isIP(host) === 4 && host.startsWith('127.'))) return 1;
  if (host === '::1') return 2;
  return /^::ffff:(?:127\.|7f[0-9a-f]{2}:)/.test(host) ? 1 : 0;
}
