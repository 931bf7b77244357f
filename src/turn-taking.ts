/**
 * Has callers take turns: a burst of requests that one peer sends, over however many connections, delays that peer more
 * than anybody else. Refuses nothing and keeps no bound on what waits: the connections and the requests on each have one.
 */
import { elapsed } from './observe/stopwatch.ts';

/** Requests of one peer that are begun at once in one turn of the event loop: as many as well-behaved callers bring together. */
const AT_ONCE = 4;
/** Milliseconds of a turn in which requests are begun, before answers and whoever else is ready are looked after. */
const SHARE = 1;

/** Milliseconds for which a peer counts as one of several after somebody else brought something. */
const COMPANY = 1000;

/** A request that waits for its peer's turn. */
type Work = () => void;

/** Who is next, by peer. One for all listeners. */
export class TurnTaking {
  readonly #elapsed: () => number;
  /** Those who wait, whose turn is next in front; what each has waiting is in order of arrival. */
  readonly #waiting = new Map<string, Line>();
  /** How many of each peer were begun in this turn. */
  readonly #begun = new Map<string, number>();
  #endsAt = 0;
  #isUnderWay = false;
  #latest = '';
  #sharedUntil = 0;

  /** @param stopwatch milliseconds that went by */
  constructor(stopwatch: () => number = elapsed) {
    this.#elapsed = stopwatch;
  }

  /**
   * Begins the work now when its peer did not bring much in this turn of the event loop, or is the only one, and otherwise
   * in a later turn, in the order in which that peer brought it. It must not throw.
   * @param peer the address of the connection's other end: whoever shares it shares the turns
   */
  take(peer: string, work: Work): void {
    if (this.isNow(peer, work)) work();
  }

  /**
   * The same for what is under way: whether it may go on by itself.
   * @returns false when `work` is called instead, in its peer's turn
   */
  isNow(peer: string, work: Work): boolean {
    if (peer !== this.#latest) {
      this.#latest = peer;
      this.#sharedUntil = this.#elapsed() + COMPANY;
    }
    if (!this.#isUnderWay && this.#elapsed() >= this.#sharedUntil) return true;
    this.#beginTurn();
    const line = this.#waiting.get(peer);
    if (line !== undefined) {
      line.join(work);
      return false;
    }
    const begun = this.#begun.get(peer) ?? 0;
    if (begun < AT_ONCE && this.#elapsed() < this.#endsAt) {
      this.#begun.set(peer, begun + 1);
      return true;
    }
    this.#waiting.set(peer, new Line(work));
    return false;
  }

  #beginTurn(): void {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    this.#endsAt = this.#elapsed() + SHARE;
    setImmediate(this.#endTurn);
  }

  /** After all that was ready was read. What is left goes on behind the next reading. */
  readonly #endTurn = (): void => {
    this.#isUnderWay = false;
    this.#begun.clear();
    if (this.#waiting.size === 0) return;
    this.#beginTurn();
    const until = this.#endsAt;
    do this.#serveNext();
    while (this.#waiting.size > 0 && this.#elapsed() < until);
    // Those who come now have a share of their own.
    this.#endsAt = this.#elapsed() + SHARE;
  };

  /** One request of the peer in front, who then goes to the end. */
  #serveNext(): void {
    for (const [peer, line] of this.#waiting) {
      this.#waiting.delete(peer);
      const work = line.leave();
      if (line.isLeft) this.#waiting.set(peer, line);
      work?.();
      return;
    }
  }
}

/** First come, first served, without moving all others up each time. */
class Line {
  #work: Work[];
  #next = 0;

  constructor(first: Work) {
    this.#work = [first];
  }

  get isLeft(): boolean {
    return this.#next < this.#work.length;
  }

  join(work: Work): void {
    this.#work.push(work);
  }

  leave(): Work | undefined {
    const work = this.#work[this.#next];
    this.#next += 1;
    // A long line is cut off behind those who left, lest it keep what they brought.
    if (this.#next > 64 && this.#next * 2 > this.#work.length) {
      this.#work = this.#work.slice(this.#next);
      this.#next = 0;
    }
    return work;
  }
}
