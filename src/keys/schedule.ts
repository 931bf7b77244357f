/**
 * When keys are fetched again: how long an answer is fresh, how long to wait after failures, and how many
 * look-ups for unknown key ids are granted. Pure, but for the timer at the end.
 */
import type { RefreshPolicy } from '../policy/sources.ts';
import { startTimer, stopTimer } from '../timers.ts';

/** First retry while there are no keys at all: an identity provider often starts together with us. */
const FIRST_RETRY = 1000;
/** Longest pause while there are none: nobody who has its tokens is served, and it may be back at any moment. */
const LONGEST_PAUSE_WITHOUT = 5000;
/** Longest pause between tries while keys are held and the source fails. */
const LONGEST_PAUSE = 60_000;

/** Times `cooldown` between background fetches of what may not be cached at all: many providers say that of their keys by habit. */
const UNCACHED = 6;

/**
 * Milliseconds until the next background fetch: what the answer's `Cache-Control` and `Age` leave (RFC 9111
 * section 4.2.1), not less than `cooldown` and not more than `interval`; `interval` when it says nothing, six times
 * `cooldown` when it forbids caching or leaves no time at all. A tenth is taken off at random, so that many gateways do not ask in step.
 */
export function freshFor(maxAge: number | null, refresh: RefreshPolicy, random: number): number {
  const wanted = maxAge === 0 ? UNCACHED * refresh.cooldown : (maxAge ?? refresh.interval);
  const bounded = Math.max(refresh.cooldown, Math.min(wanted, refresh.interval));
  return Math.round(bounded * (1 - random / 10));
}

/**
 * Milliseconds until the next try after `failures` in a row: doubled each time, spread by a quarter both ways.
 * Without keys it starts at 1 s and stays within 5 s and `cooldown`; with keys it starts at `cooldown` and stays within 1 min.
 */
export function pauseAfter(failures: number, refresh: RefreshPolicy, held: boolean, random: number): number {
  const first = held ? refresh.cooldown : Math.min(FIRST_RETRY, refresh.cooldown);
  const last = held
    ? Math.max(refresh.cooldown, Math.min(LONGEST_PAUSE, refresh.interval))
    : Math.min(refresh.cooldown, LONGEST_PAUSE_WITHOUT);
  const doubled = Math.min(first * 2 ** Math.min(failures - 1, 30), last);
  return Math.round(doubled * (0.75 + random / 2));
}

/** Seconds for Retry-After of a pause in milliseconds: no less than one, and no more than a minute, since all may be well sooner. */
export function retryAfterOf(pause: number): number {
  return Math.ceil(Math.max(1000, Math.min(pause, 60_000)) / 1000);
}

/** `max-age` less `Age`, in milliseconds; 0 for no-cache, no-store, and what is too old already; null when the answer does not say. */
export function maxAgeOf(cacheControl: string | null, age: string | null): number | null {
  if (cacheControl === null) return null;
  const directives = cacheControl
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim());
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0;
  const seconds = directives
    .map((directive) => /^max-age="?([0-9]{1,10})"?$/.exec(directive)?.[1])
    .find(Boolean);
  if (seconds === undefined) return null;
  const spent = age !== null && /^[0-9]{1,10}$/.test(age) ? Number(age) : 0;
  return Math.max(0, Number(seconds) - spent) * 1000;
}

/** Grants so many at once, and one back each `every` milliseconds. */
export interface Bucket {
  /**
   * Takes one; false when there is none.
   * @param reserve how many are left untouched; default 0
   */
  take(now: number, reserve?: number): boolean;
  /** Puts one back that was taken in vain. */
  giveBack(): void;
  /** Milliseconds until there is one beside the reserve; 0 when there is. */
  wait(now: number, reserve?: number): number;
}

/** A full bucket. A clock that jumps back grants nothing and takes nothing away. */
export function createBucket(capacity: number, every: number): Bucket {
  let level = capacity;
  let since = 0;
  const refill = (now: number): void => {
    if (level >= capacity || now < since) {
      since = now;
      return;
    }
    const back = Math.floor((now - since) / every);
    level = Math.min(capacity, level + back);
    since += back * every;
  };
  return {
    take: (now, reserve = 0) => {
      refill(now);
      if (level < 1 + reserve) return false;
      level -= 1;
      return true;
    },
    giveBack: () => {
      level = Math.min(capacity, level + 1);
    },
    wait: (now, reserve = 0) => {
      refill(now);
      const missing = 1 + reserve - level;
      return missing <= 0 ? 0 : since + missing * every - now;
    },
  };
}

/** Runs something later; the returned function calls it off. */
export type After = (milliseconds: number, run: () => void) => () => void;

/** Timers that do not keep the process alive. */
export const after: After = (milliseconds, run) => {
  const timer = startTimer(run, milliseconds);
  timer?.unref();
  return () => stopTimer(timer);
};
