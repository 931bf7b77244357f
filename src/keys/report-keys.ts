/**
 * What the log says of an issuer's keys, for whoever is woken at night: each failed attempt once with what, where and
 * until when, the end of an outage and how long it lasted, and the moment when keys become too old. One line for each
 * attempt, never one for each request; nothing that a caller sent.
 */
import type { Dependencies } from '../deps.ts';
import { type IgnoredMember, NOT_FOR_SIGNATURES } from './admit-key.ts';
import type { FetchFailure } from './fetch-cause.ts';
import type { KeyTable } from './key-table.ts';
import { FOR_X509_SVIDS } from './spiffe-bundle.ts';

/** How things stand after a failed attempt. */
export interface FailedAttempt {
  readonly cause: string;
  readonly failure: FetchFailure | undefined;
  /** In a row. */
  readonly failures: number;
  /** Milliseconds until the next attempt. */
  readonly pause: number;
  /** Epoch milliseconds of the keys that are held; null when there are none. */
  readonly obtainedAt: number | null;
  /** Epoch milliseconds until which they may be used; Infinity for ever. */
  readonly usableUntil: number;
  /** Whether they may be used now. */
  readonly usable: boolean;
}

/** What a good attempt changed. */
export interface GoodAttempt {
  readonly table: KeyTable;
  readonly withdrawn: readonly (string | null)[];
  readonly changed: boolean;
  /** Failed attempts before, and epoch milliseconds of the first of these. */
  readonly failures: number;
  readonly failingSince: number;
}

/** At most one line in this time, in milliseconds, for tokens whose key id is not known. */
const UNKNOWN_EVERY = 60_000;

/** Writes the lines of one issuer. */
export class KeyReport {
  readonly #name: string;
  readonly #deps: Dependencies;
  /** `cache_file`; null for none. */
  readonly #file: string | null;
  #ignored = '[]';
  #recall: string | null = null;
  #unknown = 0;
  #unknownSaid = Number.NEGATIVE_INFINITY;

  constructor(name: string, file: string | null, deps: Dependencies) {
    this.#name = name;
    this.#file = file;
    this.#deps = deps;
  }

  failed({ cause, failure, failures, pause, obtainedAt, usableUntil, usable }: FailedAttempt): void {
    const { now, log } = this.#deps;
    const fields = {
      issuer: this.#name,
      url: failure?.url ?? null,
      kind: failure?.kind ?? null,
      status: failure?.status ?? null,
      cause,
      failures,
      keys_age_s: obtainedAt === null ? null : seconds(now() - obtainedAt),
      next_try_s: seconds(pause),
      held_until: usable && Number.isFinite(usableUntil) ? new Date(usableUntil).toISOString() : null,
    };
    if (usable) log.warn(fields, 'issuer keys could not be refreshed, the old ones are used');
    else log.error(fields, 'issuer keys could not be obtained, its tokens are answered with 503');
  }

  /** Silent about an attempt that changed nothing. */
  obtained({ table, withdrawn, changed, failures, failingSince }: GoodAttempt): void {
    const { now, log } = this.#deps;
    this.#recall = null;
    const kids = [...new Set(table.keys.map((key) => key.kid))];
    // A key has a form for each algorithm that it serves, and is one key all the same.
    const fields = { issuer: this.#name, kids, withdrawn: [...new Set(withdrawn)] };
    if (failures > 0) {
      const outage = { failures, outage_s: seconds(now() - failingSince) };
      log.info({ ...fields, ...outage }, 'issuer keys obtained again');
    } else if (changed) log.info(fields, 'issuer keys obtained');
    if (changed && table.keys.length === 0) {
      log.warn({ issuer: this.#name }, 'the bundle holds no key for JWT-SVIDs, all of them are refused');
    }
    if (changed && table.cutAlgorithms.length > 0) {
      log.warn(
        { issuer: this.#name, algorithms: table.cutAlgorithms },
        'more keys fit a token without key id than are tried for it; have the issuer name the key in its tokens (kid), or write refresh.max_keys of at most 16',
      );
    }
    if (changed && table.sharedKids.length > 0) {
      log.warn({ issuer: this.#name, kids: table.sharedKids }, 'several keys share one id, each is tried');
    }
  }

  /** A single key came, for the first time or in the place of another one. */
  obtainedOne(kid: string, replaced: boolean): void {
    const fields = { issuer: this.#name, kids: [kid], withdrawn: replaced ? [kid] : [] };
    this.#deps.log.info(fields, 'issuer keys obtained');
  }

  /** The source has a single key no more. */
  withdrawnOne(kid: string): void {
    this.#deps.log.info({ issuer: this.#name, kids: [], withdrawn: [kid] }, 'issuer key withdrawn');
  }

  /** A single key that is held is refused to us, by a status that need not mean that it is gone. */
  deniedOne(kid: string, url: string, status: number): void {
    const fields = { issuer: this.#name, kids: [kid], url, status };
    this.#deps.log.warn(fields, 'an issuer key is no longer given out');
  }

  /** An outage of a source of single keys is over, whatever it said of the one that was asked for. */
  recovered(failures: number, failingSince: number): void {
    const outage = { failures, outage_s: seconds(this.#deps.now() - failingSince) };
    this.#deps.log.info({ issuer: this.#name, ...outage }, 'issuer keys can be obtained again');
  }

  /** The keys that are held became older than `max_stale`. */
  expired(failures: number, obtainedAt: number): void {
    const age = seconds(this.#deps.now() - obtainedAt);
    const message = 'issuer keys are too old to be used, its tokens are answered with 503';
    this.#deps.log.error({ issuer: this.#name, failures, keys_age_s: age }, message);
  }

  /** Members that were left out: once, and again when that changes. */
  ignored(all: readonly IgnoredMember[]): void {
    const members = all.filter(({ reason }) => reason !== FOR_X509_SVIDS);
    const text = JSON.stringify(members);
    if (text === this.#ignored) return;
    this.#ignored = text;
    const others = members.filter(({ reason }) => reason === NOT_FOR_SIGNATURES);
    const faulty = members.filter(({ reason }) => reason !== NOT_FOR_SIGNATURES);
    const { log } = this.#deps;
    if (faulty.length > 0)
      log.warn({ issuer: this.#name, ignored: faulty }, 'members of a key set are not used');
    if (others.length === 0) return;
    log.info(
      { issuer: this.#name, ignored: others },
      'members of a key set are for another use than signatures',
    );
  }

  /** Keys of an earlier process are used, since none can be had. */
  recalled(table: KeyTable, obtainedAt: number): void {
    const kids = [...new Set(table.keys.map((key) => key.kid))];
    const fields = {
      issuer: this.#name,
      file: this.#file,
      kids,
      keys_age_s: seconds(this.#deps.now() - obtainedAt),
    };
    this.#deps.log.warn(fields, 'issuer keys are those of cache_file until its provider answers');
  }

  /** Why those of an earlier process are not used: once for each reason; null when there are none. */
  notRecalled(reason: string | null): void {
    if (reason === null || reason === this.#recall) return;
    this.#recall = reason;
    this.#deps.log.warn({ issuer: this.#name, file: this.#file, reason }, 'cache_file is not used');
  }

  /** Keys could not be kept for the next start. */
  notKept(cause: string): void {
    this.#deps.log.warn(
      { issuer: this.#name, file: this.#file, cause },
      'issuer keys could not be kept in cache_file',
    );
  }

  /** A token was refused because its key id is not known. Which id it was is in the line of the request. */
  unknown(now: number): void {
    this.#unknown += 1;
    const since = now - this.#unknownSaid;
    if (since >= 0 && since < UNKNOWN_EVERY) return;
    this.#deps.log.info(
      { issuer: this.#name, tokens: this.#unknown },
      'tokens refused: the issuer has no key of the id that they name',
    );
    this.#unknown = 0;
    this.#unknownSaid = now;
  }
}

function seconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds / 1000));
}
