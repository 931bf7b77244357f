/** What a kind of credential brings: verification and the state of what it depends on. */
import type { Dependencies } from '../deps.ts';
import type { KeyRefresh } from '../keys/key-refresh.ts';
import type { KeySetPool } from '../keys/key-set-pool.ts';
import type { Caller } from '../keys/look-up-grants.ts';
import type { AcceptPolicy, Limits, Policy } from '../policy/policy.ts';
import type { InvalidCredential, RefusalDetail } from '../refusals/refusal.ts';
import type { Credential, Verified } from './credential.ts';

/** Verifies one family of credentials for a whole policy. */
export interface KindVerifier {
  /** Which credentials it judges. */
  readonly family: Credential['family'];
  /**
   * Synchronous where neither I/O nor a key operation is needed. Whether the source counts here is part of it.
   * @param now epoch milliseconds
   * @param caller who shows it; default null: we ask ourselves
   */
  verify(
    credential: Credential,
    accept: AcceptPolicy,
    now: number,
    caller?: Caller | null,
  ): Verified | Promise<Verified>;
  /**
   * The same for what is known to be good already: null for all that would have to be judged, whatever comes of it,
   * and for whatever could be guessed by asking.
   */
  recognise(credential: Credential, accept: AcceptPolicy, now: number): Verified | null;
  /** Begins to obtain what it needs. */
  start(): void;
  /** Fetches keys now, as an operator asks; absent where nothing is fetched. Never rejects. */
  refreshKeys?(): Promise<readonly KeyRefresh[]>;
  readiness(now: number): readonly SourceReadiness[];
  /** Gives back what it holds; verifications under way still end. */
  close(): void;
}

/** Whether a source can judge yet. */
export interface SourceReadiness {
  /** Name in the policy. */
  readonly name: string;
  /** Had what it needs once; later trouble does not take it back. */
  readonly ready: boolean;
  /** For the operator: may name addresses. */
  readonly detail: string;
}

/** Makes a kind's verifier for a policy. */
export type CredentialKind = (policy: CredentialPolicy, context: KindContext) => KindVerifier;

/** The part of a policy that says who may vouch for callers. */
export type CredentialPolicy = Pick<Policy, 'issuers' | 'apiKeySets' | 'userLists'> & {
  readonly limits: Pick<Limits, 'tokenBytes'>;
};

export interface KindContext extends Dependencies {
  /** Key sets that outlive a policy. */
  readonly keySets: KeySetPool;
}

/** A 401 for a credential that was shown. */
export function invalidCredential(
  code: InvalidCredential['code'],
  reason: string,
  detail?: RefusalDetail,
): Verified & { readonly ok: false } {
  const refusal = { kind: 'invalid_credential' as const, code, reason };
  return { ok: false, refusal: detail === undefined ? refusal : { ...refusal, detail } };
}
