/** Lets a visit through: forwards it, or opens its tunnel, and records how that ended. */
import { rewritePath } from '../policy/rewrite-path.ts';
import { forwardedQuery } from '../upstream/embedded-credentials.ts';
import type { ExchangeOutcome, ForwardPlan } from '../upstream/forward-plan.ts';
import type { Decision } from './decide.ts';
import { forward } from './forward.ts';
import { recordVisit } from './record.ts';
import { refuse } from './refuse.ts';
import { warnOfSharedAnswer } from './shared-answers.ts';
import { tunnel } from './tunnel.ts';
import type { Visit } from './visit.ts';

/** Hands the request to its route's upstream: the first moment at which an upstream may hear of it. */
export function passOn(visit: Visit, decision: Extract<Decision, { kind: 'forward' }>): void {
  const { request, wire, carrier, standing } = visit;
  const { match, principal, identity, approach, place } = decision;
  const { route, parameterNames, parameters } = match;
  const { encrypted } = request.socket as { encrypted?: boolean };
  const plan: ForwardPlan = {
    wire,
    route,
    target:
      rewritePath(route, wire, parameterNames, parameters) +
      forwardedQuery(standing.upstreams.headerRules.embedded, wire, { route, place }),
    identity,
    requestId: visit.id,
    answerId: standing.policy.log.responseId ? visit.id : null,
    peer: visit.peer,
    trusted: visit.trusted,
    encrypted: encrypted === true,
    accept: approach.accept,
    place,
    vouchedBy: principal,
    expiresAt: (principal?.expiresAt ?? Number.POSITIVE_INFINITY) * 1000,
    leftToOthers: () => warnOfSharedAnswer(standing.dependencies.log, route),
    refused: (refusal) => refuse(visit, refusal),
    done: (outcome) => record(visit, outcome),
  };
  if (carrier.kind === 'http') forward(standing.upstreams, request, carrier.response, plan);
  else tunnel(standing.upstreams, request, carrier, plan);
}

function record(visit: Visit, outcome: ExchangeOutcome): void {
  if (!visit.standing.logsAllowed()) return;
  recordVisit(visit, { refusal: null, status: outcome.status, forwarded: outcome });
}
