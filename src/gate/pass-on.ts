/** Lets a visit through: forwards it, or opens its tunnel, and records how that ended. */

import { logDecision } from '../observe/decision.ts';
import { elapsed } from '../observe/stopwatch.ts';
import { rewritePath } from '../policy/rewrite-path.ts';
import type { ExchangeOutcome, ForwardPlan } from '../upstream/forward-plan.ts';
import { forward } from './forward.ts';
import { refuse } from './refuse.ts';
import { tunnel } from './tunnel.ts';
import type { Visit } from './visit.ts';

/**
 * Hands the request to its route's upstream. The first moment at which an upstream may hear of it.
 * @param identity flat list of identity headers; null for anonymous callers
 */
export function passOn(visit: Visit, identity: readonly string[] | null): void {
  const { route, request, wire, carrier, standing } = visit;
  if (route === null) throw new Error('nothing is forwarded without a route');
  const { encrypted } = request.socket as { encrypted?: boolean };
  const plan: ForwardPlan = {
    wire,
    route,
    target: rewritePath(route, wire, visit.parameterNames, visit.parameters) + wire.query,
    identity,
    requestId: visit.id,
    peer: visit.peer,
    trusted: visit.trusted,
    encrypted: encrypted === true,
    credentialHeader: visit.credentialHeader,
    expiresAt: (visit.principal?.expiresAt ?? Number.POSITIVE_INFINITY) * 1000,
    refused: (refusal) => refuse(visit, refusal),
    done: (outcome) => record(visit, outcome),
  };
  if (carrier.kind === 'http') forward(standing.upstreams, request, carrier.response, plan);
  else tunnel(standing.upstreams, request, carrier, plan);
}

function record(visit: Visit, outcome: ExchangeOutcome): void {
  const { standing, wire, route } = visit;
  if (!standing.logsAllowed()) return;
  logDecision(standing.dependencies.log, {
    requestId: visit.id,
    peer: visit.peer,
    method: wire.method,
    host: wire.host,
    path: wire.path,
    routeId: route?.id ?? null,
    principal: visit.principal,
    refusal: null,
    status: outcome.status,
    duration: elapsed() - visit.startedAt,
    forwarded: { upstream: route?.upstream.name ?? '', outcome },
  });
}
