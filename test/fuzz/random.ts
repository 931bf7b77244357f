/** Numbers that look random and are the same for the same seed, so that a run can be repeated. */

/** A source of choices. */
export interface Random {
  /** A whole number from 0 up to, and without, the bound. */
  below(bound: number): number;
  /** One of the list. @throws when it is empty */
  pick<T>(list: readonly T[]): T;
}

/** Mulberry32: small, and good enough to choose mutations by. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (bound: number): number => next() % Math.max(1, bound);
  return {
    below,
    pick: (list) => {
      const index = below(list.length);
      const chosen = list[index];
      if (chosen === undefined && index >= list.length) throw new Error('nothing to pick from');
      return chosen as (typeof list)[number];
    },
  };
}
