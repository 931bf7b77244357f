/**
 * The keys that one issuer's tokens are verified with, whichever way its source gives them out. Tells apart what a
 * caller must answer for (no such key: 401) from what we must (keys cannot be had, or not be asked for now: 503). Never asks an address that a
 * token names.
 */
import type { Dependencies } from '../deps.ts';
import type { IssuerPolicy } from '../policy/sources.ts';
import type { VerificationKey } from './admit-key.ts';
import type { KeyTransport } from './fetch-keys.ts';
import { KeyPerKid } from './key-per-kid.ts';
import type { KeyRefresh } from './key-refresh.ts';
import type { KeySetStatus } from './key-set-status.ts';
import type { Caller } from './look-up-grants.ts';
import type { After } from './schedule.ts';
import { WholeKeySet } from './whole-key-set.ts';

export type KeyLookup =
  /** At least one, to be tried in turn; see key-issuer.ts for which of them. `isCut`: more fit than are tried. */
  | { readonly outcome: 'found'; readonly keys: readonly VerificationKey[]; readonly isCut?: boolean }
  | { readonly outcome: 'none'; readonly reason: 'unknown_kid' | 'no_key_for_algorithm' }
  /** Seconds for Retry-After, and the cause for the log. */
  | { readonly outcome: 'unavailable'; readonly retryAfter: number; readonly cause: string };

export interface KeySet {
  /** Name of the issuer entry in the policy. */
  readonly name: string;
  /**
   * Keys for a token's header. Synchronous when they are held; else waits for an attempt to obtain them
   * (`refresh.timeout` at most), or up to 2 s for the right to make one. Never throws or rejects.
   * @param kid null when the header has none
   * @param caller whose share of the look-ups is used for an id that is not held; null for a check of our own
   */
  find(
    kid: string | null,
    algorithm: string,
    now: number,
    caller?: Caller | null,
  ): KeyLookup | Promise<KeyLookup>;
  /**
   * Keys for the header beside those that verified nothing: the source may have put another key under the same id,
   * or added one to those without. Asks it again if what is held is older than `cooldown`, and
   * once in a while sooner. Never rejects.
   */
  findUntried(
    kid: string | null,
    algorithm: string,
    tried: readonly VerificationKey[],
  ): Promise<readonly VerificationKey[]>;
  /** Changes whenever a key is withdrawn; -1 while none may be used. A verdict holds as long as it stays the same. */
  generationAt(now: number): number;
  /** Begins to obtain keys; `find` does too. */
  start(): void;
  /** Fetches all keys now, whatever `cooldown` says, as an operator asks; see key-refresh.ts. Never rejects. */
  refreshNow(): Promise<KeyRefresh>;
  status(now: number): KeySetStatus;
  /** Ends timers and connections. Held keys stay usable for requests that are under way. */
  close(): void;
}

/** What a key set needs to know of an issuer. */
export type KeySetPolicy = Pick<
  IssuerPolicy,
  | 'name'
  | 'issuers'
  | 'tenants'
  | 'profile'
  | 'keys'
  | 'algorithms'
  | 'insecureHttp'
  | 'ca'
  | 'bearerTokenFile'
  | 'proxy'
  | 'redirects'
  | 'refresh'
>;

export interface KeySetDependencies extends Dependencies {
  /** Default: HTTP by undici. */
  readonly transport?: KeyTransport;
  /** Default: Node's timers, which do not keep the process alive. */
  readonly after?: After;
  /** Spreads refreshes of many gateways; default Math.random. */
  readonly random?: () => number;
  /**
   * Called when keys were withdrawn or replaced by others and the new ones are in force, so that open streams are
   * judged again: with the name of the issuer, and the ids of those keys.
   */
  readonly onWithdrawal?: (name: string, kids: ReadonlySet<string | null>) => void;
}

/** A key set that holds nothing yet; `start` or the first `find` begins to fill it. */
export function createKeySet(issuer: KeySetPolicy, deps: KeySetDependencies): KeySet {
  const { keys } = issuer;
  return keys.from === 'each' ? new KeyPerKid(issuer, keys.template, deps) : new WholeKeySet(issuer, deps);
}
