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

/** An element of Forwarded (RFC 7239 section 4), its values without quotes; null for what it does not say. */
export interface ForwardedElement {
  readonly address: string | null;
  readonly proto: string | null;
  readonly host: string | null;
}

/** The elements of a Forwarded value, lines joined by commas, from the nearest on; 32 of them, as proxies are never more. */
export function forwardedElements(value: string): readonly ForwardedElement[] {
  const elements: ForwardedElement[] = [];
  for (const element of value.split(',').slice(-32).reverse()) {
    if (element.trim() === '') continue;
    const [, proto = null] = PROTO.exec(element) ?? [];
    const [, host = null] = HOST.exec(element) ?? [];
    elements.push({ address: addressIn(element, 'forwarded'), proto, host });
  }
  return elements;
}

/** Names of parameters have no case. */
const PROTO = /(?:^|;)[\t ]*proto="?([a-z]+)"?[\t ]*(?:;|$)/i;
const HOST = /(?:^|;)[\t ]*host="?([^",;\\]+)"?[\t ]*(?:;|$)/i;
