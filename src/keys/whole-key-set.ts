/**
 * The keys of an issuer that come all at once: by discovery, from an address, from the policy, or as one secret. Decides
 * when the source is asked though keys are held, so that neither made-up key ids nor bad signatures make us ask more
 * than `cooldown` allows. The opposite is key-per-kid.ts.
 */
import { createAbsentKids } from './absent-kids.ts';
import { LONGEST_KID, type VerificationKey } from './admit-key.ts';
import { createKeyTransport } from './fetch-keys.ts';
import { keptKeysOf } from './kept-keys.ts';
import { createRefreshQueue, type KeyRefresh } from './key-refresh.ts';
import type { KeyLookup, KeySet, KeySetDependencies, KeySetPolicy } from './key-set.ts';
import { createTally, type KeySetStatus } from './key-set-status.ts';
import { type KeyTable, mostTriedOf } from './key-table.ts';
import { createKeyLoader } from './load-keys.ts';
import { type Caller, createLookUpGrants, OVERASKED } from './look-up-grants.ts';
import { KeyRefresher } from './refresh-keys.ts';
import { KeyReport } from './report-keys.ts';
import { after, type Bucket, createBucket, retryAfterOf } from './schedule.ts';

/** A bad signature may bring one attempt forward each so many times `cooldown`: keys without ids rotate unannounced. */
const EARLY_EACH = 6;

/** A set that is renewed whole. */
export class WholeKeySet implements KeySet {
  readonly name: string;
  readonly #issuer: KeySetPolicy;
  readonly #deps: KeySetDependencies;
  readonly #fetched: boolean;
  readonly #refresher: KeyRefresher;
  readonly #absent = createAbsentKids();
  /** Withdrawn ids, apart from those that tokens may make up: a flood of these must not push them out. */
  readonly #gone = createAbsentKids();
  readonly #early;
  readonly #report: KeyReport;
  readonly #tally = createTally();
  readonly #grants;
  /** As the interface says. */
  readonly refreshNow: () => Promise<KeyRefresh>;
  #closed = false;

  constructor(issuer: KeySetPolicy, deps: KeySetDependencies) {
    this.name = issuer.name;
    this.#issuer = issuer;
    this.#deps = deps;
    this.#fetched = issuer.keys.from === 'discovery' || issuer.keys.from === 'url';
    this.#report = new KeyReport(issuer.name, issuer.refresh.cacheFile, deps);
    this.#refresher = new KeyRefresher({
      refresh: issuer.refresh,
      fetched: this.#fetched,
      anyKid: issuer.keys.from === 'secret',
      mostTried: mostTriedOf(issuer),
      loader: createKeyLoader(issuer, deps.transport ?? createKeyTransport(issuer)),
      kept: this.#fetched ? keptKeysOf(issuer, (cause) => this.#report.notKept(cause)) : null,
      report: this.#report,
      tally: this.#tally,
      onWithdrawal: (kids) => this.#withdrawn(kids),
      deps,
      after: deps.after ?? after,
      random: deps.random ?? Math.random,
    });
    this.refreshNow = createRefreshQueue(() => this.#fetchNow(), deps, deps.after ?? after);
    this.#early = createBucket(1, Math.max(1, EARLY_EACH * issuer.refresh.cooldown));
    this.#grants = createLookUpGrants({
      cooldown: issuer.refresh.cooldown,
      attempt: () => this.#refresher.refresh(),
      now: deps.now,
      after: deps.after ?? after,
    });
  }

  find(
    kid: string | null,
    algorithm: string,
    now: number,
    caller: Caller | null = null,
  ): KeyLookup | Promise<KeyLookup> {
    const table = this.#refresher.tableAt(now);
    if (table === null) return this.#obtain(kid, algorithm, caller);
    const held = this.#search(table, kid, algorithm);
    if (held !== null) {
      return held.outcome === 'found' || !this.#isAged(now) ? held : this.#findAgain(kid, algorithm);
    }
    if (!isNameable(kid) || !this.#fetched) return this.#unknown(now);
    return this.#isAbsent(kid, now) ? this.#unknown(now) : this.#lookUp(kid, algorithm, caller);
  }

  async findUntried(
    kid: string | null,
    algorithm: string,
    tried: readonly VerificationKey[],
  ): Promise<readonly VerificationKey[]> {
    const untried = (): VerificationKey[] => {
      const known = new Set(tried.map((key) => key.fingerprint));
      const keys = this.#refresher.tableAt(this.#deps.now())?.find(kid, algorithm) ?? [];
      return keys.filter((key) => !known.has(key.fingerprint));
    };
    const held = untried();
    if (held.length > 0 || !this.#isAged(this.#deps.now(), this.#early)) return held;
    await this.#refresher.refresh();
    return untried();
  }

  generationAt(now: number): number {
    return this.#refresher.tableAt(now) === null ? -1 : this.#refresher.generation;
  }

  start(): void {
    void this.#refresher.refresh();
  }

  status(now: number): KeySetStatus {
    const refresher = this.#refresher;
    const { outage } = refresher;
    const table = refresher.tableAt(now);
    const held = refresher.everObtained ? 'expired' : 'waiting';
    return {
      name: this.name,
      ready: refresher.everObtained,
      state: table === null ? held : outage.failures > 0 ? 'stale' : 'fresh',
      keys: table?.keys.length ?? 0,
      obtainedAt: refresher.everObtained ? refresher.obtainedAt : null,
      usableUntil: refresher.usableUntil,
      failures: outage.failures,
      cause: outage.cause,
      failure: outage.failure,
      nextTryAt: refresher.nextAt,
      counts: { ...this.#tally },
    };
  }

  async #fetchNow(): Promise<KeyRefresh> {
    const issuer = this.name;
    if (!this.#fetched) {
      return { issuer, outcome: 'not_fetched', cause: 'its keys stand in the policy', keys: this.#keys };
    }
    // One that is under way may have begun too early.
    await this.#refresher.flight;
    await this.#refresher.refreshWhole();
    const { cause } = this.#refresher.outage;
    if (this.#closed) return { issuer, outcome: 'failed', cause: 'closed', keys: this.#keys };
    return { issuer, outcome: cause === null ? 'fetched' : 'failed', cause, keys: this.#keys };
  }

  get #keys(): number {
    return this.#refresher.tableAt(this.#deps.now())?.keys.length ?? 0;
  }

  close(): void {
    this.#closed = true;
    this.#grants.end();
    this.#refresher.close();
  }

  /**
   * Whether the source may be asked though it knows the key id: not within `cooldown` of the last answer, nor between
   * failed attempts. That bounds what bad signatures and known strangers can make us ask, whoever sends how many.
   * @param early grants what may be asked sooner
   */
  #isAged(now: number, early: Bucket | null = null): boolean {
    const { flight, obtainedAt } = this.#refresher;
    if (!this.#fetched || this.#closed || this.#refresher.isPausing(now)) return false;
    if (now - obtainedAt >= this.#issuer.refresh.cooldown) return true;
    return early !== null && (flight !== null || early.take(now));
  }

  /** The id is known, and no key of it fits the algorithm: it may have been given to another key. */
  async #findAgain(kid: string | null, algorithm: string): Promise<KeyLookup> {
    await this.#refresher.refresh();
    const now = this.#deps.now();
    const table = this.#refresher.tableAt(now);
    return (table === null ? null : this.#search(table, kid, algorithm)) ?? this.#unknown(now);
  }

  /** There are no keys: wait for the attempt under way, begin one, or, between two that failed, say so at once. */
  async #obtain(kid: string | null, algorithm: string, caller: Caller | null): Promise<KeyLookup> {
    const now = this.#deps.now();
    if (this.#refresher.isPausing(now)) return this.#unavailable(now);
    await this.#refresher.refresh();
    const later = this.#deps.now();
    const table = this.#refresher.tableAt(later);
    if (table === null) return this.#unavailable(later);
    const held = this.#search(table, kid, algorithm);
    if (held !== null) return held;
    return isNameable(kid) && this.#fetched ? this.#lookUp(kid, algorithm, caller) : this.#unknown(later);
  }

  /** Keys are held, but none of that id: it may be new. At most two attempts: one under way may have begun too early. */
  async #lookUp(kid: string, algorithm: string, caller: Caller | null): Promise<KeyLookup> {
    const refresher = this.#refresher;
    const seen = refresher.begun;
    const network = caller?.network() ?? null;
    this.#tally.lookUps += 1;
    for (let round = 0; round < 2; round += 1) {
      const now = this.#deps.now();
      // Between failed attempts, and after the last, it is not known whether the key exists.
      if (this.#closed || refresher.isPausing(now)) return this.#unavailable(now);
      const attempt = this.#nextAttempt(kid, now, network);
      if (attempt === null) return this.#unasked(kid, now, network);
      await attempt;
      const answered = this.#answered(kid, algorithm);
      if (answered !== null) {
        this.#grants.spare(network);
        return answered;
      }
      if (refresher.begun > seen) {
        this.#absent.add(kid, this.#deps.now());
        break;
      }
    }
    return this.#unknown(this.#deps.now());
  }

  /** What the attempt says of the id; null when its answer lacks it. */
  #answered(kid: string, algorithm: string): KeyLookup | null {
    const now = this.#deps.now();
    const table = this.#refresher.tableAt(now);
    if (table === null || this.#refresher.outage.failures > 0) return this.#unavailable(now);
    return this.#search(table, kid, algorithm);
  }

  /** Nothing was asked for this id: 401 if an answer that is young lacked it, else it is not known whether it exists. */
  #unasked(kid: string, now: number, network: string | null): KeyLookup {
    const { failures } = this.#refresher.outage;
    if (failures > 0) return this.#unavailable(now);
    if (this.#isAbsent(kid, now)) return this.#unknown(now);
    return {
      outcome: 'unavailable',
      retryAfter: retryAfterOf(this.#grants.wait(now, network)),
      cause: OVERASKED,
    };
  }

  /** The attempt under way, a new one if one is granted, the next one if that is soon; else null. */
  #nextAttempt(kid: string, now: number, network: string | null): Promise<void> | null {
    if (this.#refresher.flight !== null) return this.#refresher.flight;
    // An id that was absent before is asked for again when the set has aged, at no cost to ids that are new.
    if (this.#wasAbsent(kid, now)) return this.#isAged(now) ? this.#refresher.refresh() : null;
    return this.#grants.next(now, network);
  }

  /** Whether an answer lacked the id, or had it for a key that must not verify, and is young still. */
  #isAbsent(kid: string, now: number): boolean {
    return this.#wasAbsent(kid, now) && !this.#isAged(now);
  }

  #wasAbsent(kid: string, now: number): boolean {
    return this.#absent.has(kid, now) || this.#gone.has(kid, now) || this.#refresher.unusable.has(kid);
  }

  /** Null: this set cannot tell, the key may be newer. */
  #search(table: KeyTable, kid: string | null, algorithm: string): KeyLookup | null {
    const keys = table.find(kid, algorithm);
    if (keys.length === 0) return kid === null || table.hasKid(kid) ? UNFIT : null;
    if (this.#refresher.outage.failures > 0) this.#tally.stale += 1;
    return { outcome: 'found', keys, isCut: table.isCut(kid, algorithm) };
  }

  /** The answer that lacks them proves them absent: judging open streams again must not ask the source once more. */
  #withdrawn(kids: ReadonlySet<string | null>): void {
    const now = this.#deps.now();
    const table = this.#refresher.tableAt(now);
    for (const kid of kids) if (kid !== null && table?.hasKid(kid) === false) this.#gone.add(kid, now);
    this.#deps.onWithdrawal?.(this.name, kids);
  }

  #unknown(now: number): KeyLookup {
    this.#tally.unknown += 1;
    this.#report.unknown(now);
    return UNKNOWN;
  }

  #unavailable(now: number): KeyLookup {
    const { outage } = this.#refresher;
    const cause = outage.cause ?? 'not asked yet';
    return { outcome: 'unavailable', retryAfter: retryAfterOf(outage.pauseAt(now)), cause };
  }
}

const UNKNOWN: KeyLookup = Object.freeze({ outcome: 'none', reason: 'unknown_kid' });
const UNFIT: KeyLookup = Object.freeze({ outcome: 'none', reason: 'no_key_for_algorithm' });

/** Whether any set can have a key of that id; what none can have is neither asked for nor remembered. */
function isNameable(kid: string | null): kid is string {
  return kid !== null && kid.length <= LONGEST_KID;
}
