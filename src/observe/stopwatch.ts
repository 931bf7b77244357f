/** Measures durations for the log. No decision depends on it; decisions take `now` from the dependencies. */

/** Monotonic milliseconds with fractions, from an arbitrary zero. */
export function elapsed(): number {
  return performance.now();
}
