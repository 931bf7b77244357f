/**
 * Keeps V8 from taking memory that a gateway does not need. Left alone it lets the heap grow to several times what lives in
 * it, and the space for young objects to 128 MiB, step by step under little traffic (100 MiB in twenty minutes of
 * bench/soak.ts): beside a small service that looks like a leak, and it counts against the limit of a pod.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Percent by which the heap may grow over what was alive at the last full collection. */
const GROWTH = 40;
/** Bytes of the space for young objects that are enough: twice the 16 MiB that Node documents as its default. */
const YOUNG = 32 * 1024 * 1024;

/** For the whole process, before it serves. V8 reads both settings anew when it next decides about a size. */
export function keepHeapModest(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH}`);
  const observer = new PerformanceObserver(() => {
    if (youngSize() < YOUNG) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    observer.disconnect();
  });
  observer.observe({ entryTypes: ['gc'] });
}

function youngSize(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0;
}
