/**
 * Keeps one issuer's keys fresh in the background: one attempt at a time, the next one planned when it ends,
 * failures backed off, old keys kept until they are `max_stale` old. A set is replaced whole, never merged.
 */
import type { Dependencies } from '../deps.ts';
import type { RefreshPolicy } from '../policy/sources.ts';
import type { IgnoredMember } from './admit-key.ts';
import { buildKeyTable, type KeyTable, withdrawnKeys } from './key-table.ts';
import type { KeyLoader, LoadedKeys } from './load-keys.ts';
import { type After, freshFor, pauseAfter } from './schedule.ts';

export interface RefresherOptions {
  /** Name in the policy, for the log. */
  readonly name: string;
  readonly refresh: RefreshPolicy;
  /** Fetched keys are refreshed and grow stale; those that the policy holds are loaded once. */
  readonly fetched: boolean;
  /** The keys answer for any key id. */
  readonly anyKid: boolean;
  readonly loader: KeyLoader;
  readonly deps: Dependencies;
  readonly after: After;
  /** 0 to 1. */
  readonly random: () => number;
}

/** Holds the keys of one source and renews them: one attempt at a time, sooner after a failure, never more often than allowed. */
export class KeyRefresher {
  readonly #options: RefresherOptions;
  #table: KeyTable | null = null;
  #generation = 0;
  #obtainedAt = 0;
  #begun = 0;
  #failures = 0;
  #cause = 'not asked yet';
  #retryAt = 0;
  #flight: Promise<void> | null = null;
  #cancel: () => void = () => {};
  #closed = false;
  #ignored = '[]';

  constructor(options: RefresherOptions) {
    this.#options = options;
  }

  /** The keys that may be used now, or null: none obtained yet, or older than `max_stale`. */
  tableAt(now: number): KeyTable | null {
    if (this.#table === null || !this.#options.fetched) return this.#table;
    return now - this.#obtainedAt > this.#options.refresh.maxStale ? null : this.#table;
  }

  /** Grows whenever a key is withdrawn. */
  get generation(): number {
    return this.#generation;
  }

  /** How many attempts were begun: one begun later has a greater number. */
  get begun(): number {
    return this.#begun;
  }

  /** Attempts that failed since the last good one. */
  get failures(): number {
    return this.#failures;
  }

  /** Why the last attempt failed. */
  get cause(): string {
    return this.#cause;
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

  /** Milliseconds until the next try after a failure; 0 when one may be begun at once. */
  pauseAt(now: number): number {
    return this.#failures === 0 ? 0 : Math.max(0, this.#retryAt - now);
  }

  /** Joins the attempt under way or begins one. */
  refresh(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#flight !== null) return this.#flight;
    this.#cancel();
    this.#begun += 1;
    const flight = this.#attempt().finally(() => {
      this.#flight = null;
    });
    this.#flight = flight;
    return flight;
  }

  /** Ends timers and requests; keys that are held stay usable for requests still under way. */
  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#options.loader.close();
  }

  async #attempt(): Promise<void> {
    const { loader, deps } = this.#options;
    let loaded: LoadedKeys;
    try {
      loaded = await loader.load(deps.now());
    } catch (error) {
      loaded = { ok: false, cause: error instanceof Error ? error.message : 'failed', ignored: [] };
    }
    if (this.#closed) return;
    this.#report(loaded.ignored);
    if (loaded.ok) this.#succeed(loaded);
    else this.#fail(loaded.cause);
  }

  #succeed(loaded: LoadedKeys & { readonly ok: true }): void {
    const { name, deps, refresh, random, anyKid } = this.#options;
    const table = buildKeyTable(loaded.keys, anyKid);
    const before = this.#table;
    const withdrawn = before === null ? [] : withdrawnKeys(before, table);
    if (withdrawn.length > 0) this.#generation += 1;
    const changed = before === null || withdrawn.length > 0 || before.keys.length !== table.keys.length;
    if (changed || this.#failures > 0) {
      const kids = [...new Set(table.keys.map((key) => key.kid))];
      deps.log.info(
        { issuer: name, kids, withdrawn: withdrawn.map((key) => key.kid) },
        'issuer keys obtained',
      );
    }
    if (changed && table.sharedKids.length > 0) {
      deps.log.warn({ issuer: name, kids: table.sharedKids }, 'several keys share one id, each is tried');
    }
    this.#table = table;
    this.#obtainedAt = deps.now();
    this.#failures = 0;
    this.#cause = '';
    if (this.#options.fetched) this.#plan(freshFor(loaded.maxAge, refresh, random()));
  }

  #fail(cause: string): void {
    const { name, deps, refresh, random } = this.#options;
    this.#failures += 1;
    this.#cause = cause;
    const now = deps.now();
    const usable = this.tableAt(now) !== null;
    const pause = pauseAfter(this.#failures, refresh, usable, random());
    // Whoever needs a new key need not wait as long as the background does.
    this.#retryAt = now + Math.min(pause, refresh.cooldown);
    const fields = { issuer: name, cause, failures: this.#failures, retry_in_ms: pause };
    if (usable) deps.log.warn(fields, 'issuer keys could not be refreshed, the old ones are used');
    else deps.log.error(fields, 'issuer keys could not be obtained, its tokens are answered with 503');
    if (this.#options.fetched) this.#plan(pause);
  }

  /** Says once what was left out, and again when that changes. */
  #report(ignored: readonly IgnoredMember[]): void {
    const text = JSON.stringify(ignored);
    if (text === this.#ignored) return;
    this.#ignored = text;
    if (ignored.length === 0) return;
    this.#options.deps.log.warn({ issuer: this.#options.name, ignored }, 'members of a key set are not used');
  }

  #plan(delay: number): void {
    this.#cancel = this.#options.after(delay, () => void this.refresh());
  }
}
