/**
 * Counts failures by peer, as buckets that empty with each failure and fill up again with time. Bounded in peers, and
 * so that an empty bucket is the last to be forgotten. Holds no timer, and survives a clock that is set.
 */
import type { Rate } from '../policy/rate.ts';

interface Bucket {
  /** Failures that have not come back by `at`: above the rate's count for those that were under way as it emptied. */
  taken: number;
  at: number;
  /** That it is empty was told since it was last full. */
  told: boolean;
}

const MOST_PEERS = 10_000;
/** More passwords than ever are under way at once: so many may be judged too much, and each is made up for. */
const LEAST_DEBT = 128;

/** The buckets of all peers; full for a peer that it does not know. */
export class FailureBuckets {
  readonly rate: Rate;
  readonly #mostPeers: number;
  /** Both in the order in which somebody last took from them. */
  readonly #used = new Map<string, Bucket>();
  readonly #empty = new Map<string, Bucket>();
  /** Milliseconds that have passed as far as we saw: a clock that goes back takes none of them away. */
  #time = 0;
  #lastReading = Number.NaN;
  /** No bucket is empty from then on; 0 while none has been since somebody asked. */
  #emptyUntil = 0;

  constructor(rate: Rate, mostPeers = MOST_PEERS) {
    this.rate = rate;
    this.#mostPeers = mostPeers;
  }

  /** Peers that are remembered. */
  get size(): number {
    return this.#used.size + this.#empty.size;
  }

  /** Whether any bucket may be empty: for the many requests that need not ask whose. */
  someEmpty(now: number): boolean {
    if (this.#emptyUntil === 0) return false;
    if (this.#advance(now) < this.#emptyUntil) return true;
    this.#emptyUntil = 0;
    return false;
  }

  /** Milliseconds until the peer's bucket holds something again; 0 when it does. */
  wait(peer: string, now: number): number {
    const time = this.#advance(now);
    const bucket = this.#find(peer);
    return bucket === undefined ? 0 : this.#untilOne(this.#takenAt(bucket, time));
  }

  /** Takes one. True when it was the last, and that was not said since the bucket was full. */
  take(peer: string, now: number): boolean {
    const time = this.#advance(now);
    const bucket = this.#find(peer) ?? this.#admit(time);
    const before = this.#takenAt(bucket, time);
    if (before === 0) bucket.told = false;
    bucket.taken = Math.min(before + 1, this.rate.count + Math.max(this.rate.count, LEAST_DEBT));
    bucket.at = time;
    const wait = this.#untilOne(bucket.taken);
    this.#place(peer, bucket, wait > 0);
    if (wait === 0) return false;
    this.#emptyUntil = Math.max(this.#emptyUntil, time + wait);
    const isNews = !bucket.told;
    bucket.told = true;
    return isNews;
  }

  /** A full bucket, and room for it. */
  #admit(time: number): Bucket {
    if (this.size >= this.#mostPeers) this.#forgetOne(time);
    return { taken: 0, at: time, told: false };
  }

  /**
   * The bucket that nobody took from for the longest goes, and an empty one only where all are: to have theirs forgotten
   * somebody would have to empty those of as many other peers as there is room for.
   */
  #forgetOne(time: number): void {
    // Two for each newcomer: those that hold something again are found out faster than they come.
    for (const [peer, bucket] of firstOf(this.#empty, 2)) {
      this.#place(peer, bucket, this.#untilOne(this.#takenAt(bucket, time)) > 0);
    }
    for (const buckets of [this.#used, this.#empty]) {
      for (const [peer] of firstOf(buckets, 1)) {
        buckets.delete(peer);
        return;
      }
    }
  }

  /** At the end of its queue. */
  #place(peer: string, bucket: Bucket, isEmpty: boolean): void {
    this.#used.delete(peer);
    this.#empty.delete(peer);
    (isEmpty ? this.#empty : this.#used).set(peer, bucket);
  }

  #find(peer: string): Bucket | undefined {
    return this.#used.get(peer) ?? this.#empty.get(peer);
  }

  #takenAt({ taken, at }: Bucket, time: number): number {
    return Math.max(0, taken - ((time - at) * this.rate.count) / this.rate.period);
  }

  #untilOne(taken: number): number {
    const { count, period } = this.rate;
    return (Math.max(0, taken + 1 - count) * period) / count;
  }

  #advance(now: number): number {
    if (now > this.#lastReading) this.#time += now - this.#lastReading;
    this.#lastReading = now;
    return this.#time;
  }
}

function firstOf(buckets: ReadonlyMap<string, Bucket>, count: number): readonly [string, Bucket][] {
  const first: [string, Bucket][] = [];
  for (const entry of buckets) {
    if (first.length === count) break;
    first.push(entry);
  }
  return first;
}
