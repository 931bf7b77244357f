/**
 * The budget of failed credentials (`limits.failed_credentials`): which refusals take from it, whose it is, and what is
 * said when it is used up. Knows nothing of routes, so that what it refuses tells nothing of them.
 */
import type { Dependencies, Log } from '../deps.ts';
import type { FailedCredentialsPolicy, Policy } from '../policy/policy.ts';
import { KEYS_NOT_TRIED, type Refusal } from '../refusals/refusal.ts';
import { isLoopback, networkOf, readAddress } from '../wire/network-address.ts';
import { clientAddress, type Visitor } from './client-address.ts';
import { FailureBuckets } from './failure-buckets.ts';

/** How often each has happened since the buckets were made. */
export interface FailureCounts {
  failed: number;
  /** Peers that used up theirs. */
  emptied: number;
  /** Requests that were answered 429. */
  refused: number;
}

/** Milliseconds between two lines on emptied buckets: whoever has many addresses must not fill the log. */
const QUIET = 1000;

/** What outlives a reload. */
interface Ledger {
  readonly buckets: FailureBuckets;
  readonly counts: FailureCounts;
}

/** The budgets of all peers under one policy. */
export class FailedCredentials {
  readonly #policy: Policy;
  readonly #terms: FailedCredentialsPolicy;
  readonly #log: Log;
  readonly #ledger: Ledger;
  #lastLine = Number.NEGATIVE_INFINITY;
  #untold = 0;

  /** @param previous whose ledger is carried on where the rate is the same */
  constructor(policy: Policy, terms: FailedCredentialsPolicy, log: Log, previous: FailedCredentials | null) {
    this.#policy = policy;
    this.#terms = terms;
    this.#log = log;
    this.#ledger =
      previous !== null && isSameRate(previous.#terms, terms)
        ? previous.#ledger
        : {
            buckets: new FailureBuckets(terms.perPeer),
            counts: { failed: 0, emptied: 0, refused: 0 },
          };
  }

  /** For tests and metrics. */
  get counts(): Readonly<FailureCounts> & { readonly peers: number } {
    return { ...this.#ledger.counts, peers: this.#ledger.buckets.size };
  }

  /**
   * Seconds until a credential of this visitor would be judged again; 0 when it would be now. While no bucket is empty
   * it is not even asked who the visitor is.
   * @param now epoch milliseconds
   */
  wait(visitor: Visitor, now: number): number {
    const { buckets } = this.#ledger;
    if (!buckets.someEmpty(now)) return 0;
    const peer = this.#peerOf(visitor);
    return peer === null ? 0 : Math.ceil(buckets.wait(peer, now) / 1000);
  }

  /**
   * Takes note of how a visitor was refused who did not show who they are. An expired token that is good otherwise is
   * how clients learn that it is time for a new one; it stays known, so that showing it again is no work either. A token
   * that fits one of the keys which were not tried would be good, so that it is not known to have failed.
   */
  note(visitor: Visitor, refusal: Refusal, now: number): void {
    const { buckets, counts } = this.#ledger;
    if (refusal.kind === 'rate_limited') counts.refused += 1;
    if (refusal.kind !== 'invalid_credential' || refusal.code === 'token_expired') return;
    if (refusal.reason === KEYS_NOT_TRIED) return;
    const peer = this.#peerOf(visitor);
    if (peer === null) return;
    counts.failed += 1;
    if (!buckets.take(peer, now)) return;
    counts.emptied += 1;
    this.#tell(peer, now);
  }

  /** Null for those who are not counted. */
  #peerOf(visitor: Visitor): string | null {
    const { loopback, aggregates } = this.#terms;
    const { address, isProxy } = clientAddress(visitor, this.#policy);
    if (isProxy) return aggregates ? address : null;
    // By the connection: that a field names loopback says nothing of where somebody is.
    if (!loopback && isLoopback(readAddress(visitor.peer) ?? '') && !visitor.trusted) return null;
    return networkOf(address);
  }

  #tell(peer: string, now: number): void {
    // Either way, so that a clock that was set back silences nothing.
    if (Math.abs(now - this.#lastLine) < QUIET) {
      this.#untold += 1;
      return;
    }
    this.#log.warn(
      { client: peer, others: this.#untold },
      'too many failed credentials: further ones from this address are answered 429 for a while; if it is a proxy of yours, name it in trusted_proxies',
    );
    this.#lastLine = now;
    this.#untold = 0;
  }
}

/** The budget of a policy; null where it has none. */
export function createFailedCredentials(
  policy: Policy,
  { log }: Dependencies,
  previous: FailedCredentials | null,
): FailedCredentials | null {
  const terms = policy.limits.failedCredentials;
  return terms === null ? null : new FailedCredentials(policy, terms, log, previous);
}

function isSameRate(one: FailedCredentialsPolicy, other: FailedCredentialsPolicy): boolean {
  return one.perPeer.count === other.perPeer.count && one.perPeer.period === other.perPeer.period;
}
