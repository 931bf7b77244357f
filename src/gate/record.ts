/** The decision record of a visit: what is known of it, and how it ended. Written once, when it ends. */
import { type DecisionRecord, logDecision } from '../observe/decision.ts';
import { elapsed } from '../observe/stopwatch.ts';
import { clientAddress } from './client-address.ts';
import type { Visit } from './visit.ts';

/** How a visit ended. */
export type Ending = Pick<DecisionRecord, 'refusal' | 'status' | 'forwarded'>;

/** Logs the visit; whether it is sampled is for the caller to know. */
export function recordVisit(visit: Visit, { refusal, status, forwarded }: Ending): void {
  const { wire, decision, peer, trusted } = visit;
  const { policy, dependencies } = visit.standing;
  logDecision(dependencies.log, {
    requestId: visit.id,
    peer,
    client: trusted ? clientAddress(visit, policy).address : peer,
    method: wire.method,
    host: wire.host,
    path: wire.path,
    routeId: decision?.route?.id ?? null,
    principal: decision?.principal ?? null,
    subject: policy.log.subject,
    refusal,
    status,
    duration: elapsed() - visit.startedAt,
    forwarded,
    upstream: decision?.kind === 'forward' ? decision.match.route.upstream.name : null,
  });
}
