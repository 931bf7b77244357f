/**
 * Forwards a request that the gate let through. What the policy forbids of a body is said before an
 * upstream hears of the request.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Upstreams } from '../upstream/dispatcher.ts';
import { Exchange } from '../upstream/exchange.ts';
import type { ForwardPlan } from '../upstream/forward-plan.ts';

/**
 * Sends the request to its route's upstream and the answer back, streaming both ways. Never throws; the
 * plan hears of the end.
 */
export function forward(
  upstreams: Upstreams,
  request: IncomingMessage,
  response: ServerResponse,
  plan: ForwardPlan,
): void {
  const { wire, route } = plan;
  if (wire.contentLength > route.bodyBytes) {
    plan.refused({ kind: 'content_too_large', reason: 'declared_length' });
    return;
  }
  new Exchange(upstreams, request, response, plan).start();
}
