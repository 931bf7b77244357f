/**
 * Which address a visitor comes from: that of the connection, or the one that trusted proxies name. Believes the
 * nearest address that is not a trusted proxy's, and none behind it: that one was free to write what it liked.
 */
import type { Policy } from '../policy/policy.ts';
import { type ChainField, hopsFromNearest } from '../wire/forwarded-chain.ts';
import { readAddress } from '../wire/network-address.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/** Whoever sent a request. */
export interface Visitor {
  readonly wire: WireRequest;
  /** Address of the peer of the connection; 'unix' on a unix socket. */
  readonly peer: string;
  /** The peer is one of `trusted_proxies`. */
  readonly trusted: boolean;
}

/** Where a visitor comes from. */
export interface ClientAddress {
  /** In one spelling for each address; 'unix' for a unix socket. */
  readonly address: string;
  /** A proxy that did not say for whom it speaks. */
  readonly isProxy: boolean;
}

/** More proxies in a row than anybody has. */
const MOST_HOPS = 32;

/** Finds the client. `forwarded: none` believes no field, as the upstream hears of none. */
export function clientAddress(visitor: Visitor, policy: Policy): ClientAddress {
  const { peer, trusted, wire } = visitor;
  const named = trusted ? namedClient(wire, policy) : null;
  if (named !== null) return { address: named, isProxy: false };
  return { address: readAddress(peer) ?? peer, isProxy: trusted || peer === 'unix' };
}

const FIELDS: Readonly<Record<Policy['forwarded'], readonly ChainField[]>> = {
  x_forwarded: ['x-forwarded-for'],
  rfc7239: ['forwarded'],
  both: ['x-forwarded-for', 'forwarded'],
  none: [],
};

function namedClient(wire: WireRequest, policy: Policy): string | null {
  const field = FIELDS[policy.forwarded].find((name) => wire.headerNames.includes(name));
  if (field === undefined) return null;
  let furthest: string | null = null;
  let hops = 0;
  for (const address of hopsFromNearest(wire, field)) {
    hops += 1;
    if (address === null || hops > MOST_HOPS) return null;
    furthest = address;
    if (!policy.trustedProxies.check(address, address.includes(':') ? 'ipv6' : 'ipv4')) return address;
  }
  return furthest;
}
