/**
 * Reads an upstream's response header: what is for us alone is left out, and what does not frame one
 * response in one way only is refused (RFC 9112 section 6.3).
 */
import { connectionNominated, HOP_BY_HOP } from '../wire/hop-by-hop.ts';

/** A response header that is passed on. */
export interface ResponseHead {
  readonly ok: true;
  /** Flat list; names as sent. */
  readonly headers: string[];
  /** How the body ends: it has none, after a known number of bytes, by chunks, or with the connection. */
  readonly framing: 'none' | 'length' | 'chunked' | 'until_close';
  readonly eventStream: boolean;
}

export type ResponseHeadResult = ResponseHead | { readonly ok: false; readonly cause: string };

type Treatment = 'pass' | 'drop' | 'connection' | 'length' | 'coding' | 'type';

/** Names whose treatment is remembered, by spelling. Upstreams have few, but nobody has without bound. */
const REMEMBERED_NAMES = 1024;
const remembered = new Map<string, Treatment>();

/**
 * @param raw names and values in turn, as bytes
 * @param status with the method it decides whether there can be a body (RFC 9110 section 6.4.1)
 */
export function readResponseHead(raw: readonly Buffer[], status: number, method: string): ResponseHeadResult {
  const headers: string[] = [];
  let length: string | null = null;
  let coding: string | null = null;
  let connection = '';
  let eventStream = false;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]?.toString('latin1') ?? '';
    const value = raw[i + 1]?.toString('latin1') ?? '';
    const treatment = treatmentOf(name);
    if (treatment === 'drop') continue;
    if (treatment === 'connection') {
      connection = connection === '' ? value : `${connection},${value}`;
      continue;
    }
    if (treatment === 'coding') {
      if (coding !== null || value.toLowerCase() !== 'chunked') return refused('transfer_encoding');
      coding = value;
      continue;
    }
    if (treatment === 'length') {
      if (length !== null || !/^\d{1,16}$/.test(value)) return refused('content_length');
      length = value;
      // A response without content has no length of one (RFC 9110 section 8.6).
      if (status === 204) continue;
    }
    if (treatment === 'type') eventStream = isEventStream(value);
    headers.push(name, value);
  }
  if (length !== null && coding !== null) return refused('content_length_and_transfer_encoding');
  if (connection !== '') removeNominated(headers, connection);
  return { ok: true, headers, framing: framingOf(status, method, length, coding), eventStream };
}

function refused(cause: string): ResponseHeadResult {
  return { ok: false, cause };
}

function framingOf(
  status: number,
  method: string,
  length: string | null,
  coding: string | null,
): ResponseHead['framing'] {
  if (method === 'HEAD' || status === 204 || status === 304) return 'none';
  if (coding !== null) return 'chunked';
  if (length === null) return 'until_close';
  return length === '0' ? 'none' : 'length';
}

function treatmentOf(name: string): Treatment {
  let treatment = remembered.get(name);
  if (treatment === undefined) {
    treatment = judge(name.toLowerCase());
    if (remembered.size < REMEMBERED_NAMES) remembered.set(name, treatment);
  }
  return treatment;
}

function judge(name: string): Treatment {
  switch (name) {
    case 'connection':
      return 'connection';
    case 'content-length':
      return 'length';
    case 'transfer-encoding':
      return 'coding';
    case 'content-type':
      return 'type';
    // Tells of hops that are none of the caller's business (RFC 7239 section 8.2).
    case 'forwarded':
      return 'drop';
    default:
      return HOP_BY_HOP.has(name) ? 'drop' : 'pass';
  }
}

function removeNominated(headers: string[], connection: string): void {
  if (USUAL_CONNECTION.test(connection)) return;
  const nominated = connectionNominated(connection);
  let kept = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (nominated.has(name.toLowerCase())) continue;
    headers[kept] = name;
    headers[kept + 1] = headers[i + 1] ?? '';
    kept += 2;
  }
  headers.length = kept;
}

const USUAL_CONNECTION = /^(?:keep-alive|close)$/i;

function isEventStream(type: string): boolean {
  return /^text\/event-stream[ \t]*(?:;|$)/i.test(type);
}

/**
 * Marks an answer that was given for a credential which caches do not know as one (RFC 9110 section 16.4.2):
 * no shared cache may keep it for others, unless the upstream says something of its own.
 *
 * @param credentialHeader the header that carried it
 */
export function markPrivate(headers: string[], credentialHeader: string): void {
  let caching = false;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === 'cache-control') caching = true;
  }
  if (!caching) headers.push('Cache-Control', 'private');
  headers.push('Vary', credentialHeader);
}
