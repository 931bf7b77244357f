/**
 * Remembers key ids that a fresh set was found not to have, so that one stale token costs one look-up. How long that
 * holds is not decided here: a set that has aged may have the key meanwhile.
 */

/** Bound on entries; the oldest goes first. */
const MOST_ENTRIES = 1000;
/** Milliseconds. */
const REMEMBERED_FOR = 600_000;

export interface AbsentKids {
  has(kid: string, now: number): boolean;
  add(kid: string, now: number): void;
}

/**
 * An empty memory.
 * @param rememberedFor milliseconds
 */
export function createAbsentKids(rememberedFor = REMEMBERED_FOR): AbsentKids {
  const until = new Map<string, number>();
  return {
    has: (kid, now) => {
      const end = until.get(kid);
      // A clock that jumped back must not make the memory last.
      return end !== undefined && now < end && now >= end - rememberedFor;
    },
    add: (kid, now) => {
      until.delete(kid);
      until.set(kid, now + rememberedFor);
      if (until.size <= MOST_ENTRIES) return;
      for (const oldest of until.keys()) {
        until.delete(oldest);
        return;
      }
    },
  };
}
