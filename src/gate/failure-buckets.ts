/**
 * Counts failures by peer, as buckets that empty with each failure and fill up again with time. Bounded in peers, and
 * so that nobody gets a fresh bucket by making it forget theirs. Holds no timer, and survives a clock that is set.
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
/** Buckets that are compared when one has to go. */
const COMPARED = 16;
/** More passwords than ever are under way at once: so many may be judged too much, and each is made up for. */
const LEAST_DEBT = 128;
/** Of one failure: sums of fractions may miss a whole by that much. */
const NEGLIGIBLE = 1e-6;

/** The buckets of all peers; full for a peer that it does not know. */
export class FailureBuckets {
  readonly rate: Rate;
  readonly #mostPeers: number;
  readonly #buckets = new Map<string, Bucket>();
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
    return this.#buckets.size;
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
    const bucket = this.#buckets.get(peer);
    return bucket === undefined ? 0 : this.#untilOne(this.#takenAt(bucket, time));
  }

  /** Takes one. True when it was the last, and that was not said since the bucket was full. */
  take(peer: string, now: number): boolean {
    const time = this.#advance(now);
    const bucket = this.#buckets.get(peer) ?? this.#admit(peer, time);
    const before = this.#takenAt(bucket, time);
    if (before === 0) bucket.told = false;
    bucket.taken = Math.min(before + 1, this.rate.count + Math.max(this.rate.count, LEAST_DEBT));
    bucket.at = time;
    const wait = this.#untilOne(bucket.taken);
    if (wait === 0) return false;
    this.#emptyUntil = Math.max(this.#emptyUntil, time + wait);
    const isNews = !bucket.told;
    bucket.told = true;
    return isNews;
  }

  /**
   * Of the buckets that were looked at longest ago the fullest goes, and the others move to the end. An empty one thus goes
   * only where all that it is compared with are as empty: whoever wants theirs forgotten has to empty nearly all others,
   * which takes `count` failures from each of 10000 peers, and wins back `count`.
   */
  #admit(peer: string, time: number): Bucket {
    if (this.#buckets.size >= this.#mostPeers) this.#forgetOne(time);
    const bucket = { taken: 0, at: time, told: false };
    this.#buckets.set(peer, bucket);
    return bucket;
  }

  #forgetOne(time: number): void {
    const compared: [string, Bucket][] = [];
    let fullest = '';
    let least = Number.POSITIVE_INFINITY;
    for (const [peer, bucket] of this.#buckets) {
      compared.push([peer, bucket]);
      const taken = this.#takenAt(bucket, time);
      if (taken < least) {
        fullest = peer;
        least = taken;
      }
      if (compared.length === COMPARED) break;
    }
    for (const [peer, bucket] of compared) {
      this.#buckets.delete(peer);
      if (peer !== fullest) this.#buckets.set(peer, bucket);
    }
  }

  #takenAt({ taken, at }: Bucket, time: number): number {
    return Math.max(0, taken - ((time - at) * this.rate.count) / this.rate.period);
  }

  #untilOne(taken: number): number {
    const missing = 1 - (this.rate.count - taken);
    return missing > NEGLIGIBLE ? (missing * this.rate.period) / this.rate.count : 0;
  }

  #advance(now: number): number {
    if (now > this.#lastReading) this.#time += now - this.#lastReading;
    this.#lastReading = now;
    return this.#time;
  }
}
