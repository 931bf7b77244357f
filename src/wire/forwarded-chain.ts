/**
 * The hops that a request came through, as proxies wrote them down, beginning with the nearest one. Read from the
 * end, since that is where the proxy before us wrote: what a caller put in front cannot change how the end is read.
 */
import { readAddress } from './network-address.ts';
import type { WireRequest } from './wire-request.ts';

/** Fields that list hops. */
export type ChainField = 'x-forwarded-for' | 'forwarded';

/** `for` of an element (RFC 7239 section 4); its value holds no comma, so elements can be cut there. */
const FOR = /(?:^|;)[\t ]*for=("[^",;]*"|[^",;]*)[\t ]*(?:;|$)/i;

/** Yields the address of each entry, from the last one of the last line on; null for one that names no address. */
export function* hopsFromNearest(wire: WireRequest, field: ChainField): Generator<string | null> {
  for (let i = wire.headerNames.length - 1; i >= 0; i -= 1) {
    if (wire.headerNames[i] !== field) continue;
    const line = wire.rawHeaders[2 * i + 1] ?? '';
    for (let end = line.length; end >= 0; ) {
      const comma = end === 0 ? -1 : line.lastIndexOf(',', end - 1);
      const entry = line.slice(comma + 1, end);
      end = comma;
      // RFC 9110 section 5.6.1: empty elements of a list mean nothing.
      if (entry.trim() !== '') yield addressIn(entry, field);
    }
  }
}

function addressIn(entry: string, field: ChainField): string | null {
  if (field === 'x-forwarded-for') return readAddress(entry);
  const [, node] = FOR.exec(entry) ?? [];
  return node === undefined ? null : readAddress(node);
}
