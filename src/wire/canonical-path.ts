/**
 * The one form of a path that is both matched and forwarded (RFC 3986 section 6.2.2, RFC 9112 section 3.2).
 * Refuses everything that two readers might take for different paths, instead of repairing it.
 */
import { decodeSegments, pathReadings, splitSegments } from './path-readings.ts';
import type { ToleratedForm } from './wire-request.ts';

export interface CanonicalPath {
  readonly ok: true;
  /** Triplets of unreserved characters decoded, all others upper-case, the rest of RFC 3986's excluded characters encoded. */
  readonly path: string;
  /** Decoded once, without the empty one of a trailing slash. */
  readonly segments: readonly string[];
  /** Forms that are refused unless the route tolerates them. */
  readonly forms: readonly ToleratedForm[];
  /** All readings when there are forms, else empty. */
  readonly readings: readonly (readonly string[])[];
}

/** Why a path is refused, as a stable word for the log. */
export interface PathRefused {
  readonly ok: false;
  readonly reason:
    | 'path_not_absolute'
    | 'path_byte'
    | 'path_fragment'
    | 'path_backslash'
    | 'path_broken_triplet'
    | 'path_control'
    | 'path_invalid_utf8'
    | 'path_dot_segment'
    | 'path_too_many_readings';
}

/** Brings the path of a request target (without '?' and query) into its canonical form. */
export function canonicalizePath(raw: string): CanonicalPath | PathRefused {
  const segments = plainSegments(raw);
  if (segments === null) return canonicalizeAnyPath(raw);
  return { ok: true, path: raw, segments, forms: NO_FORMS, readings: NO_READINGS };
}

/** The general way, for every path. `canonicalizePath` equals it and is faster where nothing has to change. */
export function canonicalizeAnyPath(raw: string): CanonicalPath | PathRefused {
  if (raw.charCodeAt(0) !== SLASH) return refused('path_not_absolute');
  const fault = faultIn(raw);
  if (fault !== null) return refused(fault);
  const path = raw.replace(TO_CHANGE, canonicalPiece);
  let segments: readonly string[];
  try {
    segments = decodeSegments(splitSegments(path.slice(1)));
  } catch {
    return refused('path_invalid_utf8');
  }
  if (!AMBIGUOUS.test(path)) return judged(path, segments, NO_FORMS, NO_READINGS);
  const readings = pathReadings(path);
  if (readings === null) return refused('path_too_many_readings');
  return judged(path, segments, formsOf(path, readings), readings);
}

const SLASH = 0x2f;
const DOT = 0x2e;
const NO_FORMS: readonly ToleratedForm[] = Object.freeze([]);
const NO_READINGS: readonly (readonly string[])[] = Object.freeze([]);

/** Visible ASCII without '?', at which the target was cut. */
const NOT_PATH = /[^\x21-\x3e\x40-\x7e]/;
const BROKEN_TRIPLET = /%(?![0-9A-Fa-f]{2})/;
const CONTROL_TRIPLET = /%(?:[01][0-9A-Fa-f]|7[Ff])/;
const BACKSLASH = /\\|%5[Cc]/;
const TO_CHANGE = /%[0-9A-Fa-f]{2}|["<>[\]^`{|}]/g;
const UNRESERVED = /[A-Za-z0-9._~-]/;
const AMBIGUOUS = /%2F|;|%3B|\/\//;
/** Windows drops spaces at the end of a name, so that `..%20` is a dot segment there. */
const DOT_SEGMENT = /^\.{1,2} *$/;

function refused(reason: PathRefused['reason']): PathRefused {
  return { ok: false, reason };
}

/** The order is of no consequence to callers: all of these are one 400. */
function faultIn(raw: string): PathRefused['reason'] | null {
  if (NOT_PATH.test(raw)) return 'path_byte';
  if (raw.includes('#')) return 'path_fragment';
  if (BACKSLASH.test(raw)) return 'path_backslash';
  if (BROKEN_TRIPLET.test(raw)) return 'path_broken_triplet';
  if (CONTROL_TRIPLET.test(raw)) return 'path_control';
  return null;
}

function canonicalPiece(piece: string): string {
  if (piece.length === 1) return `%${piece.charCodeAt(0).toString(16).toUpperCase()}`;
  const character = String.fromCharCode(Number.parseInt(piece.slice(1), 16));
  return UNRESERVED.test(character) ? character : piece.toUpperCase();
}

function judged(
  path: string,
  segments: readonly string[],
  forms: readonly ToleratedForm[],
  readings: readonly (readonly string[])[],
): CanonicalPath | PathRefused {
  for (const reading of readings.length === 0 ? [segments] : readings) {
    for (const segment of reading) {
      if (segment.charCodeAt(0) === DOT && DOT_SEGMENT.test(segment)) return refused('path_dot_segment');
    }
  }
  return { ok: true, path, segments, forms, readings };
}

/** A form counts when it stands in the path or comes up in a reading (`/a/;x/b` without `;x` holds `//`). */
function formsOf(path: string, readings: readonly (readonly string[])[]): readonly ToleratedForm[] {
  const forms: ToleratedForm[] = [];
  if (path.includes('%2F')) forms.push('encoded_slash');
  if (path.includes(';') || path.includes('%3B')) forms.push('semicolon');
  if (readings.some((reading) => reading.includes(''))) forms.push('double_slash');
  return forms;
}

/** 1 for characters that stand for themselves in a path and in a segment. */
const PLAIN = new Uint8Array(128);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~!$&'()*+,=:@") {
  PLAIN[character.charCodeAt(0)] = 1;
}

/** One scan: the segments of a path that is canonical already and has but one reading, else null. */
function plainSegments(raw: string): readonly string[] | null {
  if (raw.charCodeAt(0) !== SLASH) return null;
  const segments: string[] = [];
  let start = 1;
  for (let i = 1; i < raw.length; i += 1) {
    const code = raw.charCodeAt(i);
    if (PLAIN[code] === 1) continue;
    if (code !== SLASH || !isPlainSegment(raw, start, i)) return null;
    segments.push(raw.slice(start, i));
    start = i + 1;
  }
  if (start < raw.length) {
    if (!isPlainSegment(raw, start, raw.length)) return null;
    segments.push(raw.slice(start));
  }
  return segments;
}

/** Neither empty nor '.' nor '..'. */
function isPlainSegment(raw: string, start: number, end: number): boolean {
  if (end - start > 2) return true;
  if (end === start) return false;
  return raw.charCodeAt(start) !== DOT || (end - start === 2 && raw.charCodeAt(start + 1) !== DOT);
}
