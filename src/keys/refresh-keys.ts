/**
 * Keeps one issuer's keys fresh in the background: one attempt at a time, the next one planned when it ends,
 * failures backed off, old keys kept until they are `max_stale` old. A set is replaced whole, never merged. Keys that an
 * earlier process kept in a file stand in until the source answers, and never after.
 */
import type { Dependencies } from '../deps.ts';
import type { RefreshPolicy } from '../policy/sources.ts';
import type { KeptKeys } from './kept-keys.ts';
import type { KeySetTally } from './key-set-status.ts';
import { buildKeyTable, type KeyTable, withdrawnKeys } from './key-table.ts';
import type { KeyLoader, LoadedKeys } from './load-keys.ts';
import { Outage } from './outage.ts';
import type { KeyReport } from './report-keys.ts';
import { type After, freshFor, pauseAfter } from './schedule.ts';

export interface RefresherOptions {
  readonly refresh: RefreshPolicy;
  /** Fetched keys are refreshed and grow stale; those that the policy holds are loaded once. */
  readonly fetched: boolean;
  /** The keys answer for any key id. */
  readonly anyKid: boolean;
  /** Keys that are tried for one token. */
  readonly mostTried: number;
  readonly loader: KeyLoader;
  /** Keys over a restart; null for none. */
  readonly kept: KeptKeys | null;
  readonly report: KeyReport;
  readonly tally: KeySetTally;
  /** Called when the new table is in force, with the ids of the keys that it lacks. */
  readonly onWithdrawal: (kids: ReadonlySet<string | null>) => void;
  readonly deps: Dependencies;
  readonly after: After;
  /** 0 to 1. */
  readonly random: () => number;
}

/** Holds the keys of one source and renews them: one attempt at a time, sooner after a failure, never more often than allowed. */
export class KeyRefresher {
  readonly outage = new Outage();
  readonly #options: RefresherOptions;
  #table: KeyTable | null = null;
  #unusable: ReadonlySet<string | null> = new Set();
  #generation = 0;
  #obtainedAt = 0;
  #begun = 0;
  #nextAt: number | null = null;
  #flight: Promise<void> | null = null;
  #cancel: () => void = () => {};
  #cancelExpiry: () => void = () => {};
  #toldExpiry = false;
  #closed = false;

  constructor(options: RefresherOptions) {
    this.#options = options;
  }

  /** The keys that may be used now, or null: none obtained yet, or older than `max_stale`. */
  tableAt(now: number): KeyTable | null {
    if (this.#table === null || !this.#options.fetched) return this.#table;
    return now > this.usableUntil ? null : this.#table;
  }

  /** Epoch milliseconds until which the keys that are held may be used; Infinity where they do not age. */
  get usableUntil(): number {
    return this.#options.fetched
      ? this.#obtainedAt + this.#options.refresh.maxStale
      : Number.POSITIVE_INFINITY;
  }

  /** Key ids of the last answer that belong to members which must not verify. */
  get unusable(): ReadonlySet<string | null> {
    return this.#unusable;
  }

  /** Grows whenever a key is withdrawn. */
  get generation(): number {
    return this.#generation;
  }

  /** How many attempts were begun: one begun later has a greater number. */
  get begun(): number {
    return this.#begun;
  }

  /** Epoch milliseconds of the planned attempt; null when none is. */
  get nextAt(): number | null {
    return this.#flight === null ? this.#nextAt : null;
  }

  /** Epoch milliseconds of the last good attempt; 0 when there was none. */
  get obtainedAt(): number {
    return this.#obtainedAt;
  }

  /** Whether keys were obtained at any time. */
  get everObtained(): boolean {
    return this.#table !== null;
  }

  /** The attempt under way. It never rejects. */
  get flight(): Promise<void> | null {
    return this.#flight;
  }

  /** Whether nothing is under way and, after a failure, nothing may be begun yet. */
  isPausing(now: number): boolean {
    return this.#flight === null && this.outage.pauseAt(now) > 0;
  }

  /** Joins the attempt under way or begins one. */
  refresh(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#flight !== null) return this.#flight;
    this.#cancel();
    this.#begun += 1;
    this.#options.tally.attempts += 1;
    const flight = this.#attempt()
      // A defect of ours must not end the process, nor the refreshes.
      .catch((error: unknown) => this.#fail(defect(error)))
      .finally(() => {
        this.#flight = null;
      });
    this.#flight = flight;
    return flight;
  }

  /** The same, reading metadata again too. */
  refreshWhole(): Promise<void> {
    if (this.#flight === null) this.#options.loader.forget?.();
    return this.refresh();
  }

  /** Ends timers and requests; keys that are held stay usable for requests still under way. */
  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#cancelExpiry();
    this.#options.loader.close();
  }

  async #attempt(): Promise<void> {
    const { loader, deps, report } = this.#options;
    let loaded: LoadedKeys;
    try {
      loaded = await loader.load(deps.now());
    } catch (error) {
      loaded = defect(error);
    }
    if (!loaded.ok && this.#table === null) await this.#recall();
    if (this.#closed) return;
    report.ignored(loaded.ignored);
    if (loaded.ok) this.#succeed(loaded);
    else this.#fail(loaded);
  }

  /** Puts the keys of an earlier process in force, judged anew; they are as old as they were then. */
  async #recall(): Promise<void> {
    const { kept, loader, deps, report } = this.#options;
    if (kept === null || loader.recall === undefined || this.#closed) return;
    const recalled = await kept.recall(deps.now());
    if (!recalled.ok) return report.notRecalled(recalled.reason);
    const loaded = await loader.recall(recalled.document);
    if (!loaded.ok) return report.notRecalled(loaded.cause);
    this.#table = buildKeyTable(loaded.keys, this.#options.anyKid, this.#options.mostTried);
    this.#obtainedAt = recalled.obtainedAt;
    report.recalled(this.#table, recalled.obtainedAt);
  }

  #succeed(loaded: LoadedKeys & { readonly ok: true }): void {
    const { deps, refresh, random, anyKid, mostTried, kept, report, tally } = this.#options;
    const table = buildKeyTable(loaded.keys, anyKid, mostTried);
    const before = this.#table;
    const withdrawn = before === null ? [] : withdrawnKeys(before, table).map((key) => key.kid);
    if (withdrawn.length > 0) this.#generation += 1;
    tally.withdrawn += new Set(withdrawn).size;
    const changed = before === null || withdrawn.length > 0 || before.keys.length !== table.keys.length;
    const { failures, since: failingSince } = this.outage;
    this.#cancelExpiry();
    this.#toldExpiry = false;
    this.#table = table;
    this.#unusable = new Set(loaded.ignored.map(({ kid }) => kid));
    this.#obtainedAt = deps.now();
    this.outage.ends();
    report.obtained({ table, withdrawn, changed, failures, failingSince });
    if (loaded.fetched !== undefined) kept?.keep(loaded.fetched.document, this.#obtainedAt);
    if (this.#options.fetched) this.#plan(freshFor(loaded.maxAge, refresh, random()));
    if (withdrawn.length > 0) this.#options.onWithdrawal(new Set(withdrawn));
  }

  #fail({ cause, failure }: LoadedKeys & { readonly ok: false }): void {
    const { deps, refresh, random, report, tally, fetched } = this.#options;
    const now = deps.now();
    tally.failures += 1;
    this.outage.goesOn({ now, cause, failure: failure ?? null });
    const { failures } = this.outage;
    const usable = this.tableAt(now) !== null;
    const pause = pauseAfter(failures, refresh, usable, random());
    // Whoever needs a new key need not wait as long as the background does.
    this.outage.pauseUntil(now + Math.min(pause, refresh.cooldown));
    const obtainedAt = this.everObtained ? this.#obtainedAt : null;
    const { usableUntil } = this;
    report.failed({ cause, failure, failures, pause, obtainedAt, usableUntil, usable });
    if (fetched) this.#plan(pause);
    if (usable) this.#planExpiry(now);
    else this.#tellExpiry();
  }

  /** Only in an outage do keys grow too old: the moment is told when it comes, not when somebody asks. */
  #planExpiry(now: number): void {
    this.#cancelExpiry();
    if (!Number.isFinite(this.usableUntil)) return;
    this.#cancelExpiry = this.#options.after(this.usableUntil - now + 1, () => {
      if (this.tableAt(this.#options.deps.now()) === null) this.#tellExpiry();
    });
  }

  /** Once in an outage. */
  #tellExpiry(): void {
    if (!this.everObtained || this.#toldExpiry) return;
    this.#toldExpiry = true;
    this.#options.report.expired(this.outage.failures, this.#obtainedAt);
  }

  #plan(delay: number): void {
    this.#nextAt = this.#options.deps.now() + delay;
    this.#cancel = this.#options.after(delay, () => void this.refresh());
  }
}

function defect(error: unknown): LoadedKeys & { readonly ok: false } {
  return { ok: false, cause: error instanceof Error ? error.message : 'failed', ignored: [] };
}
