/**
 * Keeps V8 from taking memory that a gateway does not need. Left alone it lets the heap grow to several times what lives in
 * it, and the space for young objects to 128 MiB, step by step under little traffic (100 MiB in twenty minutes of
 * bench/soak.ts): beside a small service that looks like a leak, and it counts against the limit of a pod. Under a flood it
 * gives the heap room for a while, since marking all that lives several times a second delays everybody.
 */
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { collectYoungAfter } from '../passing-bytes.ts';

/** What V8 may take before it collects. */
interface Room {
  /** Percent by which the heap may grow over what was alive at the last full collection. */
  readonly growth: number;
  /** Bytes that may pass before the young are collected: less than half of that growth of the smallest heap. */
  readonly passing: number;
}

const MIB = 1024 * 1024;
const MODEST: Room = { growth: 40, passing: 3 * MIB };
/** Where full collections come one after the other. */
const ROOMY: Room = { growth: 200, passing: 12 * MIB };
/** Milliseconds between two full collections that are one after the other, and those that are far apart. */
const CLOSE = 2_000;
const FAR = 10_000;
/** Bytes of the space for young objects that are enough: twice the 16 MiB that Node documents as its default. */
const YOUNG = 32 * MIB;

/** For the whole process, before it serves. V8 reads the settings anew when it next decides about a size. */
export function keepHeapModest(): void {
  const collector = garbageCollector();
  const collectYoung = (): void => void collector({ type: 'minor', execution: 'sync' });
  const collected = roomBy(({ growth, passing }) => {
    setFlagsFromString(`--heap-growing-percent=${growth}`);
    collectYoungAfter(passing, collectYoung);
  });
  let mayGrow = true;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (isFull(entry)) collected(entry.startTime);
    if (!mayGrow || youngSize() < YOUNG) return;
    mayGrow = false;
    setFlagsFromString('--semi-space-growth-factor=1');
  }).observe({ entryTypes: ['gc'] });
}

/**
 * Decides how much room there is.
 * @param give gets the room to begin with, and each other one from then on
 * @returns takes the time of each full collection, in milliseconds
 */
export function roomBy(give: (room: Room) => void): (time: number) => void {
  let room = MODEST;
  let last = Number.NEGATIVE_INFINITY;
  give(room);
  return (time) => {
    const apart = time - last;
    last = time;
    const next = apart < CLOSE ? ROOMY : apart > FAR ? MODEST : room;
    if (next === room) return;
    room = next;
    give(room);
  };
}

/** Node says of each collection which one it was. */
function isFull(entry: PerformanceEntry & { readonly detail?: { readonly kind?: number } }): boolean {
  return entry.detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}

function youngSize(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0;
}

/** V8 hands its own out to contexts that are made while it is exposed, and to none that was there before or comes after. */
function garbageCollector(): NodeJS.GCFunction {
  setFlagsFromString('--expose-gc');
  const collect: NodeJS.GCFunction = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return collect;
}
