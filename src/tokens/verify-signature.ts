/**
 * Verifies signatures with jose, a bounded number at a time: they run on the thread pool that also resolves
 * names and reads files, which a flood of bad tokens must not occupy.
 */
import { flattenedVerify } from 'jose/jws/flattened/verify';
import type { VerificationKey } from '../keys/admit-key.ts';
import type { ParsedToken } from './parse-token.ts';

/** The key that verified the token; `bad` when none of them did; `overloaded` when too many wait. */
export type SignatureVerdict = VerificationKey | 'bad' | 'overloaded';

export interface SignatureVerifier {
  /** Tries the keys in turn. Never rejects: with a key in hand every failure is the token's. */
  verify(token: ParsedToken, keys: readonly VerificationKey[]): Promise<SignatureVerdict>;
}

/** Twice the default size of the thread pool keeps it busy and lets others in between. */
const AT_ONCE = 8;
const MOST_QUEUED = 4096;

/** One for the process or the policy: the bound holds for what goes through it. */
export function createSignatureVerifier(atOnce = AT_ONCE, mostQueued = MOST_QUEUED): SignatureVerifier {
  const queue: (() => void)[] = [];
  let running = 0;
  return {
    verify: async (token, keys) => {
      if (running >= atOnce) {
        if (queue.length >= mostQueued) return 'overloaded';
        // Whoever ends hands its place over, so `running` stays as it is.
        await new Promise<void>((resolve) => queue.push(resolve));
      } else {
        running += 1;
      }
      try {
        return await tryKeys(token, keys);
      } finally {
        const next = queue.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}

async function tryKeys(token: ParsedToken, keys: readonly VerificationKey[]): Promise<SignatureVerdict> {
  const jws = { protected: token.protected, payload: token.payload, signature: token.signature };
  for (const key of keys) {
    try {
      // The algorithm is the key's: what the header says was only used to choose the key.
      await flattenedVerify(jws, key.key, { algorithms: [key.algorithm] });
      return key;
    } catch {
      // jose throws for a signature that does not fit, as for anything else about this key and this token.
    }
  }
  return 'bad';
}
