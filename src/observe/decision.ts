/**
 * The decision record: one log line for each request, which says what was decided and why. It is made
 * of a closed list of fields; no header, query, token, key or claim value is ever among them.
 */

import type { Principal } from '../credentials/credential.ts';
import type { Log } from '../deps.ts';
import type { Refusal } from '../refusals/refusal.ts';
import type { ExchangeOutcome } from '../upstream/forward-plan.ts';

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

/** Writes the line: refusals at `info`, our own or the upstream's failures at `warn`, allowed ones at `info`. */
export function logDecision(log: Log, record: DecisionRecord): void {
  const fields = requestFields(record);
  if (record.principal !== null) addPrincipal(fields, record.principal);
  if (record.forwarded !== null) addForwarded(fields, record.forwarded);
  if (record.refusal === null) {
    log.info(fields, 'request');
    return;
  }
  addRefusal(fields, record.refusal);
  if (record.status >= 500) log.warn(fields, 'request');
  else log.info(fields, 'request');
}

type Fields = Record<string, string | number>;

function requestFields(record: DecisionRecord): Fields {
  return {
    request_id: record.requestId,
    peer: record.peer,
    method: record.method,
    host: shorten(record.host),
    path: shorten(record.path),
    route: record.routeId ?? '',
    decision: decisionOf(record),
    status: record.status,
    duration_ms: Math.round(record.duration * 1000) / 1000,
  };
}

function decisionOf(record: DecisionRecord): string {
  if (record.refusal === null) return record.forwarded === null ? 'answered' : 'allowed';
  return record.status >= 500 ? 'failed' : 'refused';
}

function addPrincipal(fields: Fields, principal: Principal): void {
  fields['auth.source'] = principal.source;
  fields['auth.kind'] = principal.kind;
  if (principal.kid !== null) fields['auth.kid'] = shorten(principal.kid);
}

function addForwarded(fields: Fields, forwarded: ForwardedRecord): void {
  const { outcome } = forwarded;
  fields.upstream = forwarded.upstream;
  if (outcome.upstreamDuration >= 0) {
    fields.upstream_ms = Math.round(outcome.upstreamDuration * 1000) / 1000;
  }
  fields.bytes_in = outcome.bytesIn;
  fields.bytes_out = outcome.bytesOut;
  if (outcome.end !== 'complete') fields.end = outcome.end;
}

function addRefusal(fields: Fields, refusal: Refusal): void {
  fields['auth.reason'] = refusal.reason;
  const detail = refusal.detail;
  if (detail === undefined) return;
  if (detail.source !== undefined) fields['auth.source'] = detail.source;
  if (detail.kid !== undefined) fields['auth.kid'] = shorten(detail.kid);
  if (detail.expected !== undefined) fields['auth.expected'] = shorten(detail.expected);
  if (detail.got !== undefined) fields['auth.got'] = shorten(detail.got);
  if (detail.cause !== undefined) fields.cause = shorten(detail.cause);
}

/** Untrusted text is cut to a bound; JSON escapes the rest, so no line can be forged. */
export function shorten(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
