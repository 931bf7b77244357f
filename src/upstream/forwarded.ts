/**
 * Tells the upstream where a request came from: X-Forwarded-*, Forwarded (RFC 7239) and Via (RFC 9110
 * section 7.6.3). Believes what came before us from trusted peers only, and then only in the form that it
 * writes itself: a proxy that keeps one form passes the caller's own text in the other.
 */
import type { Policy } from '../policy/policy.ts';
import { listMembers } from '../wire/header-grammar.ts';
import type { ForwardPlan } from './forward-plan.ts';
import {
  asForwarded,
  asXForwarded,
  forwardedElement,
  isRfc7239Only,
  type ReceivedForwarded,
} from './forwarded-both.ts';

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

/** Longest chain of addresses that is carried on, in characters; of a longer one the nearest hops are. */
const LONGEST_CHAIN = 2048;

/** What of a policy decides here. */
export interface ForwardedRules {
  readonly forwarded: Policy['forwarded'];
  /** Whether an address is one of `trusted_proxies`. */
  trusts(address: string): boolean;
}

/**
 * Appends the fields to a flat header list.
 * @param received null when the peer is not trusted
 */
export function addForwarded(
  headers: string[],
  { forwarded: mode, trusts }: ForwardedRules,
  plan: ForwardPlan,
  received: ReceivedForwarded | null,
): void {
  if (mode === 'none') return;
  const peer = plainAddress(plan.peer);
  const before = received?.get('forwarded');
  if (mode === 'rfc7239') {
    const own = forwardedElement(peer, schemeOf(plan.encrypted), plan.wire.authority);
    headers.push('forwarded', append(before, own));
  } else {
    const told = mode === 'both' && received !== null ? asXForwarded(received, trusts) : received;
    const { chain, scheme, host } = addXForwarded(headers, plan, peer, told);
    if (mode === 'both' && isRfc7239Only(received)) {
      headers.push('forwarded', append(before, forwardedElement(peer, scheme, host)));
    } else if (mode === 'both') {
      const hops = peer === null ? [...listMembers(chain), 'unknown'] : listMembers(chain);
      headers.push(
        'forwarded',
        asForwarded({ hops, schemes: listMembers(scheme), hosts: listMembers(host) }),
      );
    }
  }
  headers.push('via', append(received?.get('via'), `${plan.wire.httpVersion} sallyport`));
}

/** @returns what was told; texts are empty for what was not */
function addXForwarded(
  headers: string[],
  plan: ForwardPlan,
  peer: string | null,
  received: ReceivedForwarded | null,
): { readonly chain: string; readonly scheme: string; readonly host: string } {
  const { wire, encrypted } = plan;
  const before = received?.get('x-forwarded-for');
  const chain = peer === null ? (before ?? '') : append(before, peer);
  if (chain !== '') headers.push('x-forwarded-for', chain);
  const scheme = schemesIn(received?.get('x-forwarded-proto')) ?? schemeOf(encrypted);
  headers.push('x-forwarded-proto', scheme);
  const told = received?.get('x-forwarded-host');
  const host = told !== undefined && isHosts(told) ? told : wire.authority;
  if (host !== '') headers.push('x-forwarded-host', host);
  const prefix = (received?.get('x-forwarded-prefix') ?? '') + strippedPrefix(plan);
  if (prefix !== '') headers.push('x-forwarded-prefix', prefix);
  if (received !== null) addUntouched(headers, received);
  return { chain, scheme, host };
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

/** Without a zone; null for a unix socket. */
function plainAddress(peer: string): string | null {
  if (peer === 'unix') return null;
  const zone = peer.indexOf('%');
  return zone < 0 ? peer : peer.slice(0, zone);
}

function schemeOf(encrypted: boolean): string {
  return encrypted ? 'https' : 'http';
}

/**
 * The schemes that a trusted peer told, in lower case; null when they are none. Proxies say `wss` and `ws` of a
 * WebSocket handshake (Traefik): servers ask whether it is `https`, and make `wss` of that by themselves.
 */
function schemesIn(text: string | undefined): string | null {
  if (text === undefined || !SCHEMES.test(text)) return null;
  return text.toLowerCase().replace(/ws(?=s?(?:,|$))/g, 'http');
}

const SCHEMES = /^(?:https?|wss?)(?:, ?(?:https?|wss?)){0,15}$/i;

function isHosts(text: string): boolean {
  return /^[A-Za-z0-9.:[\]_-]+(?:, ?[A-Za-z0-9.:[\]_-]+){0,15}$/.test(text);
}
