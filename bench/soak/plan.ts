/**
 * What happens when in a soak run: which key signs, when it is taken out of the set, how and when the provider fails,
 * when callers guess. Pure, and the same for the same seed.
 */

/** How the provider fails. */
export const OUTAGES = ['refused', 'error', 'html', 'silence', 'endless', 'drip', 'cut', 'empty'] as const;
export type OutageKind = (typeof OUTAGES)[number];

/** A stretch of time in milliseconds since the start. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

export interface PlannedKey extends Stretch {
  readonly kid: string;
  readonly alg: 'ES256' | 'EdDSA';
  /** When it leaves the set: some time after it last signed (`to`). */
  readonly withdrawn: number;
}

export interface PlannedOutage extends Stretch {
  readonly kind: OutageKind;
}

export interface Plan {
  /** Length of the run in milliseconds. */
  readonly length: number;
  readonly keys: readonly PlannedKey[];
  readonly outages: readonly PlannedOutage[];
  /** Stretches in which every token of an unknown key has an id of its own. */
  readonly floods: readonly Stretch[];
}

/** Numbers from 0 to 1, the same sequence for the same seed (mulberry32). */
export type Random = () => number;

/** How long one key signs, in milliseconds. */
export const SIGNS_FOR = 20_000;
/** How long it stays in the set after that. */
const KEPT_FOR = 25_000;
/** Healthy time before the first outage, and least between two: longer than the longest pause between tries. */
const HEALTHY = 70_000;
const OUTAGE = 28_000;
/** One outage outlasts `max_stale`. */
const LONG_OUTAGE = 130_000;
/** The fifth outage is the long one. */
const LONG_AT = 4;
const FLOOD = 12_000;

/** A generator of its own for each part of a run, so that one more draw in one does not shift another. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Plans a run of that length. A run shorter than the healthy stretch has no outage. */
export function planRun(minutes: number, seed: number): Plan {
  const length = Math.round(minutes * 60_000);
  const random = createRandom(seed);
  return { length, keys: planKeys(length), ...planTrouble(length, random) };
}

function planKeys(length: number): PlannedKey[] {
  const keys: PlannedKey[] = [];
  for (let from = 0; from < length; from += SIGNS_FOR) {
    const to = from + SIGNS_FOR;
    const place = keys.length;
    keys.push({
      kid: `key-${place}`,
      alg: place % 2 === 0 ? 'ES256' : 'EdDSA',
      from,
      to,
      withdrawn: to + KEPT_FOR,
    });
  }
  return keys;
}

function planTrouble(length: number, random: Random): Pick<Plan, 'outages' | 'floods'> {
  const outages: PlannedOutage[] = [];
  const floods: Stretch[] = [];
  const kinds = shuffled(OUTAGES, random);
  for (let healthyFrom = 0; ; ) {
    const from = Math.round(healthyFrom + HEALTHY + random() * 10_000);
    const duration = outages.length === LONG_AT ? LONG_OUTAGE : OUTAGE + random() * 6000;
    const to = Math.round(from + duration);
    if (to >= length) return { outages, floods };
    // In the middle of every second healthy stretch, well after the outage before.
    if (outages.length % 2 === 1) floods.push({ from: from - FLOOD - 15_000, to: from - 15_000 });
    outages.push({ kind: kinds[outages.length % kinds.length] ?? 'refused', from, to });
    healthyFrom = to;
  }
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list
    .map((item) => ({ item, order: random() }))
    .toSorted((left, right) => left.order - right.order)
    .map(({ item }) => item);
}
