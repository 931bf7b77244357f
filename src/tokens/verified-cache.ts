/**
 * Remembers verified tokens by the SHA-256 of the whole token, so that the next request with one costs a hash and
 * a map look-up. Holds no token, is bounded in entries and bytes, and never decides: whoever asks checks that an
 * entry still stands.
 */
import { hash } from 'node:crypto';
import type { Verified } from '../credentials/credential.ts';
import type { KeySet } from '../keys/key-set.ts';

export interface CachedToken {
  /** Shared by all requests that show the token. */
  readonly verified: Verified & { readonly ok: true };
  readonly keySet: KeySet;
  /** Of the key set when the key was chosen: when it moved on, the entry is void. */
  readonly generation: number;
  /** Epoch milliseconds, leeway included: not good before, and not good from `validUntil` on. */
  readonly validFrom: number;
  readonly validUntil: number;
  /** Rough size in memory. */
  readonly bytes: number;
}

export interface VerifiedCache {
  get(digest: string): CachedToken | undefined;
  set(digest: string, token: CachedToken): void;
  delete(digest: string): void;
  /** For tests and metrics. */
  readonly size: number;
}

interface Slot {
  readonly token: CachedToken;
  /** Asked for since it was last looked at for eviction. */
  used: boolean;
}

const MOST_ENTRIES = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;

/** The name that a token goes by in the cache. */
export function digestOf(token: string): string {
  return hash('sha256', token, 'base64url');
}

/** An empty cache. When it is full the oldest entries that nobody asked for go first. */
export function createVerifiedCache(mostEntries = MOST_ENTRIES, mostBytes = MOST_BYTES): VerifiedCache {
  const slots = new Map<string, Slot>();
  let bytes = 0;
  const remove = (digest: string): void => {
    const slot = slots.get(digest);
    if (slot === undefined) return;
    slots.delete(digest);
    bytes -= slot.token.bytes;
  };
  // Second chance instead of strict recency: a hit then writes one flag and moves nothing.
  const evict = (): void => {
    for (const [digest, slot] of slots) {
      if (slots.size <= mostEntries && bytes <= mostBytes) return;
      slots.delete(digest);
      if (slot.used) {
        slot.used = false;
        slots.set(digest, slot);
      } else {
        bytes -= slot.token.bytes;
      }
    }
  };
  return {
    get: (digest) => {
      const slot = slots.get(digest);
      if (slot === undefined) return undefined;
      slot.used = true;
      return slot.token;
    },
    set: (digest, token) => {
      remove(digest);
      slots.set(digest, { token, used: false });
      bytes += token.bytes;
      evict();
    },
    delete: remove,
    get size() {
      return slots.size;
    },
  };
}
