/** Bounds expensive work: a few pieces at once, some more waiting, and a plain no to whatever comes beyond. */

/** How much is taken on. */
export interface WorkBounds {
  readonly atOnce: number;
  readonly waiting: number;
}

/** Runs work in the order in which it came. */
export class BoundedWork {
  readonly #bounds: WorkBounds;
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(bounds: WorkBounds) {
    this.#bounds = bounds;
  }

  /** Null, and nothing is done, when too much waits already. */
  run<Result>(work: () => Promise<Result>): Promise<Result> | null {
    if (this.#running < this.#bounds.atOnce) {
      this.#running += 1;
      return this.#finish(work);
    }
    if (this.#queue.length >= this.#bounds.waiting) return null;
    return new Promise<void>((resolve) => this.#queue.push(resolve)).then(() => this.#finish(work));
  }

  /** Hands its place to whoever waits longest, so that nobody who comes in between takes one more. */
  async #finish<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
