/**
 * Targets and paths as configuration.md, Semantics, "Path" and "tolerate", and RFC 9112 section 3.2 say. Written apart from
 * the product: by splitting and replacing text, where the product walks over it once.
 */
import type { Form } from './model.ts';

/** A target that can be read. */
export interface ReadTarget {
  /** Authority of an absolute-form target. */
  readonly authority: string | null;
  /** Canonical path; `*` for the asterisk-form. */
  readonly path: string;
  /** With its question mark; empty for none. */
  readonly query: string;
  readonly forms: readonly Form[];
  /** Segments under each reading that an upstream may give the path, decoded once. */
  readonly readings: readonly (readonly string[])[];
}

const UNRESERVED = /[A-Za-z0-9\-._~]/;
const TO_ENCODE = /["<>[\]^{|}`]/g;

/** Null for a target that is 400 on every route. */
export function readTarget(method: string, target: string): ReadTarget | null {
  if (/[^!-~]/.test(target) || target.includes('#')) return null;
  if (target === '*') {
    if (method !== 'OPTIONS') return null;
    return { authority: null, path: '*', query: '', forms: [], readings: [] };
  }
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  const authority = absolute?.[1] ?? null;
  let rest = absolute === null ? target : (absolute[2] ?? '');
  // RFC 9112 section 3.2.4: this is how the asterisk-form is written to a proxy.
  if (authority !== null && rest === '' && method === 'OPTIONS') {
    return { authority, path: '*', query: '', forms: [], readings: [] };
  }
  if (authority !== null && (rest === '' || rest.startsWith('?'))) rest = `/${rest}`;
  if (!rest.startsWith('/')) return null;
  const mark = rest.indexOf('?');
  const path = canonicalPath(mark < 0 ? rest : rest.slice(0, mark));
  if (path === null) return null;
  const texts = textsOf(path);
  const readings = readingsOf(texts);
  // `..%20` is one more reading: some file systems drop spaces at the end of a name.
  if (readings.some((segments) => segments.some((each) => /^\.{1,2} *$/.test(each)))) return null;
  return { authority, path, query: mark < 0 ? '' : rest.slice(mark), forms: formsOf(path, texts), readings };
}

/** Null where the path has a byte or a triplet that no route may see. */
export function canonicalPath(path: string): string | null {
  if (/%(?![0-9A-Fa-f]{2})/.test(path) || path.includes('\\')) return null;
  const octets = [...path.matchAll(/%(..)/g)].map((found) => Number.parseInt(found[1] ?? '', 16));
  if (octets.some((octet) => octet < 0x20 || octet === 0x7f || octet === 0x5c)) return null;
  if (!isUnicode(path)) return null;
  return path
    .replace(/%../g, (triplet) => {
      const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
      return UNRESERVED.test(character) ? character : triplet.toUpperCase();
    })
    .replace(TO_ENCODE, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Octets of triplets side by side must be UTF-8; a slash, encoded or not, ends a sequence like any ASCII. */
function isUnicode(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** Two slashes that only a reading makes are two slashes, too. */
function formsOf(path: string, texts: ReadonlySet<string>): Form[] {
  const forms: Form[] = [];
  if (path.includes('%2F')) forms.push('encoded_slash');
  if (/;|%3B/.test(path)) forms.push('semicolon');
  if ([...texts].some((text) => text.includes('//'))) forms.push('double_slash');
  return forms;
}

/**
 * What an upstream may do to a path before it looks at it. Beside the three of configuration.md: path parameters are cut
 * before or after `%3B` is decoded, and `//name/x` may be taken for a reference with an authority (RFC 3986 section 4.2).
 */
const UPSTREAM_HABITS: readonly ((path: string) => string)[] = [
  (path) => path.replaceAll('%2F', '/'),
  (path) => path.replace(/;[^/]*/g, ''),
  (path) => path.replace(/(;|%3B)[^/]*/g, ''),
  (path) => path.replace(/\/+/g, '/'),
  (path) => path.replace(/^\/\/+[^/]*\/?/, '/'),
];

/** All that these habits give, in any order. */
function textsOf(path: string): ReadonlySet<string> {
  const texts = new Set([path]);
  // A set gives what is added while it is walked over, too.
  for (const text of texts) for (const habit of UPSTREAM_HABITS) texts.add(habit(text));
  return texts;
}

function readingsOf(texts: ReadonlySet<string>): string[][] {
  const found = new Map<string, string[]>();
  for (const text of texts) {
    const segments = segmentsOf(text);
    found.set(JSON.stringify(segments), segments);
  }
  return [...found.values()];
}

/** A trailing slash is not looked at. */
function segmentsOf(path: string): string[] {
  const segments = path.slice(1).split('/').map(decodeURIComponent);
  if (segments.at(-1) === '') segments.pop();
  return segments;
}

/** The file that a segment names on Windows: neither stream (`:`, a name, `:$`, a type) nor dots and spaces at the end are of it. */
export function onWindows(segment: string): string {
  return segment.replace(/:(.*:)?\$.*$/s, '').replace(/[. ]+$/, '');
}

/** The path for the upstream: whole segments are cut, a trailing slash is kept, and at least `/` is left. */
export function rewritten(path: string, strip: string | null, add: string | null): string {
  const cut = strip === null ? 0 : strip.split('/').length - 1;
  const rest = cut === 0 ? path : path.replace(new RegExp(`^(/[^/]*){${cut}}`), '');
  const made = (add ?? '') + rest || '/';
  // Two slashes at the beginning would be an authority to some (RFC 3986 section 4.2): what is made has one.
  return strip === null && add === null ? path : made.replace(/^\/+/, '/');
}
