/**
 * Keys of an issuer that publishes each in a document of its own, by key id (`key_uri`; load balancers of AWS). The id
 * comes from a token that nobody has verified yet, so it is made part of an address only if it is of a harmless
 * grammar, few unknown ids are looked up, and what was absent is remembered. An id that could not be looked up is our
 * failure (503); one that the source denies is the caller's (401).
 */
import type { VerificationKey } from './admit-key.ts';
import { createKeyTransport } from './fetch-keys.ts';
import { createRefreshQueue, type KeyRefresh } from './key-refresh.ts';
import type { KeyLookup, KeySet, KeySetDependencies, KeySetPolicy } from './key-set.ts';
import { createTally, type KeySetStatus } from './key-set-status.ts';
import { type Caller, createLookUpBudget, LONGEST_WAIT, MOST_WAITING, OVERASKED } from './look-up-grants.ts';
import { KeyReport } from './report-keys.ts';
import { after, retryAfterOf } from './schedule.ts';
import { keyAddress, type Outcome, SingleKeys } from './single-keys.ts';

/** Times that a request which waits for a look-up tries to get one of its own. */
const MOST_ROUNDS = 256;

/** A set that fetches a key when a token names it. */
export class KeyPerKid implements KeySet {
  readonly name: string;
  readonly #issuer: KeySetPolicy;
  readonly #template: string;
  readonly #deps: KeySetDependencies;
  readonly #single: SingleKeys;
  readonly #budget;
  readonly #report: KeyReport;
  readonly #tally = createTally();
  /** As the interface says, key by key; the first failure ends it. */
  readonly refreshNow: () => Promise<KeyRefresh>;
  #waiting = 0;

  constructor(issuer: KeySetPolicy, template: string, deps: KeySetDependencies) {
    this.name = issuer.name;
    this.#issuer = issuer;
    this.#template = template;
    this.#deps = deps;
    this.#budget = createLookUpBudget(issuer.refresh.cooldown);
    this.refreshNow = createRefreshQueue(() => this.#fetchNow(), deps, deps.after ?? after);
    this.#report = new KeyReport(issuer.name, null, deps);
    this.#single = new SingleKeys({
      issuer,
      template,
      transport: deps.transport ?? createKeyTransport(issuer),
      report: this.#report,
      tally: this.#tally,
      deps,
    });
  }

  async #fetchNow(): Promise<KeyRefresh> {
    const { held, outage } = this.#single;
    const isGood = await this.#single.fetchAll();
    const cause = isGood ? null : (outage.cause ?? 'closed');
    return { issuer: this.name, outcome: isGood ? 'fetched' : 'failed', cause, keys: held.count };
  }

  find(
    kid: string | null,
    algorithm: string,
    now: number,
    caller: Caller | null = null,
  ): KeyLookup | Promise<KeyLookup> {
    if (kid === null || keyAddress(this.#template, kid) === null) return this.#unknown(now);
    return this.#search(kid, algorithm, now) ?? this.#lookUp(kid, algorithm, caller);
  }

  /** After a bad signature: the key under that id may have been exchanged. Asked once in `cooldown`. */
  async findUntried(
    kid: string | null,
    algorithm: string,
    tried: readonly VerificationKey[],
  ): Promise<readonly VerificationKey[]> {
    const now = this.#deps.now();
    const held = kid === null ? null : this.#single.held.use(kid, now);
    if (kid === null || held === null || this.#single.closed) return [];
    const isAged =
      now - held.obtainedAt >= this.#issuer.refresh.cooldown && this.#single.outage.pauseAt(now) === 0;
    if (isAged) await this.#single.fetch(kid);
    const known = new Set(tried.map((key) => key.fingerprint));
    const keys = this.#single.held.use(kid, this.#deps.now())?.table.find(kid, algorithm) ?? [];
    return keys.filter((key) => !known.has(key.fingerprint));
  }

  generationAt(now: number): number {
    return this.#single.held.generationAt(now);
  }

  /** There is nothing to fetch before a token names a key. */
  start(): void {}

  status(): KeySetStatus {
    const { progress, held } = this.#single;
    return {
      name: this.name,
      ready: true,
      state: progress.failures > 0 ? 'stale' : 'fresh',
      keys: held.count,
      usableUntil: held.usableUntil,
      ...progress,
      counts: { ...this.#tally },
    };
  }

  close(): void {
    this.#single.close();
  }

  /** What is known of the id already; null when it has to be asked for. */
  #search(kid: string, algorithm: string, now: number): KeyLookup | null {
    const held = this.#single.held.use(kid, now);
    if (held === null) return this.#single.absent.has(kid, now) ? this.#unknown(now) : null;
    const keys = held.table.find(kid, algorithm);
    if (keys.length === 0) return { outcome: 'none', reason: 'no_key_for_algorithm' };
    if (this.#single.outage.failures > 0) this.#tally.stale += 1;
    return { outcome: 'found', keys, isCut: false };
  }

  async #lookUp(kid: string, algorithm: string, caller: Caller | null): Promise<KeyLookup> {
    const network = caller?.network() ?? null;
    this.#tally.lookUps += 1;
    const end = this.#deps.now() + LONGEST_WAIT;
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const now = this.#deps.now();
      const known = this.#search(kid, algorithm, now);
      if (known !== null) return known;
      const flight = this.#single.flights.get(kid);
      if (this.#single.closed || (flight === undefined && this.#single.outage.pauseAt(now) > 0)) break;
      const attempt = flight ?? this.#begin(kid, now, network);
      if (attempt === null) {
        if (now > end || !(await this.#waitForAny())) return this.#overasked(now, network);
      } else if ((await attempt) === 'failed') break;
    }
    return this.#unavailable(this.#deps.now());
  }

  /**
   * A look-up of an id that is not held, if one is left. Those that find a key cost nothing while there is room for it:
   * nobody can invent them, but whoever knows more of them than are held could have them fetched in turn without end.
   */
  #begin(kid: string, now: number, network: string | null): Promise<Outcome> | null {
    if (!this.#budget.take(now, network)) return null;
    const hadRoom = !this.#single.held.isFull;
    return this.#single.fetch(kid).then((outcome) => {
      if (outcome === 'held' && hadRoom) this.#budget.giveBack();
      if (outcome === 'failed' || (outcome === 'held' && hadRoom)) this.#budget.spare(network);
      return outcome;
    });
  }

  /** Waits until any look-up ends, which may give another one back; false when there is none to wait for. */
  async #waitForAny(): Promise<boolean> {
    if (this.#single.flights.size === 0 || this.#waiting >= MOST_WAITING) return false;
    this.#waiting += 1;
    await Promise.race(this.#single.flights.values());
    this.#waiting -= 1;
    return true;
  }

  #unknown(now: number): KeyLookup {
    this.#tally.unknown += 1;
    this.#report.unknown(now);
    return UNKNOWN;
  }

  #unavailable(now: number): KeyLookup {
    return {
      outcome: 'unavailable',
      retryAfter: retryAfterOf(this.#single.outage.pauseAt(now)),
      cause: this.#single.outage.cause ?? 'failed',
    };
  }

  /** The source was not asked, so it is not known whether the token is bad. */
  #overasked(now: number, network: string | null): KeyLookup {
    return {
      outcome: 'unavailable',
      retryAfter: retryAfterOf(this.#budget.wait(now, network)),
      cause: OVERASKED,
    };
  }
}

const UNKNOWN: KeyLookup = Object.freeze({ outcome: 'none', reason: 'unknown_kid' });
