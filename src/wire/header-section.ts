/**
 * One pass over the header lines of a request as they came. Counts on the raw lines, because Node's own
 * objects keep the first of two values, join others, and cut a list that is too long.
 */
import type { Refusal } from '../refusals/refusal.ts';
import { isFieldText, isToken } from './header-grammar.ts';

/** Bounds of a request's header. */
export interface HeaderLimits {
  /** Bytes of all names and values, with the four of ': ' and the line end for each. */
  readonly headerBytes: number;
  /** Lines. */
  readonly headerCount: number;
}

/** What the wire rules need of a header section. A field is null when absent. */
export interface HeaderSection {
  readonly ok: true;
  /** Lower-case, parallel to the lines. */
  readonly names: readonly string[];
  readonly host: string | null;
  readonly contentLength: string | null;
  readonly transferEncoding: string | null;
  /** All lines joined by commas, as the two below. */
  readonly expect: string | null;
  readonly connection: string | null;
  readonly upgrade: string | null;
  readonly webSocketKey: string | null;
  readonly webSocketVersion: string | null;
}

/** Refused: too many lines or bytes (431), a line outside the grammar, or two lines of a field that has one value (400). */
export type HeaderSectionResult = HeaderSection | { readonly ok: false; readonly refusal: Refusal };

/** Reads a flat list of names and values in turn. */
export function readHeaderSection(rawHeaders: readonly string[], limits: HeaderLimits): HeaderSectionResult {
  if (rawHeaders.length > limits.headerCount * 2) return tooLarge('header_count');
  const names: string[] = [];
  const known: (string | null)[] = new Array(KNOWN_COUNT).fill(null);
  let bytes = 0;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const written = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    bytes += written.length + value.length + 4;
    if (!isToken(written)) return malformed('header_name');
    if (!isFieldText(value)) return malformed('header_value');
    const name = written.toLowerCase();
    names.push(name);
    const index = KNOWN.get(name);
    if (index === undefined) continue;
    const before = known[index] ?? null;
    if (before === null) known[index] = value;
    else if (index < LISTS) known[index] = `${before}, ${value}`;
    else return malformed('duplicate_field', name);
  }
  if (bytes > limits.headerBytes) return tooLarge('header_bytes');
  return sectionOf(names, known);
}

/**
 * Fields by index. Those before `LISTS` are lists, which may come in several lines (RFC 9110 section 5.3).
 * All others have one value by which the message is framed, routed, interpreted or judged, so that
 * whoever reads the other one of two reads another message: RFC 9112 sections 3.2 and 6 for the first
 * three, RFC 9110 section 5.5 for the rest, RFC 6455 sections 4.1 and 11.3 for those of the handshake.
 * Two Authorization or key fields are not here: they are ambiguous credentials, with an answer of their own.
 */
const FIELDS = [
  'expect',
  'connection',
  'upgrade',
  'host',
  'content-length',
  'transfer-encoding',
  'sec-websocket-key',
  'sec-websocket-version',
  'content-type',
  'content-range',
  'range',
  'if-range',
  'origin',
  'sec-fetch-site',
  'access-control-request-method',
];
const LISTS = 3;
const KNOWN_COUNT = FIELDS.length;
const KNOWN: ReadonlyMap<string, number> = new Map(FIELDS.map((name, index) => [name, index]));

function sectionOf(names: readonly string[], known: readonly (string | null)[]): HeaderSection {
  const [expect, connection, upgrade, host, contentLength, transferEncoding, key, version] = known;
  return {
    ok: true,
    names,
    host: host ?? null,
    contentLength: contentLength ?? null,
    transferEncoding: transferEncoding ?? null,
    expect: expect ?? null,
    connection: connection ?? null,
    upgrade: upgrade ?? null,
    webSocketKey: key ?? null,
    webSocketVersion: version ?? null,
  };
}

function malformed(reason: string, got?: string): HeaderSectionResult {
  return {
    ok: false,
    refusal: { kind: 'bad_request', reason, ...(got !== undefined && { detail: { got } }) },
  };
}

function tooLarge(reason: string): HeaderSectionResult {
  return { ok: false, refusal: { kind: 'header_too_large', reason } };
}
