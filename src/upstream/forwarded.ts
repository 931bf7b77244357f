/**
 * Tells the upstream where a request came from: X-Forwarded-*, Forwarded (RFC 7239) and Via (RFC 9110
 * section 7.6.3). Believes what came before us from trusted peers only, and then only in the form that it
 * writes itself: a proxy that keeps one form passes the caller's own text in the other.
 */
import type { Policy } from '../policy/policy.ts';
import type { ForwardPlan } from './forward-plan.ts';

/** Folded names of what this file writes, and of what others write in their place. */
export const FORWARDED_HEADERS: ReadonlySet<string> = new Set([
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-server',
  'x-forwarded-scheme',
  'x-forwarded-ssl',
  'x-forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-originating-ip',
  'x-remote-ip',
  'x-remote-addr',
  'x-host',
  'x-scheme',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'client-ip',
]);

/** What a trusted peer told, by lower-case name, lines joined by commas. */
export type ReceivedForwarded = ReadonlyMap<string, string>;

/** Longest chain of addresses that is carried on, in characters; of a longer one the nearest hops are. */
const LONGEST_CHAIN = 2048;

/**
 * Appends the fields to a flat header list.
 * @param received null when the peer is not trusted
 */
export function addForwarded(
  headers: string[],
  mode: Policy['forwarded'],
  plan: ForwardPlan,
  received: ReceivedForwarded | null,
): void {
  if (mode === 'none') return;
  const peer = plainAddress(plan.peer);
  if (mode !== 'rfc7239') addXForwarded(headers, plan, peer, received);
  if (mode !== 'x_forwarded') {
    headers.push('forwarded', append(received?.get('forwarded'), forwardedElement(plan, peer)));
  }
  headers.push('via', append(received?.get('via'), `${plan.wire.httpVersion} sallyport`));
}

function addXForwarded(
  headers: string[],
  plan: ForwardPlan,
  peer: string | null,
  received: ReceivedForwarded | null,
): void {
  const { wire, encrypted } = plan;
  const before = received?.get('x-forwarded-for');
  if (peer !== null) headers.push('x-forwarded-for', append(before, peer));
  else if (before !== undefined) headers.push('x-forwarded-for', before);
  const scheme = received?.get('x-forwarded-proto');
  headers.push('x-forwarded-proto', scheme !== undefined && isScheme(scheme) ? scheme : schemeOf(encrypted));
  const host = received?.get('x-forwarded-host');
  if (host !== undefined && isHosts(host)) headers.push('x-forwarded-host', host);
  else if (wire.authority !== '') headers.push('x-forwarded-host', wire.authority);
  const prefix = (received?.get('x-forwarded-prefix') ?? '') + strippedPrefix(plan);
  if (prefix !== '') headers.push('x-forwarded-prefix', prefix);
  if (received !== null) addUntouched(headers, received);
}

/** What we do not write ourselves is carried on from a trusted peer as it came. */
function addUntouched(headers: string[], received: ReceivedForwarded): void {
  for (const [name, value] of received) {
    if (!WRITTEN.has(name)) headers.push(name, value);
  }
}

const WRITTEN = new Set([
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-prefix',
]);

function append(before: string | undefined, own: string): string {
  if (before === undefined || before === '') return own;
  return `${nearestHops(before)}, ${own}`;
}

/** Hops nearest to us stand last, and they are the ones that somebody vouches for. */
function nearestHops(chain: string): string {
  if (chain.length <= LONGEST_CHAIN) return chain;
  const kept = chain.slice(-LONGEST_CHAIN);
  return kept.slice(kept.indexOf(',') + 1).trimStart();
}

/** The part of the path that `rewrite.strip_prefix` cuts off, for upstreams that make links. */
function strippedPrefix({ route, wire }: ForwardPlan): string {
  if (route.rewrite?.kind !== 'prefix' || route.rewrite.strip === 0) return '';
  let end = 0;
  for (let i = 0; i <= route.rewrite.strip; i += 1) {
    const slash = wire.path.indexOf('/', end);
    if (slash < 0) return wire.path;
    end = slash + 1;
  }
  return wire.path.slice(0, end - 1);
}

/** One element of RFC 7239 section 4: an IPv6 address and a port make a value that must be quoted. */
function forwardedElement({ wire, encrypted }: ForwardPlan, peer: string | null): string {
  const by = peer === null ? 'unknown' : peer.includes(':') ? `"[${peer}]"` : peer;
  const host = wire.authority === '' ? '' : `;host=${tokenOrQuoted(wire.authority)}`;
  return `for=${by};proto=${schemeOf(encrypted)}${host}`;
}

function tokenOrQuoted(text: string): string {
  return /^[A-Za-z0-9.-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Without the IPv4-mapped prefix of a listener for both families, and without a zone; null for a unix socket. */
function plainAddress(peer: string): string | null {
  if (peer === 'unix') return null;
  if (peer.startsWith('::ffff:') && peer.includes('.')) return peer.slice(7);
  const zone = peer.indexOf('%');
  return zone < 0 ? peer : peer.slice(0, zone);
}

function schemeOf(encrypted: boolean): string {
  return encrypted ? 'https' : 'http';
}

function isScheme(text: string): boolean {
  return /^https?(?:, ?https?){0,15}$/i.test(text);
}

function isHosts(text: string): boolean {
  return /^[A-Za-z0-9.:[\]_-]+(?:, ?[A-Za-z0-9.:[\]_-]+){0,15}$/.test(text);
}
