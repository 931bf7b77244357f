/**
 * The authority of a request: a host name or address and a port (RFC 9110 section 7.2, RFC 3986 section
 * 3.2.2). Takes what names real hosts have; refuses userinfo, empty ports, percent-encoding and every
 * spelling of an address that somebody else might read as another one.
 */
import { isIPv4, isIPv6 } from 'node:net';

export interface Authority {
  /** As received. */
  readonly text: string;
  /** For matching: lower-case, without port and final dot; IPv6 in brackets, in the form of RFC 5952. */
  readonly host: string;
  /** -1 when none is given. */
  readonly port: number;
}

/** Reads `host[:port]`; null when it is none. The port is decimal, 1 to 65535. */
export function parseAuthority(text: string): Authority | null {
  const match = AUTHORITY.exec(text);
  if (match === null || text.length > LONGEST) return null;
  const [, name = '', digits] = match;
  const port = digits === undefined ? -1 : Number(digits);
  if (port === 0 || port > 65_535) return null;
  const host = name.startsWith('[') ? addressInBrackets(name) : registeredName(name);
  return host === null ? null : { text, host, port };
}

/**
 * Whether two authorities name the same host and port, where no port stands for `defaultPort`.
 */
export function sameAuthority(one: Authority, other: Authority, defaultPort: number): boolean {
  const portOf = (authority: Authority) => (authority.port === -1 ? defaultPort : authority.port);
  return one.host === other.host && portOf(one) === portOf(other);
}

// A name has at most 253 characters and a final dot, each label 63 (RFC 1035 section 2.3.4); `:65535` follows.
const AUTHORITY = /^((?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?$/;
const LONGEST = 253 + 1 + 6;
const NUMBER = /(?:^|\.)(?:[0-9]+|0[xX][0-9A-Fa-f]*)$/;
const UPPER = /[A-Z]/;

function registeredName(name: string): string | null {
  const dotless = name.endsWith('.') ? name.slice(0, -1) : name;
  if (dotless.length > 253) return null;
  // `127.1`, `2130706433`, `0x7f.1` and `010.0.0.1` are addresses to some readers and names to others.
  if (NUMBER.test(dotless)) return isIPv4(dotless) ? dotless : null;
  return UPPER.test(dotless) ? dotless.toLowerCase() : dotless;
}

function addressInBrackets(name: string): string | null {
  if (!isIPv6(name.slice(1, -1))) return null;
  return new URL(`http://${name}`).hostname;
}
