/**
 * `forwarded: both`: X-Forwarded-* and Forwarded tell one and the same story. What came in one form only is said in the
 * other too; where both came, X-Forwarded-For decides which is believed, as it does for the address of the client.
 */
import { type ForwardedElement, forwardedElements } from '../wire/forwarded-chain.ts';
import { readAddress } from '../wire/network-address.ts';

/** What a trusted peer told, by lower-case name, lines joined by commas. */
export type ReceivedForwarded = ReadonlyMap<string, string>;

/** Hops of a story that is written anew; further ones are left out. */
const MOST_HOPS = 32;

/**
 * What a trusted peer told, in terms of X-Forwarded-*. Forwarded is read where there is no X-Forwarded-For: its chain,
 * and scheme and host of the element that is about the client, the nearest one that no trusted proxy is in.
 */
export function asXForwarded(
  received: ReceivedForwarded,
  trusts: (address: string) => boolean,
): ReceivedForwarded {
  const forwarded = received.get('forwarded');
  if (forwarded === undefined || received.has('x-forwarded-for')) return received;
  const elements = forwardedElements(forwarded);
  const chain = elements.map(({ address }) => address ?? 'unknown').reverse();
  const client = elements.find(({ address }) => address === null || !trusts(address)) ?? elements.at(-1);
  const told = new Map(received);
  if (chain.length > 0) told.set('x-forwarded-for', chain.join(', '));
  addMissing(told, 'x-forwarded-proto', client?.proto);
  addMissing(told, 'x-forwarded-host', client?.host);
  return told;
}

function addMissing(
  told: Map<string, string>,
  name: string,
  value: ForwardedElement['proto'] | undefined,
): void {
  if (typeof value === 'string' && !told.has(name)) told.set(name, value);
}

/** Whether Forwarded is all that came, so that it is appended to and nothing has to be written anew. */
export function isRfc7239Only(received: ReceivedForwarded | null): boolean {
  if (received?.has('forwarded') !== true) return false;
  return !X_FORWARDED.some((name) => received.has(name));
}

const X_FORWARDED = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'];

/** The values of X-Forwarded-*, each with its entries in order. */
export interface Told {
  readonly hops: readonly string[];
  readonly schemes: readonly string[];
  readonly hosts: readonly string[];
}

/**
 * The same as a Forwarded value. Readers take either the first or the last element for the client's: each entry of a
 * list stands at its place from the left, and the last one for all that follow; hosts stand at both ends only.
 */
export function asForwarded({ hops, schemes, hosts }: Told): string {
  const kept = hops.slice(-MOST_HOPS);
  const elements = kept.map((hop, i) => {
    const scheme = schemes[i] ?? schemes.at(-1) ?? '';
    const host = i === 0 ? hosts[0] : i === kept.length - 1 ? hosts.at(-1) : undefined;
    return forwardedElement(readAddress(hop), scheme, host ?? '');
  });
  return elements.join(', ');
}

/** One element of RFC 7239 section 4: an IPv6 address and a port make a value that must be quoted. */
export function forwardedElement(address: string | null, scheme: string, host: string): string {
  const node = address === null ? 'unknown' : address.includes(':') ? `"[${address}]"` : address;
  return `for=${node};proto=${scheme}${host === '' ? '' : `;host=${tokenOrQuoted(host)}`}`;
}

function tokenOrQuoted(text: string): string {
  return /^[A-Za-z0-9.-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}
