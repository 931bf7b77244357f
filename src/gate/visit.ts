/** A visit: one request on its way through the gate, and what has been found out about it so far. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { requestId } from '../observe/request-id.ts';
import { elapsed } from '../observe/stopwatch.ts';
import type { Standing } from '../standing.ts';
import { peerOf } from '../wire/network-address.ts';
import type { WireRequest } from '../wire/wire-request.ts';
import type { Decision } from './decide.ts';

/** Where the answer goes: to a response of Node's, or to the bare socket of an upgrade. */
export type Carrier =
  | { readonly kind: 'http'; readonly response: ServerResponse }
  | { readonly kind: 'upgrade'; readonly socket: Duplex; readonly head: Buffer };

export interface Visit {
  readonly id: string;
  readonly standing: Standing;
  readonly request: IncomingMessage;
  readonly carrier: Carrier;
  readonly wire: WireRequest;
  /** Address of the peer of the connection; 'unix' on a unix socket. */
  readonly peer: string;
  /** The peer is one of `trusted_proxies`. */
  readonly trusted: boolean;
  /** Reading of the stopwatch when the header had come. */
  readonly startedAt: number;
  /** What the gate decided; null until it has. */
  decision: Decision | null;
}

/** Begins a visit under the standing of this moment. */
export function beginVisit(
  standing: Standing,
  request: IncomingMessage,
  wire: WireRequest,
  carrier: Carrier,
): Visit {
  const peer = peerOf(request.socket);
  const trusted = isTrusted(standing, peer);
  return {
    id: requestId(singleHeader(request, 'x-request-id'), trusted),
    standing,
    request,
    carrier,
    wire,
    peer,
    trusted,
    startedAt: elapsed(),
    decision: null,
  };
}

/** Whether a peer, as `peerOf` names it, is one of `trusted_proxies`. */
export function isTrusted({ policy }: Standing, peer: string): boolean {
  if (policy.trustedProxies.rules.length === 0) return false;
  return policy.trustedProxies.check(peer, peer.includes(':') ? 'ipv6' : 'ipv4');
}

/** Node joins repeated fields of this kind by a comma, which no request id contains. */
function singleHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
