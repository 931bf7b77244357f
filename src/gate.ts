/**
 * The gate: decides about each visit and carries that out. Three ways lead on from here, and no
 * fourth: the visit is refused, answered by us, or passed on to its route's upstream.
 */
import { answerVisit } from './gate/answer.ts';
import { type Decision, decide } from './gate/decide.ts';
import { passOn } from './gate/pass-on.ts';
import { refuse } from './gate/refuse.ts';
import { traceDecision } from './gate/trace.ts';
import type { Visit } from './gate/visit.ts';
import { internalFailure } from './observe/internal-failure.ts';
import type { Refusal } from './refusals/refusal.ts';
import type { Standing } from './standing.ts';
import type { ForwardPlan } from './upstream/forward-plan.ts';

/** Takes a visit whose bytes passed the wire guard to its end. Never throws; what fails inside refuses (503). */
export function passGate(visit: Visit): void {
  try {
    const decision = decide(visit.wire, visit.standing, visit);
    if (decision instanceof Promise) {
      decision.then((later) => carryOut(visit, later)).catch((error) => failed(visit, error));
    } else carryOut(visit, decision);
  } catch (error) {
    failed(visit, error);
  }
}

/**
 * Whether a stream that was let in would be let in now, to the same upstream. What cannot be told, because
 * keys cannot be had or too many passwords are judged, does not end a stream that was good. Nobody asked for it, so it
 * is nobody's failed credential.
 */
export async function stillAllowed(
  plan: Pick<ForwardPlan, 'wire' | 'route'>,
  standing: Standing,
): Promise<boolean> {
  const decision = await decide(plan.wire, standing);
  if (decision.kind === 'refuse') {
    return decision.refusal.kind === 'unavailable' || decision.refusal.kind === 'overloaded';
  }
  if (decision.kind === 'answer') return false;
  return decision.match.route.upstream.name === plan.route.upstream.name;
}

function carryOut(visit: Visit, decision: Decision): void {
  visit.decision = decision;
  if (visit.standing.policy.log.level === 'trace') traceDecision(visit, decision);
  switch (decision.kind) {
    case 'refuse':
      // Whoever showed who they are did not fail, whatever they may not.
      if (decision.principal === null) takeNote(visit, decision.refusal);
      return refuse(visit, decision.refusal);
    case 'answer':
      return answerVisit(visit, decision.answer);
    case 'forward':
      return passOn(visit, decision);
  }
}

function takeNote(visit: Visit, refusal: Refusal): void {
  const { failures, dependencies } = visit.standing;
  failures?.note(visit, refusal, dependencies.now());
}

function failed(visit: Visit, error: unknown): void {
  internalFailure(visit.standing.dependencies.log, visit.id, error);
  refuse(visit, { kind: 'unavailable', reason: 'internal_failure', retryAfter: 5 });
}
