/**
 * Addresses of network nodes as proxies write them in X-Forwarded-For and Forwarded (RFC 7239 section 6), in one
 * spelling each. Takes no names, no `unknown` and no `_hidden`: those are nobody in particular.
 */
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';

/** `[2001:db8::1]:443`, with or without quotes, brackets, zone and port. */
const NODE = /^"?(?:\[([^\]"]*)\](?::\w+)?|([^[\]"]*))"?$/;

/** The address in an entry, IPv6 in lower case and compressed (RFC 5952), IPv4-mapped as IPv4; null when it has none. */
export function readAddress(entry: string): string | null {
  const [, inBrackets, bare = ''] = NODE.exec(entry.trim()) ?? [];
  const text = withoutZone(inBrackets ?? withoutPort(bare));
  const version = isIP(text);
  if (version === 0) return null;
  return version === 4 ? text : plainIpv6(text);
}

const MAPPED = '::ffff:';

/**
 * The peer address of a connection; `unix` without one. A dual-stack listener has IPv4 peers as IPv4-mapped addresses
 * (RFC 4291 section 2.5.5.2): they are written as IPv4, so that a peer has one spelling on all listeners.
 */
export function peerOf(socket: Duplex): string {
  const address = 'remoteAddress' in socket ? socket.remoteAddress : undefined;
  if (typeof address !== 'string') return 'unix';
  return address.startsWith(MAPPED) && address.includes('.') ? address.slice(MAPPED.length) : address;
}

/** The network that its callers choose addresses from as they like: the /64 of an IPv6 address (RFC 4291 section 2.5.1), an IPv4 address by itself. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  return `${groupsOf(address).slice(0, 4).join(':')}::/64`;
}

/** 127.0.0.0/8 and ::1, of an address that was read. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (address.startsWith('127.') && !address.includes(':'));
}

/** IPv4 only: a port after an IPv6 address without brackets cannot be told from the address. */
function withoutPort(text: string): string {
  const colon = text.indexOf(':');
  return colon >= 0 && colon === text.lastIndexOf(':') ? text.slice(0, colon) : text;
}

/** RFC 4007 section 11: a zone means something on one machine only. */
function withoutZone(text: string): string {
  const zone = text.indexOf('%');
  return zone < 0 ? text : text.slice(0, zone);
}

function plainIpv6(text: string): string {
  const compressed = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const groups = groupsOf(compressed);
  const isMapped = groups[5] === 'ffff' && groups.slice(0, 5).every((group) => group === '0');
  if (!isMapped) return compressed;
  const bytes = groups.slice(6).flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
  return bytes.join('.');
}

/** The eight groups of a compressed address. */
function groupsOf(address: string): readonly string[] {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  return [...before, ...new Array<string>(8 - before.length - after.length).fill('0'), ...after];
}
