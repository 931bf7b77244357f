/** Judges the header of an upstream's final answer: what is passed on of it, or why nothing is. */
import type { Refusal } from '../refusals/refusal.ts';
import { badResponse } from './errors.ts';
import type { ForwardPlan } from './forward-plan.ts';
import { shareWithOrigins } from './response-cors.ts';
import { type ResponseHead, readResponseHead } from './response-headers.ts';
import { isLeftToOthers, protectFromCaches } from './response-privacy.ts';

export type JudgedAnswer = ResponseHead | { readonly ok: false; readonly refusal: Refusal };

/** @param raw names and values in turn, as bytes */
export function judgeAnswer(plan: ForwardPlan, status: number, raw: readonly Buffer[]): JudgedAnswer {
  const { route, wire } = plan;
  if (status === 401 && route.upstream.on401 === 'bad_gateway') {
    // Its challenge is for us, who spoke for the caller: the caller could do nothing with it.
    return { ok: false, refusal: { kind: 'bad_gateway', reason: 'upstream_unauthorized' } };
  }
  const head = readResponseHead(raw, status, wire.method);
  if (!head.ok) return { ok: false, refusal: badResponse(head.cause) };
  protectFromCaches(head.headers, plan);
  if (plan.place?.in === 'authorization' && isLeftToOthers(head.headers)) plan.leftToOthers();
  if (route.cors !== null) shareWithOrigins(head.headers, route.cors, wire);
  return head;
}
