/** A visit: one request on its way through the gate, and what has been found out about it so far. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Principal } from '../credentials/credential.ts';
import { requestId } from '../observe/request-id.ts';
import { elapsed } from '../observe/stopwatch.ts';
import type { Route } from '../policy/policy.ts';
import type { Standing } from '../standing.ts';
import type { WireRequest } from '../wire/wire-request.ts';

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
  /** The route that was chosen; null before and where none is. */
  route: Route | null;
  /** Values of the route's parameters, parallel to its pattern's names. */
  parameters: readonly string[];
  parameterNames: readonly string[];
  /** Values under the other readings of a tolerated form; empty for nearly all. */
  otherParameters: readonly (readonly string[])[];
  /** Lower-case name of the header, other than Authorization, that carried the credential; else null. */
  credentialHeader: string | null;
  principal: Principal | null;
}

const NONE: readonly string[] = Object.freeze([]);
const NO_READINGS: readonly (readonly string[])[] = Object.freeze([]);

/** Begins a visit under the standing of this moment. */
export function beginVisit(
  standing: Standing,
  request: IncomingMessage,
  wire: WireRequest,
  carrier: Carrier,
): Visit {
  const peer = request.socket.remoteAddress ?? 'unix';
  const trusted = isTrusted(standing, peer, request.socket.remoteFamily);
  return {
    id: requestId(singleHeader(request, 'x-request-id'), trusted),
    standing,
    request,
    carrier,
    wire,
    peer,
    trusted,
    startedAt: elapsed(),
    route: null,
    parameters: NONE,
    parameterNames: NONE,
    otherParameters: NO_READINGS,
    credentialHeader: null,
    principal: null,
  };
}

function isTrusted(standing: Standing, peer: string, family: string | undefined): boolean {
  if (family === undefined || standing.policy.trustedProxies.rules.length === 0) return false;
  return standing.policy.trustedProxies.check(peer, family === 'IPv6' ? 'ipv6' : 'ipv4');
}

/** Node joins repeated fields of this kind by a comma, which no request id contains. */
function singleHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
