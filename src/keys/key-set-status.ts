/** How a key set stands, and what happened to it since it was made, for probes and metrics. */
import type { FetchFailure } from './fetch-cause.ts';

/** For probes, metrics and the console. */
export interface KeySetStatus {
  readonly name: string;
  /** Had usable keys once; later staleness does not take it back. */
  readonly ready: boolean;
  /**
   * `waiting`: there were none yet; `fresh`; `stale`: new ones cannot be had, and the held ones are used; `expired`: nor
   * may those be used, since they are older than `max_stale`.
   */
  readonly state: 'waiting' | 'fresh' | 'stale' | 'expired';
  /** Keys held, each counted once for each algorithm. */
  readonly keys: number;
  /** Epoch milliseconds of the last good attempt, of an earlier process for keys of `cache_file`; null when there was none. */
  readonly obtainedAt: number | null;
  /** Epoch milliseconds until which the held keys may be used; Infinity where they do not age. */
  readonly usableUntil: number;
  /** Failed attempts since. */
  readonly failures: number;
  /** Why the last attempt failed; null when it did not. Names addresses: not for callers. */
  readonly cause: string | null;
  /** The fetch that failed, with its kind, status and address; null when none did. */
  readonly failure: FetchFailure | null;
  /** Epoch milliseconds of the next attempt that is planned; null when none is. */
  readonly nextTryAt: number | null;
  readonly counts: KeySetCounts;
}

/** Numbers that only grow. */
export interface KeySetCounts {
  readonly attempts: number;
  readonly failures: number;
  /** Look-ups for key ids that were not held. */
  readonly lookUps: number;
  /** Tokens refused because their key id is not known. */
  readonly unknown: number;
  /** Tokens verified with held keys while new ones could not be had; remembered verdicts are not counted. */
  readonly stale: number;
  /** Keys that were withdrawn by the source, or replaced under their id. */
  readonly withdrawn: number;
}

/** The same while it is being counted. */
export type KeySetTally = { -readonly [Name in keyof KeySetCounts]: number };

/** Nothing happened yet. */
export function createTally(): KeySetTally {
  return { attempts: 0, failures: 0, lookUps: 0, unknown: 0, stale: 0, withdrawn: 0 };
}
