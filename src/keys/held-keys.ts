/**
 * Keys that were fetched one by one, each with its own age. Bounded: the one that was unused for longest goes first.
 * Knows neither where keys come from nor when to ask again.
 */
import type { VerificationKey } from './admit-key.ts';
import { buildKeyTable, type KeyTable } from './key-table.ts';

/** The key of one id, for each algorithm that it serves. */
export interface HeldKey {
  readonly table: KeyTable;
  /** Epoch milliseconds. */
  readonly obtainedAt: number;
  /** When it should be fetched again. */
  readonly refreshAt: number;
  readonly usedAt: number;
}

export interface HeldKeysOptions {
  readonly mostKeys: number;
  /** Milliseconds that a key may be used. */
  readonly maxStale: number;
}

/** A table by key id. */
export class HeldKeys {
  readonly #options: HeldKeysOptions;
  /** In the order of last use. */
  readonly #entries = new Map<string, HeldKey>();
  #generation = 0;
  /** The first moment at which some key is too old. */
  #oldestEnds = Number.POSITIVE_INFINITY;

  constructor(options: HeldKeysOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Keys, each counted once for each algorithm. */
  get count(): number {
    return [...this.#entries.values()].reduce((sum, { table }) => sum + table.keys.length, 0);
  }

  /** Epoch milliseconds until which all of them may be used. */
  get usableUntil(): number {
    return this.#oldestEnds;
  }

  /** Whether the next new key pushes another one out. */
  get isFull(): boolean {
    return this.#entries.size >= this.#options.mostKeys;
  }

  /** Grows whenever a key is withdrawn, replaced, grows too old, or has to go for another one. */
  generationAt(now: number): number {
    this.#expire(now);
    return this.#generation;
  }

  /** Ids of all of them. */
  kids(): readonly string[] {
    return [...this.#entries.keys()];
  }

  has(kid: string): boolean {
    return this.#entries.has(kid);
  }

  /** The key that may be used now, which counts as a use; null when there is none. */
  use(kid: string, now: number): HeldKey | null {
    this.#expire(now);
    const held = this.#entries.get(kid);
    if (held === undefined) return null;
    this.#entries.delete(kid);
    this.#entries.set(kid, { ...held, usedAt: now });
    return held;
  }

  /** Puts a key in force. @returns whether another key was under that id */
  put(kid: string, keys: readonly VerificationKey[], times: { now: number; refreshAt: number }): boolean {
    const before = this.#entries.get(kid);
    const table = buildKeyTable(keys);
    const replaced = before !== undefined && printOf(before.table) !== printOf(table);
    if (replaced) this.#generation += 1;
    this.#entries.delete(kid);
    const { now, refreshAt } = times;
    this.#entries.set(kid, { table, obtainedAt: now, refreshAt, usedAt: before?.usedAt ?? now });
    for (const unused of this.#entries.keys()) {
      if (this.#entries.size <= this.#options.mostKeys) break;
      this.#entries.delete(unused);
      // Nobody asks for it any more, so that nobody would see it withdrawn: what it verified must not be remembered.
      this.#generation += 1;
    }
    this.#measure();
    return replaced;
  }

  /** Puts the next fetch off; the key grows no younger. */
  postpone(kid: string, refreshAt: number): void {
    const held = this.#entries.get(kid);
    if (held !== undefined) this.#entries.set(kid, { ...held, refreshAt });
  }

  /** Takes a key away. @returns whether there was one */
  withdraw(kid: string): boolean {
    if (!this.#entries.delete(kid)) return false;
    this.#generation += 1;
    this.#measure();
    return true;
  }

  /** The id whose fetch is due first, and when; null when nothing is held. */
  nextDue(): { readonly kid: string; readonly at: number; readonly usedAt: number } | null {
    let next: { kid: string; at: number; usedAt: number } | null = null;
    for (const [kid, { refreshAt, usedAt }] of this.#entries) {
      if (next === null || refreshAt < next.at) next = { kid, at: refreshAt, usedAt };
    }
    return next;
  }

  #expire(now: number): void {
    if (now <= this.#oldestEnds) return;
    for (const [kid, { obtainedAt }] of this.#entries) {
      if (now <= obtainedAt + this.#options.maxStale) continue;
      this.#entries.delete(kid);
      this.#generation += 1;
    }
    this.#measure();
  }

  #measure(): void {
    const ends = [...this.#entries.values()].map(({ obtainedAt }) => obtainedAt + this.#options.maxStale);
    this.#oldestEnds = Math.min(Number.POSITIVE_INFINITY, ...ends);
  }
}

function printOf(table: KeyTable): string {
  return table.keys.map((key) => key.fingerprint).join(' ');
}
