/** Counts the answers of a soak run by case and verdict, and keeps the wrong ones, within a bound. */
import type { ShownToken } from './callers.ts';
import { allowedFor, type History, type Promises, type Question, type Verdict } from './oracle.ts';

/** What came back for one token. */
export interface Answer {
  readonly verdict: Verdict;
  /** For a person: the status and what was odd about it. */
  readonly said: string;
}

/** An answer that the oracle does not allow. */
export interface WrongAnswer {
  readonly case: string;
  readonly again: boolean;
  readonly kid: string | null;
  readonly said: string;
  readonly allowed: readonly Verdict[];
  /** Milliseconds since the start. */
  readonly sent: number;
  readonly took: number;
}

export interface Tally {
  /** Answers by case and verdict. */
  readonly counts: Readonly<Record<string, Record<string, number>>>;
  readonly answers: number;
  /** Answers of which one alone was right; the others crossed a change. */
  readonly decided: number;
  /** Tokens of a key that the gateway cannot have held, while nothing was amiss, so that they had to be good at once. */
  readonly newKeys: number;
  readonly wrong: number;
  readonly examples: readonly WrongAnswer[];
}

const MOST_EXAMPLES = 20;

/** Judges answers as they come. */
export class Judge {
  readonly #history: History;
  readonly #promises: Promises;
  readonly #start: number;
  readonly #counts: Record<string, Record<string, number>> = {};
  readonly #examples: WrongAnswer[] = [];
  readonly #sought = new Set<string>();
  #answers = 0;
  #decided = 0;
  #newKeys = 0;
  #wrong = 0;

  constructor(history: History, promises: Promises, start: number) {
    this.#history = history;
    this.#promises = promises;
    this.#start = start;
  }

  /** A token is about to be shown: an id that the gateway does not hold and has not looked for costs a look-up. */
  shows({ kid, wrongAudience }: ShownToken, sent: number): void {
    if (kid === null || wrongAudience || this.#history.sent.at(-1)?.kids.has(kid)) return;
    // After an outage what was looked for in vain is looked for again.
    const name = `${kid} ${this.#history.doubts.filter(({ to }) => to <= sent).length}`;
    if (this.#sought.has(name)) return;
    this.#sought.add(name);
    this.#history.spent.push(sent);
  }

  /** @param again the token was shown before */
  judge(token: ShownToken, times: Pick<Question, 'sent' | 'answered'>, answer: Answer, again: boolean): void {
    const allowed = allowedFor({ ...token, ...times }, this.#history, this.#promises);
    this.#answers += 1;
    const name = again ? `${token.case}, again` : token.case;
    const counts = this.#counts[name] ?? {};
    this.#counts[name] = counts;
    counts[answer.verdict] = (counts[answer.verdict] ?? 0) + 1;
    if (allowed.size === 1) this.#decided += 1;
    if (allowed.size === 1 && allowed.has('ok') && this.#cannotHold(token.kid, times.sent))
      this.#newKeys += 1;
    if (allowed.has(answer.verdict)) return;
    this.#wrong += 1;
    if (this.#examples.length >= MOST_EXAMPLES) return;
    this.#examples.push({
      case: name,
      again,
      kid: token.kid,
      said: answer.said,
      allowed: [...allowed],
      sent: times.sent - this.#start,
      took: times.answered - times.sent,
    });
  }

  result(): Tally {
    return {
      counts: this.#counts,
      answers: this.#answers,
      decided: this.#decided,
      newKeys: this.#newKeys,
      wrong: this.#wrong,
      examples: this.#examples,
    };
  }

  /** Whether no set that was sent before has the key. */
  #cannotHold(kid: string | null, sent: number): boolean {
    return kid !== null && !this.#history.sent.some((set) => set.at <= sent && set.kids.has(kid));
  }
}
