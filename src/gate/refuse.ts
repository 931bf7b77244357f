/**
 * Says no: the only place, besides the writer for bytes without a request, that writes a refusal. It turns
 * the refusal into HTTP, writes it where the visit came from and records it.
 */
import type { Route } from '../policy/policy.ts';
import { negotiateFormat } from '../refusals/negotiate.ts';
import type { Refusal } from '../refusals/refusal.ts';
import { answerTo } from '../refusals/response.ts';
import { writeAnswer, writeAnswerToSocket } from '../refusals/write-answer.ts';
import { corsHeaders } from '../resource/cors.ts';
import { recordVisit } from './record.ts';
import type { Visit } from './visit.ts';

/** Writes the answer to a refusal and ends the visit. */
export function refuse(visit: Visit, refusal: Refusal): void {
  const { policy } = visit.standing;
  const { carrier, decision } = visit;
  // A visit that failed before anything was decided gets what a path gets where nothing is.
  const { accept, resource, cors } = decision?.approach ?? policy.unmatched;
  const answer = answerTo(refusal, {
    realm: policy.realm,
    challenges: accept.challenges,
    resourceMetadata: resource?.metadataUrl ?? null,
    scopes: resource?.scopeInChallenge === true ? scopesOf(decision?.route ?? null) : [],
    sharing: cors === null ? [] : corsHeaders(cors, visit.wire),
    format: negotiateFormat(visit.request.headers.accept, policy.errors.format),
    detail: policy.errors.detail,
    notFoundStatus: policy.unmatched.status,
    requestId: visit.id,
  });
  // Cut at the end of a drain, it gets none.
  const unanswered = visit.standing.upstreams.inFlight.stopped && visit.request.socket.destroyed;
  if (carrier.kind === 'http') writeAnswer(visit.request, carrier.response, answer);
  else writeAnswerToSocket(carrier.socket, answer);
  recordVisit(visit, { refusal, status: unanswered ? 0 : answer.status, forwarded: null });
}

/** A concealed route asks for nothing that an unmatched path would not ask for. */
function scopesOf(route: Route | null): readonly string[] {
  if (route === null || route.onForbidden === 404) return [];
  return [...new Set([...route.require.scopes, ...route.require.anyScope])];
}
