/**
 * Counts the bytes of bodies and tunnels in passing, and has what they leave behind freed early. V8 holds every buffer that
 * was read against the heap, and marks all that lives when they come to a part of it: a large upload cost more marking than
 * reading. They are young and dead, and a collection of the young finds them at a tenth of that cost.
 */

/** Bytes after which the young are collected: less than what `modest-heap.ts` lets the heap grow by. */
const COLLECT_AFTER = 3 * 1024 * 1024;

let passed = 0;
let collect: (() => void) | null = null;

/** Tells what collects young objects; null leaves all to V8, as it is where nobody says otherwise. */
export function collectBy(collectYoung: (() => void) | null): void {
  collect = collectYoung;
}

/** Of every piece that was read and is passed on or thrown away. */
export function bytesPassed(count: number): void {
  passed += count;
  if (passed < COLLECT_AFTER) return;
  passed = 0;
  collect?.();
}
