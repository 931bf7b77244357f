/** Reads `HOST:PORT`, `:PORT` and `unix:/PATH`, where we listen. */
import { isIP } from 'node:net';
import { BARE_PORT, BARE_PORT_MESSAGE } from '../bare-port.ts';
import type { ListenAddress } from '../policy.ts';
import { isHostName } from './grammar.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/** Linux keeps a socket's path in 108 bytes, the last of which is NUL (unix(7)). */
const longestSocketPath = 107;

/**
 * Reads an address to listen on. `:PORT` gives the empty host, which is every interface of both families.
 * Port 0 lets the system choose. An IPv6 address stands in brackets. No message repeats a part of the text: where all of it came
 * from the environment, nobody would know the part for a secret.
 */
export function parseListenAddress(text: string): Parsed<ListenAddress> {
  if (text.startsWith('unix:')) return parseSocketPath(text.slice('unix:'.length));
  if (BARE_PORT.test(text)) return unparsed(BARE_PORT_MESSAGE);
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) {
    return unparsed('must be HOST:PORT, :PORT for all interfaces, or unix:/PATH (IPv6 as [::1]:8080)');
  }
  const [, bracketed, plain = '', digits] = match;
  const port = Number(digits);
  // Not the name of a host: a supervisor that hands over a descriptor is meant, which we do not take.
  if (plain.toLowerCase() === 'fd') {
    return unparsed('fd: does not name a descriptor here; write HOST:PORT, :PORT or unix:/PATH');
  }
  if (port > 65535) return unparsed(`port ${port} does not exist; write one from 0 to 65535`);
  if (bracketed !== undefined) {
    if (isIP(bracketed) !== 6)
      return unparsed(`what stands in brackets is not an IPv6 address; write e.g. [::1]:${port}`);
    return parsed({ kind: 'tcp', host: bracketed.toLowerCase(), port });
  }
  if (plain === '' || isIP(plain) === 4) return parsed({ kind: 'tcp', host: plain, port });
  // 127.1 or 0177.0.0.1 would be a name to us and an address to the resolver.
  if (/^[\d.]+$/.test(plain) || !isHostName(plain)) {
    return unparsed(`its host is neither a host name nor an IP address; write e.g. 127.0.0.1:${port}`);
  }
  return parsed({ kind: 'tcp', host: plain.toLowerCase(), port });
}

function parseSocketPath(path: string): Parsed<ListenAddress> {
  if (!path.startsWith('/') || path.includes('\0')) {
    return unparsed('a socket is unix: and an absolute path, e.g. unix:/run/sallyport.sock');
  }
  const length = Buffer.byteLength(path);
  if (length > longestSocketPath) {
    return unparsed(
      `the path of a socket may have ${longestSocketPath} bytes, this one has ${length}; shorten it`,
    );
  }
  return parsed({ kind: 'unix', path });
}
