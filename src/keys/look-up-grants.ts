/**
 * Grants attempts to find key ids that nobody has seen: a handful at once, then one each `cooldown`, whoever sends
 * how many. Whoever comes shortly before the next one waits for it together with all others, within a bound.
 */
import { type After, createBucket } from './schedule.ts';

export interface LookUpGrants {
  /** An attempt now, the next one if that is soon, or null: not now. */
  next(now: number): Promise<void> | null;
  /** Lets those who wait go on at once. */
  end(): void;
}

export interface LookUpGrantsOptions {
  /** Milliseconds until one comes back. */
  readonly cooldown: number;
  /** Begins an attempt; it never rejects. */
  readonly attempt: () => Promise<void>;
  readonly now: () => number;
  readonly after: After;
}

/** Look-ups for unknown key ids that may follow each other at once. */
export const LOOK_UPS = 4;
/** Longest wait, in milliseconds, for the right to one look-up more. */
export const LONGEST_WAIT = 2000;
/** Requests that may wait for it; more are told that the key is unknown. */
export const MOST_WAITING = 256;

/** All of them unspent. */
export function createLookUpGrants({ cooldown, attempt, now, after }: LookUpGrantsOptions): LookUpGrants {
  const bucket = createBucket(LOOK_UPS, Math.max(1, cooldown));
  let waiting = 0;
  let grant: { readonly done: Promise<void>; readonly end: () => void } | null = null;
  /** One attempt for everybody who waits. */
  const grantAfter = (wait: number): { readonly done: Promise<void>; readonly end: () => void } => {
    const { promise: waited, resolve } = Promise.withResolvers<void>();
    const cancel = after(wait, resolve);
    const done = waited.then(() => {
      grant = null;
      bucket.take(now());
      return attempt();
    });
    const end = (): void => {
      cancel();
      resolve();
    };
    return { done, end };
  };
  return {
    next: (moment) => {
      if (bucket.take(moment)) return attempt();
      const wait = bucket.wait(moment);
      if (wait > LONGEST_WAIT || waiting >= MOST_WAITING) return null;
      waiting += 1;
      grant ??= grantAfter(wait);
      return grant.done.finally(() => {
        waiting -= 1;
      });
    },
    end: () => grant?.end(),
  };
}
