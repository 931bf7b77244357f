/**
 * Answers what is asked of us and not of an upstream: preflights and metadata documents. Neither needs a
 * credential, and neither says anything that the policy did not mean for everybody.
 */
import type { Answer } from '../refusals/answer.ts';
import { writeAnswer, writeAnswerToSocket } from '../refusals/write-answer.ts';
import { recordVisit } from './record.ts';
import type { Visit } from './visit.ts';

/** Writes an answer of ours that is no refusal, and ends the visit. */
export function answerVisit(visit: Visit, answer: Answer): void {
  const { carrier, standing } = visit;
  const named = { ...answer, headers: [...answer.headers, 'X-Request-Id', visit.id] };
  if (carrier.kind === 'http') writeAnswer(visit.request, carrier.response, named);
  else writeAnswerToSocket(carrier.socket, named);
  if (!standing.logsAllowed()) return;
  recordVisit(visit, { refusal: null, status: answer.status, forwarded: null });
}
