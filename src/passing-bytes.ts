/**
 * Counts the bytes of bodies and tunnels in passing, and has what they leave behind freed early. V8 holds every buffer that
 * was read against the heap, and marks all that lives when they come to a part of it: a large upload cost more marking than
 * reading. They are young and dead, and a collection of the young finds them at a tenth of that cost.
 */

let passed = 0;
let collectAfter = Number.POSITIVE_INFINITY;
let collect = (): void => {};

/**
 * Has the young collected from now on. Where nobody says so all is left to V8.
 * @param bytes after which they are, to be less than what the heap may grow by
 */
export function collectYoungAfter(bytes: number, collectYoung: () => void): void {
  collectAfter = bytes;
  collect = collectYoung;
}

/** Of every piece that was read and is passed on or thrown away. */
export function bytesPassed(count: number): void {
  passed += count;
  if (passed < collectAfter) return;
  passed = 0;
  collect();
}
