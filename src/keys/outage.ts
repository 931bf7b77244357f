/**
 * The outage of a source of keys: how many attempts failed in a row and since when, why the last one did, and when the
 * source may be asked again. Knows nothing of what is asked for.
 */
import type { FetchFailure } from './fetch-cause.ts';

/** A failed attempt. */
export interface FailedTry {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly cause: string;
  readonly failure: FetchFailure | null;
}

/** Of one source; none while nothing has failed. */
export class Outage {
  #failures = 0;
  #since = 0;
  #retryAt = 0;
  #last: FailedTry | null = null;

  /** Attempts that failed since the last good one. */
  get failures(): number {
    return this.#failures;
  }

  /** Epoch milliseconds of the first of them. */
  get since(): number {
    return this.#since;
  }

  /** Why the last attempt failed; null when it did not. */
  get cause(): string | null {
    return this.#last?.cause ?? null;
  }

  /** The fetch that failed last; null when the last attempt was good, or nothing was fetched. */
  get failure(): FetchFailure | null {
    return this.#last?.failure ?? null;
  }

  /** Milliseconds until the next try; 0 when one may be begun at once. */
  pauseAt(now: number): number {
    return this.#last === null ? 0 : Math.max(0, this.#retryAt - now);
  }

  /** One more attempt failed. */
  goesOn(failed: FailedTry): void {
    if (this.#failures === 0) this.#since = failed.now;
    this.#failures += 1;
    this.#last = failed;
  }

  /** Epoch milliseconds before which nothing is tried again. */
  pauseUntil(moment: number): void {
    this.#retryAt = moment;
  }

  /** The source gave what was asked for. */
  ends(): void {
    this.#failures = 0;
    this.#last = null;
  }
}
