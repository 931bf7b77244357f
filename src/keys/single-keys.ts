/**
 * Obtains single keys by their ids, and keeps those that are held fresh in the background: one fetch at a time for each
 * id, failures backed off for all of them, a key that the source no longer has withdrawn at once. Never asks an address
 * that an id could bend: see `keyAddress`.
 */

import { timeoutSignal } from '../timers.ts';
import { createAbsentKids } from './absent-kids.ts';
import { type Admission, admitKeys, type VerificationKey } from './admit-key.ts';
import { type FetchFailure, failureOf } from './fetch-cause.ts';
import type { Fetched, KeyTransport } from './fetch-keys.ts';
import { HeldKeys } from './held-keys.ts';
import type { KeySetDependencies, KeySetPolicy } from './key-set.ts';
import type { KeySetTally } from './key-set-status.ts';
import { Outage } from './outage.ts';
import { jwkOfPem } from './pem-keys.ts';
import type { KeyReport } from './report-keys.ts';
import { after, freshFor, pauseAfter } from './schedule.ts';

/** Ids that may become part of an address: nothing that could leave its segment, and no dot segment. */
const KID = /^(?!\.+$)[A-Za-z0-9._-]{1,128}$/;
/** Milliseconds; a provider may sign with a key a moment before it publishes it. */
const ABSENT_FOR = 30_000;
/**
 * Statuses that say of an id that there is no such key. A store of files answers 403 for what is not there, lest anybody
 * learn what is; others find the id malformed.
 */
const ABSENT: ReadonlySet<number> = new Set([400, 403, 404, 410]);
/** Those that say it of a key which was there before; the others may be a mistake in its rights. */
const GONE: ReadonlySet<number> = new Set([404, 410]);

/** What the source said of one id. */
export type Outcome = 'held' | 'absent' | 'failed';

/** The address of one key; null for an id that must not become part of one. */
export function keyAddress(template: string, kid: string): string | null {
  return KID.test(kid) ? template.replace('{kid}', () => kid) : null;
}

export interface SingleKeysOptions {
  readonly issuer: KeySetPolicy;
  readonly template: string;
  readonly transport: KeyTransport;
  readonly report: KeyReport;
  readonly tally: KeySetTally;
  readonly deps: KeySetDependencies;
}

/** The keys that tokens named lately. */
export class SingleKeys {
  readonly held: HeldKeys;
  readonly absent = createAbsentKids(ABSENT_FOR);
  /** Of the source, whichever key was asked for. */
  readonly outage = new Outage();
  readonly #options: SingleKeysOptions;
  readonly #flights = new Map<string, Promise<Outcome>>();
  #obtainedAt: number | null = null;
  #nextAt: number | null = null;
  #refreshing = false;
  #cancel: () => void = () => {};
  #closed = false;

  constructor(options: SingleKeysOptions) {
    this.#options = options;
    const { maxKeys, maxStale } = options.issuer.refresh;
    this.held = new HeldKeys({ mostKeys: maxKeys, maxStale });
  }

  /** How the last answers were, for the status. */
  get progress() {
    return {
      obtainedAt: this.#obtainedAt,
      failures: this.outage.failures,
      cause: this.outage.cause,
      failure: this.outage.failure,
      nextTryAt: this.#nextAt,
    };
  }

  /** Fetches under way, by key id. */
  get flights(): ReadonlyMap<string, Promise<Outcome>> {
    return this.#flights;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#options.transport.close();
  }

  /** One at a time for each id. It never rejects. */
  fetch(kid: string): Promise<Outcome> {
    const flight = this.#flights.get(kid);
    if (flight !== undefined) return flight;
    this.#options.tally.attempts += 1;
    const begun = this.#load(kid)
      .catch((error): Outcome => this.#fail(failureOf(error, this.#options.template)))
      .finally(() => {
        this.#flights.delete(kid);
        this.#plan();
      });
    this.#flights.set(kid, begun);
    return begun;
  }

  /** Fetches all held keys again, one after the other, up to the first failure. @returns whether there was none */
  async fetchAll(): Promise<boolean> {
    for (const kid of this.held.kids()) {
      // One that is under way may have begun too early.
      await this.#flights.get(kid);
      if (this.#closed || (await this.fetch(kid)) === 'failed') return false;
    }
    return true;
  }

  async #load(kid: string): Promise<Outcome> {
    const { issuer, template, transport, report, deps } = this.#options;
    const url = keyAddress(template, kid);
    if (url === null) return 'absent';
    const fetched = await transport.fetch(url, timeoutSignal(issuer.refresh.timeout));
    if (this.#closed) return 'failed';
    if (!fetched.ok) return this.#denied(kid, url, fetched);
    const { keys, ignored } = await admitPem(fetched.document.pem, kid, issuer.algorithms);
    report.ignored(ignored);
    if (keys.length > 0) return this.#obtained(kid, keys, fetched.maxAge);
    // A key that cannot verify never replaces a good one; of a new id it says that no token of it is good.
    if (this.held.has(kid))
      return this.#fail({ kind: 'body', status: 200, url, cause: 'holds no usable key' });
    this.#succeed(deps.now());
    this.absent.add(kid, deps.now());
    return 'absent';
  }

  #obtained(kid: string, keys: readonly VerificationKey[], maxAge: number | null): Outcome {
    const { issuer, report, deps } = this.#options;
    const now = deps.now();
    this.#succeed(now);
    const isNew = !this.held.has(kid);
    const refreshAt = now + freshFor(maxAge, issuer.refresh, this.#random());
    const replaced = this.held.put(kid, keys, { now, refreshAt });
    if (isNew || replaced) report.obtainedOne(kid, replaced);
    if (replaced) this.#tellWithdrawn(kid);
    return 'held';
  }

  /** No key came: there is none, it was taken back, or nobody can tell. */
  #denied(kid: string, url: string, { cause, failure }: Fetched & { readonly ok: false }): Outcome {
    const { issuer, report, deps } = this.#options;
    const status = failure?.kind === 'status' ? (failure.status ?? 0) : 0;
    const now = deps.now();
    if (!ABSENT.has(status)) return this.#fail(failure ?? { kind: 'other', status: null, url, cause });
    if (this.held.has(kid) && !GONE.has(status)) {
      // It is used while it is not too old, and nothing is said of other keys.
      this.held.postpone(kid, now + issuer.refresh.interval);
      report.deniedOne(kid, url, status);
      return 'held';
    }
    this.#succeed(now);
    this.absent.add(kid, now);
    if (this.held.withdraw(kid)) {
      report.withdrawnOne(kid);
      this.#tellWithdrawn(kid);
    }
    return 'absent';
  }

  #tellWithdrawn(kid: string): void {
    this.#options.tally.withdrawn += 1;
    this.#options.deps.onWithdrawal?.(this.#options.issuer.name, new Set([kid]));
  }

  #succeed(now: number): void {
    const { failures, since } = this.outage;
    this.#obtainedAt = now;
    this.outage.ends();
    if (failures > 0) this.#options.report.recovered(failures, since);
  }

  #fail(failure: FetchFailure): Outcome {
    const { issuer, deps, report, tally } = this.#options;
    const now = deps.now();
    tally.failures += 1;
    const cause = `${failure.url} ${failure.cause}`;
    this.outage.goesOn({ now, cause, failure });
    const { failures } = this.outage;
    const usable = this.held.size > 0;
    const pause = pauseAfter(failures, issuer.refresh, usable, this.#random());
    this.outage.pauseUntil(now + Math.min(pause, issuer.refresh.cooldown));
    const { usableUntil } = this.held;
    report.failed({ cause, failure, failures, pause, usableUntil, usable, obtainedAt: this.#obtainedAt });
    return 'failed';
  }

  /** The next background fetch: when the first key is due, but not between failed attempts. */
  #plan(): void {
    if (this.#closed || this.#refreshing) return;
    this.#cancel();
    const due = this.held.nextDue();
    const now = this.#options.deps.now();
    const delay = due === null ? null : Math.max(due.at - now, this.outage.pauseAt(now), 0);
    this.#nextAt = delay === null ? null : now + delay;
    if (delay !== null)
      this.#cancel = (this.#options.deps.after ?? after)(delay, () => void this.#refreshDue());
  }

  /** All that is due, one after the other; the first failure ends the round. */
  async #refreshDue(): Promise<void> {
    this.#refreshing = true;
    for (let due = this.held.nextDue(); due !== null && !this.#closed; due = this.held.nextDue()) {
      const now = this.#options.deps.now();
      if (due.at > now || this.outage.pauseAt(now) > 0) break;
      // What no token named for so long is forgotten; should one come, it is fetched again.
      if (now - due.usedAt > this.#options.issuer.refresh.maxStale) this.held.withdraw(due.kid);
      else await this.fetch(due.kid);
    }
    this.#refreshing = false;
    this.#plan();
  }

  #random(): number {
    return (this.#options.deps.random ?? Math.random)();
  }
}

async function admitPem(pem: unknown, kid: string, allowed: readonly string[]): Promise<Admission> {
  const jwk = jwkOfPem(pem, kid);
  if (typeof jwk === 'string') return { keys: [], ignored: [{ index: 0, kid, reason: jwk }] };
  return admitKeys([jwk], allowed);
}
