/** Judges the header of an upstream's answer: what is passed on of it, or why nothing is. */
import type { Refusal } from '../refusals/refusal.ts';
import { badResponse } from './errors.ts';
import type { ForwardPlan } from './forward-plan.ts';
import { shareWithOrigins } from './response-cors.ts';
import { type ResponseHead, readResponseHead } from './response-headers.ts';
import { hasField, isLeftToOthers, protectFromCaches } from './response-privacy.ts';

/** Interim responses (1xx) that an upstream may send before its answer; they are not passed on. */
const INTERIM_RESPONSES = 16;

export type JudgedAnswer = ResponseHead | { readonly ok: false; readonly refusal: Refusal };

/**
 * Why nothing is waited for after an interim response, or null: it is below 100 and so no status, or 101 without having been
 * asked for, or there is no end of them. `100 Continue` comes as 102 (see head-repair.ts).
 * @param count how many there were, this one included
 */
export function flawOfInterim(status: number, count: number): Refusal | null {
  return status <= 101 || count > INTERIM_RESPONSES ? badResponse('interim_response') : null;
}

/**
 * A final answer.
 * @param raw names and values in turn, as bytes
 */
export function judgeAnswer(plan: ForwardPlan, status: number, raw: readonly Buffer[]): JudgedAnswer {
  const { route, wire } = plan;
  // No class of statuses (RFC 9110 section 15): everybody behind us would make something else of it.
  if (status > 599) return { ok: false, refusal: badResponse('status') };
  if (status === 401 && route.upstream.on401 === 'bad_gateway') {
    // Its challenge is for us, who spoke for the caller: the caller could do nothing with it.
    return { ok: false, refusal: { kind: 'bad_gateway', reason: 'upstream_unauthorized' } };
  }
  const head = readResponseHead(raw, status, wire.method);
  if (!head.ok) return { ok: false, refusal: badResponse(head.cause) };
  protectFromCaches(head.headers, plan);
  if (plan.place?.in === 'authorization' && isLeftToOthers(head.headers)) plan.leftToOthers();
  const { answerId } = plan;
  if (answerId !== null && !hasField(head.headers, 'x-request-id')) {
    head.headers.push('X-Request-Id', answerId);
  }
  if (route.cors !== null) shareWithOrigins(head.headers, route.cors, wire);
  return head;
}
