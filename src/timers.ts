/**
 * The one place that starts timers. Node takes a time over 2^31 - 1 milliseconds (24.8 days) for one millisecond, so that an
 * idle timeout of 600h would cut every connection at once; here it is as long as can be. `Infinity` is no timer at all.
 */

/** The longest time in milliseconds, less a minute for what Node adds to some. */
export const LONGEST_TIMER = 2_147_483_647 - 60_000;

/** Runs something after `milliseconds`; null, and never, for Infinity. */
export function startTimer(run: () => void, milliseconds: number): NodeJS.Timeout | null {
  return Number.isFinite(milliseconds) ? setTimeout(run, Math.min(milliseconds, LONGEST_TIMER)) : null;
}

/** Stops a timer that may have run out, or never begun. */
export function stopTimer(timer: NodeJS.Timeout | null): void {
  if (timer !== null) clearTimeout(timer);
}

/** Runs something every `milliseconds`, until it is cleared. */
export function startInterval(run: () => void, milliseconds: number): NodeJS.Timeout {
  return setInterval(run, Math.min(milliseconds, LONGEST_TIMER));
}

/** A time as the options of Node and undici take it: 0 for none. */
export function optionTime(milliseconds: number): number {
  return Number.isFinite(milliseconds) ? Math.min(milliseconds, LONGEST_TIMER) : 0;
}

/** A signal that aborts after `milliseconds`. */
export function timeoutSignal(milliseconds: number): AbortSignal {
  return AbortSignal.timeout(Math.min(milliseconds, LONGEST_TIMER));
}
