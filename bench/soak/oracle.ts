/**
 * Says which answers to a token are right, from what the provider published, what it gave the gateway when, and when
 * it failed. Knows nothing of the gateway but what its documentation promises:
 *
 * 1. A key of the last set that the gateway was given verifies, whatever the provider does now, until that set is
 *    `max_stale` old; from then on 503.
 * 2. A key id that this set lacks is looked up. While the provider is well, a published key is therefore good the first
 *    time; only when the look-ups were spent on guesses (four, one back each `cooldown`) may it be 401.
 * 3. While the provider fails, and until it was asked again with success, a key id that is not held is 503, or 401 where
 *    it was found absent before.
 * 4. A key that is neither held nor published is 401 while the provider is well.
 * 5. A token without key id is tried with the keys held; nothing is looked up.
 * 6. A token for somebody else is 401, with or without keys. `token_expired` is said of well-signed tokens only.
 *
 * Answers that cross a change of state may follow the state before or after it; `slack` is how long a change may take
 * to arrive.
 */
import type { Stretch } from './plan.ts';

/** What a caller got. `other` is never right. */
export type Verdict = 'ok' | 'token_expired' | 'invalid_token' | 'unavailable' | 'other';

/** A key set that was sent to the gateway, whole. */
export interface SentSet {
  /** Epoch milliseconds at which sending began. */
  readonly at: number;
  readonly kids: ReadonlySet<string>;
  /** False when an outage came so close that it may have been lost. */
  certain: boolean;
}

/** A time in which the gateway may believe that keys cannot be had; a bound that is not known yet is Infinity. */
export interface Doubt {
  readonly from: number;
  /** When the provider was well again. */
  outageEnd: number;
  /** When it sent a set again. */
  to: number;
}

/** What was observed of the provider; times are epoch milliseconds. */
export interface History {
  readonly sent: SentSet[];
  /** Moments at which the gateway asked for a key set, or failed to. */
  readonly attempts: number[];
  /** Moments, in order, at which it may have spent a look-up: an id that it does not hold was new to it, or an attempt failed. */
  readonly spent: number[];
  /** From a failure until the first set that was sent after it ended. */
  readonly doubts: Doubt[];
  /** When each key was in the provider's set. */
  readonly published: Map<string, Stretch>;
}

/** A token that was shown, and when. */
export interface Question {
  /** In the header; null when there is none. */
  readonly kid: string | null;
  /** Id of the key that made the signature; null for one that no set ever held. */
  readonly signer: string | null;
  readonly wrongAudience: boolean;
  /** `exp`, in epoch milliseconds. */
  readonly expires: number;
  readonly sent: number;
  readonly answered: number;
}

/** What the gateway was told to do, in milliseconds. */
export interface Promises {
  readonly cooldown: number;
  readonly interval: number;
  readonly timeout: number;
  readonly maxStale: number;
  readonly slack: number;
}

/** Look-ups for unknown key ids that may follow each other at once. */
export const LOOK_UPS = 4;

/** All answers that are right; at least one. */
export function allowedFor(question: Question, history: History, promises: Promises): ReadonlySet<Verdict> {
  if (question.wrongAudience) return new Set(['invalid_token']);
  const allowed = new Set<Verdict>();
  for (const set of setsInForce(question, history, promises)) {
    const tooOldAt = set.at + promises.maxStale;
    if (question.answered >= tooOldAt) allowed.add('unavailable');
    if (question.sent > tooOldAt + promises.slack) continue;
    for (const verdict of withSet(set.kids, question, history, promises)) allowed.add(verdict);
  }
  return allowed;
}

/** The last set that certainly arrived before the question, and all that may have arrived since. */
function setsInForce({ sent, answered }: Question, history: History, { slack }: Promises): SentSet[] {
  const sets: SentSet[] = [];
  for (const set of history.sent.toReversed()) {
    if (set.at > answered) continue;
    sets.push(set);
    if (set.certain && set.at + slack <= sent) break;
  }
  return sets;
}

function withSet(
  kids: ReadonlySet<string>,
  question: Question,
  history: History,
  promises: Promises,
): readonly Verdict[] {
  const { kid, signer } = question;
  if (kid === null) return signer !== null && kids.has(signer) ? withKey(question) : ['invalid_token'];
  if (kids.has(kid)) return withKey(question);
  const verdicts: Verdict[] = inDoubt(question, history, promises) ? ['unavailable'] : [];
  const presence = presenceOf(history.published.get(kid), question);
  if (presence !== 'absent' && !isDown(question, history)) verdicts.push(...withKey(question));
  if (presence !== 'present' || mayBeSpent(question, history, promises)) verdicts.push('invalid_token');
  return verdicts;
}

function withKey({ kid, signer, expires, sent, answered }: Question): readonly Verdict[] {
  if (signer === null || (kid !== null && kid !== signer)) return ['invalid_token'];
  if (answered < expires) return ['ok'];
  return sent >= expires ? ['token_expired'] : ['ok', 'token_expired'];
}

function presenceOf(
  stretch: Stretch | undefined,
  { sent, answered }: Question,
): 'present' | 'absent' | 'both' {
  if (stretch === undefined || stretch.to < sent || stretch.from > answered) return 'absent';
  return stretch.from <= sent && stretch.to > answered ? 'present' : 'both';
}

function inDoubt({ sent, answered }: Question, { doubts }: History, { slack }: Promises): boolean {
  return doubts.some(({ from, to }) => from <= answered && sent <= to + slack);
}

/** Whether the provider gave keys to nobody between question and answer. */
function isDown({ sent, answered }: Question, { doubts }: History): boolean {
  return doubts.some(({ from, outageEnd }) => from <= sent && answered < outageEnd);
}

/** Whether the look-ups may be used up, if all that may have spent one did. */
function mayBeSpent({ answered }: Question, { spent }: History, { cooldown }: Promises): boolean {
  let level = LOOK_UPS;
  let since = spent[0] ?? answered;
  for (const at of spent) {
    if (at > answered) break;
    // Of those that come in vain, one may wait for the next look-up and take it.
    level = Math.max(-1, Math.min(LOOK_UPS, level + (at - since) / cooldown) - 1);
    since = at;
  }
  return level < 0;
}

/**
 * Most attempts in a run of which `failing` milliseconds were with a provider that fails: one each `cooldown`, because a
 * set older than that is asked for again when a token does not fit it, and the look-ups that were to be had.
 */
export function mostAttempts(
  milliseconds: number,
  failing: number,
  history: Pick<History, 'spent'>,
  { cooldown }: Promises,
): number {
  // A quarter is taken off a pause after a failure, which costs a request for metadata and one for keys.
  const failures = (2 * failing) / (cooldown * 0.75);
  return Math.ceil(1 + milliseconds / cooldown + grantsOf(history.spent, cooldown) + failures);
}

/** How many of these would have been granted a look-up. */
function grantsOf(spent: readonly number[], cooldown: number): number {
  let level = LOOK_UPS;
  let since = spent[0] ?? 0;
  let granted = 0;
  for (const at of spent) {
    level = Math.min(LOOK_UPS, level + (at - since) / cooldown);
    since = at;
    // One that comes a little early may wait.
    if (level <= 0) continue;
    level -= 1;
    granted += 1;
  }
  return granted;
}

/** Moments, as epoch milliseconds, from which the gateway should have asked for keys and did not in time. */
export function stallsOf(history: History, end: number, promises: Promises): number[] {
  const { interval, timeout, cooldown, slack } = promises;
  const pause = Math.max(cooldown, Math.min(60_000, interval)) * 1.25;
  const stalls: number[] = [];
  for (const [place, { at }] of history.sent.entries()) {
    const next = history.sent[place + 1]?.at ?? end;
    const broken = history.doubts.filter(({ from, to }) => from < next && to > at);
    const wellFrom = Math.max(at, ...broken.map(({ outageEnd }) => outageEnd));
    const patience = (broken.length > 0 ? pause : interval) + timeout + slack;
    if (next - wellFrom > patience) stalls.push(wellFrom);
  }
  return stalls;
}
