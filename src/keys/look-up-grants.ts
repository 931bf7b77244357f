/**
 * Grants look-ups for key ids that are not held: a few at once, then one each `cooldown`, however many tokens ask. Fair
 * between clients: a network that lately named an id that does not exist leaves the last one to others, so that made-up
 * ids do not use up what a client with a token of a new key needs.
 */
import { type After, createBucket } from './schedule.ts';

/** Who sent the token. */
export interface Caller {
  /** Address of the client, IPv6 by its /64; null for a check of our own. Asked for look-ups only. */
  network(): string | null;
}

/** Look-ups for unknown key ids that may follow each other at once. */
export const LOOK_UPS = 4;
/** Of these, how many a network that named an absent id leaves to others. */
export const RESERVED = 1;
/** Times `cooldown` that a network is remembered for that: fewer networks than these together cannot use up the reserve for long. */
export const REMEMBERED_COOLDOWNS = 60;
/** Networks that are remembered; of more, the oldest is forgotten. */
const MOST_NETWORKS = 10_000;
/** Longest wait, in milliseconds, for the right to one look-up more. */
export const LONGEST_WAIT = 2000;
/** Requests that may wait for it. */
export const MOST_WAITING = 256;

/** Why an id was not looked up, for the log. */
export const OVERASKED = 'too many key ids that are not held were named lately';

/** What is left of the look-ups of one issuer, for each network. */
export interface LookUpBudget {
  /** Takes one; false when there is none for this network. It counts as one for an absent id until `spare`. */
  take(now: number, network: string | null): boolean;
  /** Milliseconds until there is one for this network; 0 when there is. */
  wait(now: number, network: string | null): number;
  /** The look-up of this network did not end with an absent id. */
  spare(network: string | null): void;
  /** Puts one back that cost the source nothing. */
  giveBack(): void;
}

/**
 * All of them unspent.
 * @param cooldown milliseconds until one comes back
 */
export function createLookUpBudget(cooldown: number): LookUpBudget {
  const every = Math.max(1, cooldown);
  const bucket = createBucket(LOOK_UPS, every);
  const tookAt = new Map<string, number>();
  const reserveFor = (network: string | null, now: number): number => {
    const at = network === null ? undefined : tookAt.get(network);
    return at !== undefined && Math.abs(now - at) < REMEMBERED_COOLDOWNS * every ? RESERVED : 0;
  };
  const remember = (network: string, now: number): void => {
    tookAt.delete(network);
    tookAt.set(network, now);
    if (tookAt.size <= MOST_NETWORKS) return;
    for (const oldest of tookAt.keys()) {
      tookAt.delete(oldest);
      return;
    }
  };
  return {
    take: (now, network) => {
      if (!bucket.take(now, reserveFor(network, now))) return false;
      if (network !== null) remember(network, now);
      return true;
    },
    wait: (now, network) => bucket.wait(now, reserveFor(network, now)),
    spare: (network) => {
      if (network !== null) tookAt.delete(network);
    },
    giveBack: () => bucket.giveBack(),
  };
}

export interface LookUpGrants extends Pick<LookUpBudget, 'wait' | 'spare'> {
  /** An attempt now, the next one if that is soon, or null: not now. */
  next(now: number, network: string | null): Promise<void> | null;
  /** Lets those who wait go on at once. */
  end(): void;
}

export interface LookUpGrantsOptions {
  /** Milliseconds until one comes back. */
  readonly cooldown: number;
  /** Begins an attempt; it never rejects. */
  readonly attempt: () => Promise<void>;
  readonly now: () => number;
  readonly after: After;
}

/** Attempts that answer for all ids at once: requests that come shortly before the next one wait for it together. */
export function createLookUpGrants({ cooldown, attempt, now, after }: LookUpGrantsOptions): LookUpGrants {
  const budget = createLookUpBudget(cooldown);
  let waiting = 0;
  let grant: { readonly done: Promise<void>; readonly end: () => void } | null = null;
  /** One attempt for all requests that wait. */
  const grantAfter = (
    wait: number,
    network: string | null,
  ): { readonly done: Promise<void>; readonly end: () => void } => {
    const { promise: waited, resolve } = Promise.withResolvers<void>();
    const cancel = after(wait, resolve);
    const done = waited.then(() => {
      grant = null;
      budget.take(now(), network);
      return attempt();
    });
    const end = (): void => {
      cancel();
      resolve();
    };
    return { done, end };
  };
  return {
    next: (moment, network) => {
      if (budget.take(moment, network)) return attempt();
      const wait = budget.wait(moment, network);
      if (wait > LONGEST_WAIT || waiting >= MOST_WAITING) return null;
      waiting += 1;
      grant ??= grantAfter(wait, network);
      return grant.done.finally(() => {
        waiting -= 1;
      });
    },
    wait: budget.wait,
    spare: budget.spare,
    end: () => grant?.end(),
  };
}
