/**
 * The list of credential kinds, and the one question asked of them all: who is this? A defect of ours while
 * answering is 503, never a yes. To add a kind, write its file and name it in the list.
 */
import type { Dependencies } from '../deps.ts';
import type { KeyRefresh } from '../keys/key-refresh.ts';
import { createKeySetPool, type KeySetPool } from '../keys/key-set-pool.ts';
import type { Caller } from '../keys/look-up-grants.ts';
import type { AcceptPolicy } from '../policy/policy.ts';
import { apiKey } from './api-key.ts';
import { basic } from './basic.ts';
import { bearerJwt } from './bearer-jwt.ts';
import type { Credential, Verified } from './credential.ts';
import type { CredentialKind, CredentialPolicy, KindVerifier, SourceReadiness } from './kind.ts';

const kinds: readonly CredentialKind[] = [bearerJwt, apiKey, basic];

/** Judges the credentials of one policy. */
export interface Verifiers {
  /**
   * Tokens go to the issuers, other bearer values to the key sets, passwords to the user lists. A good credential of a source that `accept` leaves out
   * is refused as `source_not_accepted`. Never throws and never rejects; synchronous for a cached token, an API key,
   * and all that is refused without a key.
   * @param now epoch milliseconds
   * @param caller who shows it; default null: we ask ourselves
   */
  verify(
    credential: Credential,
    accept: AcceptPolicy,
    now: number,
    caller?: Caller | null,
  ): Verified | Promise<Verified>;
  /** Lets in what costs a hash to know and nothing to guess; null for all else, good or bad. Never throws. */
  recognise(credential: Credential, accept: AcceptPolicy, now: number): Verified | null;
  /** One for each source; the gate is ready when all are. */
  ready(): readonly SourceReadiness[];
  /** Begins to obtain keys that are not held yet. */
  start(): void;
  /** Fetches the keys of all issuers now, as an operator asks; one entry for each. */
  refreshKeys(): Promise<readonly KeyRefresh[]>;
  /** Gives the key sets and threads back. Verifications under way still end. */
  close(): void;
}

/**
 * Verifiers for a policy. At a reload, make the new ones with the same pool before the old ones are closed: issuers
 * whose key source stayed the same then keep their keys, while the cache of verified tokens starts empty.
 */
export function createVerifiers(
  policy: CredentialPolicy,
  deps: Dependencies,
  keySets: KeySetPool = createKeySetPool(deps),
): Verifiers {
  const verifiers = kinds.map((kind) => kind(policy, { ...deps, keySets }));
  const families = new Map<Credential['family'], KindVerifier>();
  for (const verifier of verifiers) families.set(verifier.family, verifier);
  const broken = (error: unknown): Verified => {
    const name = error instanceof Error ? error.name : 'unknown';
    deps.log.error({ error: name }, 'a credential could not be judged');
    return BROKEN;
  };
  return {
    verify: (credential, accept, now, caller = null) => {
      try {
        const verified = families.get(credential.family)?.verify(credential, accept, now, caller) ?? BROKEN;
        return verified instanceof Promise ? verified.catch(broken) : verified;
      } catch (error) {
        return broken(error);
      }
    },
    recognise: (credential, accept, now) => {
      try {
        return families.get(credential.family)?.recognise(credential, accept, now) ?? null;
      } catch (error) {
        return broken(error);
      }
    },
    ready: () => verifiers.flatMap((verifier) => verifier.readiness(deps.now())),
    start: () => {
      for (const verifier of verifiers) verifier.start();
    },
    refreshKeys: async () =>
      (await Promise.all(verifiers.map(async (verifier) => (await verifier.refreshKeys?.()) ?? []))).flat(),
    close: () => {
      for (const verifier of verifiers) verifier.close();
    },
  };
}

const BROKEN: Verified = {
  ok: false,
  refusal: { kind: 'unavailable', reason: 'internal_error', retryAfter: 5 },
};
