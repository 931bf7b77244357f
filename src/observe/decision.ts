/**
 * The decision record: one log line for each request, which says what was decided and why. It is made
 * of a closed list of fields; no header, query, token, key or claim value but the subject is ever among them.
 */
import { hash } from 'node:crypto';
import type { Principal } from '../credentials/credential.ts';
import type { Log } from '../deps.ts';
import type { LogPolicy } from '../policy/policy.ts';
import type { Refusal } from '../refusals/refusal.ts';
import type { ExchangeOutcome } from '../upstream/forward-plan.ts';
import { visibleText } from './visible-text.ts';

/** What is known of a request when it ends. Absent knowledge is null. */
export interface DecisionRecord {
  readonly requestId: string;
  /** Address of the connection's peer; 'unix' on a unix socket. */
  readonly peer: string;
  /** The client: the peer, or whom trusted proxies name; null where their fields were not read. */
  readonly client: string | null;
  readonly method: string;
  readonly host: string;
  /** Canonical path without query; '' for bytes that were no request. */
  readonly path: string;
  readonly routeId: string | null;
  readonly principal: Principal | null;
  /** How to name the principal's subject (`log.subject`). */
  readonly subject: LogPolicy['subject'];
  readonly refusal: Refusal | null;
  /** Status sent; 0 when the caller left before there was one. */
  readonly status: number;
  /** Milliseconds from the header's end to the answer's end. */
  readonly duration: number;
  /** The exchange with the upstream; null where it came to no answer. */
  readonly forwarded: ExchangeOutcome | null;
  /** Name in the policy of the upstream that the gate chose, never its address; null where it chose none. */
  readonly upstream: string | null;
}

/** Longest untrusted text in a log line, in UTF-16 code units; more is cut and marked. */
const LONGEST = 512;

/** Writes the line: what failed, in us or in the upstream, at `warn`; all else at `info`. */
export function logDecision(log: Log, record: DecisionRecord): void {
  log.line(record.refusal !== null && record.status >= 500 ? 'warn' : 'info', members(record), 'request');
}

/** Written by hand, since it is on the hot path: untrusted text by `quote`, everything else is ours. */
function members(record: DecisionRecord): string {
  const { client, principal, refusal, forwarded, upstream } = record;
  let text = `"request_id":${quote(record.requestId)},"peer":${quote(record.peer)}`;
  if (client !== null) text += `,"client.address":${quote(client)}`;
  text +=
    `,"method":${quote(record.method)},"host":${quote(record.host)},"path":${quote(record.path)}` +
    `,"route":${quote(record.routeId ?? '')}` +
    `,"decision":"${decisionOf(record)}","status":${record.status},"duration_ms":${rounded(record.duration)}`;
  if (principal !== null) text += principalMembers(principal, refusal, record.subject);
  if (upstream !== null) text += `,"upstream":${quote(upstream)}`;
  if (forwarded !== null) text += forwardedMembers(forwarded);
  if (refusal !== null) text += refusalMembers(refusal, principal);
  return text;
}

function decisionOf(record: DecisionRecord): string {
  if (record.refusal === null) return record.forwarded === null ? 'answered' : 'allowed';
  return record.status >= 500 ? 'failed' : 'refused';
}

function principalMembers(
  principal: Principal,
  refusal: Refusal | null,
  subject: LogPolicy['subject'],
): string {
  let text = `,"auth.kind":"${principal.kind}"`;
  // A refusal may name source and key id itself, and no member may occur twice.
  if (refusal === null) text += identified(principal.source, principal.kid ?? undefined);
  if (principal.key !== undefined) text += member('auth.key', principal.key);
  return principal.subject === null ? text : text + subjectMember(principal.subject, subject);
}

/** Only for principals: what an unverified credential says of its subject says nothing. */
function subjectMember(subject: string, how: LogPolicy['subject']): string {
  switch (how) {
    case 'plain':
      return member('auth.subject', subject);
    case 'hashed':
      return `,"auth.subject":"${hash('sha256', subject).slice(0, 16)}"`;
    case 'none':
      return '';
  }
}

function identified(source: string | undefined, kid: string | undefined): string {
  return member('auth.source', source) + member('auth.kid', kid);
}

function forwardedMembers(outcome: ExchangeOutcome): string {
  let text = outcome.upstreamDuration >= 0 ? `,"upstream_ms":${rounded(outcome.upstreamDuration)}` : '';
  text += `,"bytes_in":${outcome.bytesIn},"bytes_out":${outcome.bytesOut}`;
  return outcome.end === 'complete' ? text : `${text},"end":"${outcome.end}"`;
}

function refusalMembers({ reason, detail }: Refusal, principal: Principal | null): string {
  return (
    member('auth.reason', reason) +
    identified(detail?.source ?? principal?.source, detail?.kid ?? principal?.kid ?? undefined) +
    member('auth.key', detail?.key) +
    seconds('auth.expired_for_s', detail?.expiredFor) +
    seconds('auth.valid_in_s', detail?.validIn) +
    seconds('auth.leeway_s', detail?.leeway) +
    member('auth.expected', detail?.expected) +
    member('auth.got', detail?.got) +
    member('cause', detail?.cause)
  );
}

function seconds(name: string, value: number | undefined): string {
  return value === undefined ? '' : `,"${name}":${value}`;
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
