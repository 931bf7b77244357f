/** What the gate decided about a request that it lets through, and how it hears of the exchange's end. */
import type { CredentialPlace, Principal } from '../credentials/credential.ts';
import type { AcceptPolicy, Route } from '../policy/policy.ts';
import type { Refusal } from '../refusals/refusal.ts';
import type { WireRequest } from '../wire/wire-request.ts';

export interface ForwardPlan {
  readonly wire: WireRequest;
  readonly route: Route;
  /** Origin-form target: the canonical path after `rewrite`, then the query byte for byte. */
  readonly target: string;
  /** Flat list of identity headers, set after everything else; null for anonymous callers. */
  readonly identity: readonly string[] | null;
  readonly requestId: string;
  /** The id that the client is told in the answer, unless the upstream tells one; null for none. */
  readonly answerId: string | null;
  /** Address of the connection's peer; 'unix' on a unix socket. */
  readonly peer: string;
  /** The peer is one of `trusted_proxies`. */
  readonly trusted: boolean;
  /** The connection from the peer is TLS. */
  readonly encrypted: boolean;
  /** Where credentials were looked for: caches must know that these fields decide. */
  readonly accept: AcceptPolicy;
  /**
   * Where the caller's credential was; null without one. Caches know only Authorization for a credential
   * (RFC 9111 section 3.5), so answers to others are marked (RFC 9110 section 16.4.2).
   */
  readonly place: CredentialPlace | null;
  /** Source and key that the caller's credential was verified with; null without one. */
  readonly vouchedBy: Pick<Principal, 'source' | 'kid'> | null;
  /** Epoch milliseconds at which the caller's credential ends; Infinity when it never does or there is none. */
  readonly expiresAt: number;
  /** The upstream lets shared caches keep its answer for others, though the caller used Authorization. */
  leftToOthers(): void;
  /**
   * The exchange came to nothing before a byte was answered, and the caller is still there: answer it.
   * Called at most once, and then `done` is not.
   */
  refused(refusal: Refusal): void;
  /** The exchange is over, for the log. Called exactly once unless `refused` was. */
  done(outcome: ExchangeOutcome): void;
}

/** How an exchange ended. */
export type ExchangeEnd =
  /** The whole answer was handed to the caller's connection. */
  | 'complete'
  /** The caller left before that. */
  | 'client_gone'
  /** The upstream broke off in the middle of its answer; the caller's connection was cut. */
  | 'upstream_cut'
  /** No byte moved for `idle_timeout`; the caller's connection was cut. */
  | 'idle'
  /** The request's body became longer than `body_bytes` after the answer had begun. */
  | 'body_too_long'
  /** An event stream or a WebSocket was ended because its credential did, or would be refused now. */
  | 'expired'
  /** This process stops: an event stream or a WebSocket was ended, or the drain was over before the exchange. */
  | 'going_away';

export interface ExchangeOutcome {
  /** Status passed on; 0 when there was none. */
  readonly status: number;
  readonly end: ExchangeEnd;
  /** Body bytes taken from the caller. */
  readonly bytesIn: number;
  /** Body bytes passed on to the caller. */
  readonly bytesOut: number;
  /** Milliseconds from handing the request to the connection pool to the upstream's response header; -1 when none came. */
  readonly upstreamDuration: number;
}
