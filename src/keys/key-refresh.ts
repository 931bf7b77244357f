/**
 * Refreshes that an operator asks for: they heed no `cooldown`, and still ask the source no more than once a second. A
 * request is served by an attempt that begins after it, since the answer to an earlier one may be older than it.
 */
import type { Dependencies } from '../deps.ts';
import type { After } from './schedule.ts';

/** What came of it. */
export interface KeyRefresh {
  /** Name of the issuer entry in the policy. */
  readonly issuer: string;
  /** `not_fetched`: its keys stand in the policy. */
  readonly outcome: 'fetched' | 'failed' | 'not_fetched';
  /** Why it failed, or was not fetched; null when it was. May name addresses: not for clients. */
  readonly cause: string | null;
  /** Keys that are held now, each counted once for each algorithm. */
  readonly keys: number;
}

/** Milliseconds between the beginnings of two such refreshes of one issuer. */
const SPACING = 1000;

/**
 * Runs one refresh at a time; requests that come while one is under way share the next one.
 * @param run never rejects
 */
export function createRefreshQueue(
  run: () => Promise<KeyRefresh>,
  { now }: Pick<Dependencies, 'now'>,
  after: After,
): () => Promise<KeyRefresh> {
  let running: Promise<unknown> = Promise.resolve();
  let queued: Promise<KeyRefresh> | null = null;
  let begunAt = Number.NEGATIVE_INFINITY;
  const begin = async (): Promise<KeyRefresh> => {
    await running;
    const since = now() - begunAt;
    // A clock that was set back must not make it wait longer.
    const wait = since >= 0 ? SPACING - since : 0;
    if (wait > 0) await new Promise<void>((resolve) => after(wait, resolve));
    queued = null;
    begunAt = now();
    const refresh = run();
    running = refresh;
    return refresh;
  };
  return () => {
    queued ??= begin();
    return queued;
  };
}
