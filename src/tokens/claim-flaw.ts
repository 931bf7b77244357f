/** What is wrong with the claims of a token, said once for all who judge them. */
import type { RefusalDetail } from '../refusals/refusal.ts';

/** Why a token is refused: a snake_case word and what the log may say. */
export interface ClaimFlaw {
  readonly reason: string;
  readonly detail?: Pick<RefusalDetail, 'expected' | 'got' | 'cause' | 'validIn' | 'leeway'>;
}

/** Makes one. */
export function flaw(reason: string, detail?: ClaimFlaw['detail']): ClaimFlaw {
  return detail === undefined ? { reason } : { reason, detail };
}

/** Enough for an operator to see what came; the log escapes it. */
export function shorten(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}...`;
}
