/**
 * Remembers for a short time which names and passwords were good, because a hash is made to be slow and callers
 * repeat themselves. Holds no password: only an HMAC of both under a key that this memory makes for itself.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { UserPass } from './user-pass.ts';

/** Milliseconds. */
const LIFE = 60_000;
const MOST_ENTRIES = 1_000;

interface Entry<Value> {
  readonly value: Value;
  readonly since: number;
}

/** Good ones only; what was refused is judged again. */
export class VerifiedPasswords<Value> {
  readonly #key = randomBytes(32);
  readonly #entries = new Map<string, Entry<Value>>();

  /** The name of a pair in here, which nobody can make elsewhere. */
  tagOf({ username, password }: UserPass): string {
    // Neither holds a NUL, so that no two pairs are one text.
    return createHmac('sha256', this.#key).update(`${username}\0${password}`).digest('base64');
  }

  /** A number below `count` that belongs to a name: the same each time, and foreseen by nobody. */
  pick(username: string, count: number): number {
    return createHmac('sha256', this.#key).update(`\0${username}`).digest().readUInt32BE(0) % count;
  }

  find(tag: string, now: number): Value | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return undefined;
    // A clock that was set back must not make it live longer.
    if (now >= entry.since && now < entry.since + LIFE) return entry.value;
    this.#entries.delete(tag);
    return undefined;
  }

  remember(tag: string, value: Value, now: number): void {
    this.#entries.delete(tag);
    this.#entries.set(tag, { value, since: now });
    if (this.#entries.size <= MOST_ENTRIES) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
