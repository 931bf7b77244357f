/**
 * Says no: the only place, besides the writer for bytes without a request, that writes an answer of
 * ours. It turns the refusal into HTTP, writes it where the visit came from and records it.
 */
import { logDecision } from '../observe/decision.ts';
import { elapsed } from '../observe/stopwatch.ts';
import type { ChallengeScheme } from '../policy/policy.ts';
import { negotiateFormat } from '../refusals/negotiate.ts';
import type { Refusal } from '../refusals/refusal.ts';
import { answerTo } from '../refusals/response.ts';
import { writeAnswer, writeAnswerToSocket } from '../refusals/write-answer.ts';
import type { Visit } from './visit.ts';

/** Writes the answer to a refusal and ends the visit. */
export function refuse(visit: Visit, refusal: Refusal): void {
  const { policy, dependencies } = visit.standing;
  const { carrier } = visit;
  const answer = answerTo(refusal, {
    realm: policy.realm,
    challenges: offered(visit),
    format: negotiateFormat(visit.request.headers.accept, policy.errors.format),
    detail: policy.errors.detail,
    notFoundStatus: policy.unmatched.status,
    requestId: visit.id,
  });
  if (carrier.kind === 'http') writeAnswer(visit.request, carrier.response, answer);
  else writeAnswerToSocket(carrier.socket, answer);
  logDecision(dependencies.log, {
    requestId: visit.id,
    peer: visit.peer,
    method: visit.wire.method,
    host: visit.wire.host,
    path: visit.wire.path,
    routeId: visit.decision?.route?.id ?? null,
    principal: visit.decision?.principal ?? null,
    refusal,
    status: answer.status,
    duration: elapsed() - visit.startedAt,
    forwarded: null,
  });
}

/** A concealed route offers what an unmatched path would, so that the challenge tells nothing of it. */
function offered(visit: Visit): readonly ChallengeScheme[] {
  const route = visit.decision?.route;
  const { unmatched } = visit.standing.policy;
  if (!route || route.onForbidden === 404) return unmatched.accept.challenges;
  return route.accept.challenges;
}
