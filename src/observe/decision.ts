/**
 * The decision record: one log line for each request, which says what was decided and why. It is made
 * of a closed list of fields; no header, query, token, key or claim value is ever among them.
 */

import type { Principal } from '../credentials/credential.ts';
import type { Log } from '../deps.ts';
import type { Refusal } from '../refusals/refusal.ts';
import type { ExchangeOutcome } from '../upstream/forward-plan.ts';
import { visibleText } from './visible-text.ts';

/** What is known of a request when it ends. Absent knowledge is null. */
export interface DecisionRecord {
  readonly requestId: string;
  readonly peer: string;
  readonly method: string;
  readonly host: string;
  /** Canonical path without query; '' for bytes that were no request. */
  readonly path: string;
  readonly routeId: string | null;
  readonly principal: Principal | null;
  readonly refusal: Refusal | null;
  /** Status sent; 0 when the caller left before there was one. */
  readonly status: number;
  /** Milliseconds from the header's end to the answer's end. */
  readonly duration: number;
  readonly forwarded: ForwardedRecord | null;
}

/** What the exchange with the upstream adds. */
export interface ForwardedRecord {
  /** Name of the upstream in the policy; never its address. */
  readonly upstream: string;
  readonly outcome: ExchangeOutcome;
}

/** Longest untrusted text in a log line, in UTF-16 code units; more is cut and marked. */
const LONGEST = 512;

/** Writes the line: what failed, in us or in the upstream, at `warn`; all else at `info`. */
export function logDecision(log: Log, record: DecisionRecord): void {
  log.line(record.refusal !== null && record.status >= 500 ? 'warn' : 'info', members(record), 'request');
}

/** Written by hand, since it is on the hot path: untrusted text by `quote`, everything else is ours. */
function members(record: DecisionRecord): string {
  const { principal, refusal, forwarded } = record;
  let text =
    `"request_id":${quote(record.requestId)},"peer":${quote(record.peer)},"method":${quote(record.method)}` +
    `,"host":${quote(record.host)},"path":${quote(record.path)},"route":${quote(record.routeId ?? '')}` +
    `,"decision":"${decisionOf(record)}","status":${record.status},"duration_ms":${rounded(record.duration)}`;
  if (principal !== null) text += principalMembers(principal, refusal === null);
  if (forwarded !== null) text += forwardedMembers(forwarded);
  if (refusal !== null) text += refusalMembers(refusal, principal);
  return text;
}

function decisionOf(record: DecisionRecord): string {
  if (record.refusal === null) return record.forwarded === null ? 'answered' : 'allowed';
  return record.status >= 500 ? 'failed' : 'refused';
}

function principalMembers(principal: Principal, alone: boolean): string {
  const kind = `,"auth.kind":"${principal.kind}"`;
  // A refusal may name source and key id itself, and no member may occur twice.
  return alone ? kind + identified(principal.source, principal.kid ?? undefined) : kind;
}

function identified(source: string | undefined, kid: string | undefined): string {
  return member('auth.source', source) + member('auth.kid', kid);
}

function forwardedMembers({ upstream, outcome }: ForwardedRecord): string {
  let text = `,"upstream":${quote(upstream)}`;
  if (outcome.upstreamDuration >= 0) text += `,"upstream_ms":${rounded(outcome.upstreamDuration)}`;
  text += `,"bytes_in":${outcome.bytesIn},"bytes_out":${outcome.bytesOut}`;
  return outcome.end === 'complete' ? text : `${text},"end":"${outcome.end}"`;
}

function refusalMembers({ reason, detail }: Refusal, principal: Principal | null): string {
  return (
    member('auth.reason', reason) +
    identified(detail?.source ?? principal?.source, detail?.kid ?? principal?.kid ?? undefined) +
    member('auth.expected', detail?.expected) +
    member('auth.got', detail?.got) +
    member('cause', detail?.cause)
  );
}

function member(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${quote(value)}`;
}

/** Milliseconds with three decimals at most. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

/** Text that JSON writes as it is. */
const PLAIN = /^[A-Za-z0-9 ._~:/@%+,;=()*-]*$/;

/**
 * A JSON string of bounded length: untrusted text can neither forge a member or a line nor fill the log. Half of a
 * pair that was cut through is no character (RFC 7493 section 2.1), and many a reader of logs refuses its line.
 */
function quote(text: string): string {
  const bounded = shorten(text);
  return PLAIN.test(bounded) ? `"${bounded}"` : visibleText(JSON.stringify(bounded.toWellFormed()));
}

/** Text cut to the bound, with a mark where it was. */
export function shorten(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
