/** The patterns of `host` and `path` as operators write them. Refuses whatever looks like a pattern language that this is not. */
import { isIPv4 } from 'node:net';
import { parseAuthority } from '../wire/host.ts';
import { foreignNotation } from './path-notations.ts';

export type ParsedPattern<Pattern> =
  | { readonly ok: true; readonly pattern: Pattern }
  | {
      readonly ok: false;
      /** Stable snake_case word. */
      readonly code: string;
      /** What is wrong and what to write instead, lower-case, in one sentence. */
      readonly message: string;
    };

/** One segment: exactly this text (decoded), or any text but none. */
export type PathSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string };

export interface PathPattern {
  /** As written. */
  readonly text: string;
  readonly segments: readonly PathSegment[];
  /** Zero or more segments may follow. */
  readonly rest: boolean;
  /** Names in order; that of `{name...}` last, `**` has none. */
  readonly parameterNames: readonly string[];
}

/** A name, one or more labels before `.suffix`, or every host. */
export type HostPattern =
  | { readonly kind: 'exact'; readonly name: string }
  | { readonly kind: 'suffix'; readonly suffix: string }
  | { readonly kind: 'any' };

/** Reads a path pattern. A final slash is taken off: `/a` is `/a` and `/a/` anyway. */
export function parsePathPattern(text: string): ParsedPattern<PathPattern> {
  if (!text.startsWith('/')) {
    const advice = text.startsWith('^') ? ', and is no regular expression' : '';
    return wrong('path_not_absolute', `a path begins with "/"${advice}`);
  }
  const parts = text.slice(1).split('/');
  if (parts.at(-1) === '') parts.pop();
  const segments: PathSegment[] = [];
  const names: string[] = [];
  let rest = false;
  for (const [index, part] of parts.entries()) {
    const read = readPart(part, index === parts.length - 1);
    if (!read.ok) return read;
    const { name, segment } = read.pattern;
    if (name !== null && names.includes(name)) {
      return wrong('parameter_repeated', `the parameter {${name}} occurs twice; give each a name of its own`);
    }
    if (name !== null) names.push(name);
    if (segment === null) rest = true;
    else segments.push(segment);
  }
  return { ok: true, pattern: { text, segments, rest, parameterNames: names } };
}

/** Reads a host pattern; null stands for every host. Names are taken without regard to case and final dot. */
export function parseHostPattern(text: string | null): ParsedPattern<HostPattern> {
  if (text === null) return { ok: true, pattern: { kind: 'any' } };
  const suffix = text.startsWith('*.') ? text.slice(2) : null;
  const authority = parseAuthority(suffix ?? text);
  if (authority === null) return wrongHost(text);
  if (authority.port !== -1) {
    return wrong('host_port', 'a host is written without port: the port of a request is not looked at');
  }
  if (suffix === null) return { ok: true, pattern: { kind: 'exact', name: authority.host } };
  if (authority.host.startsWith('[') || isIPv4(authority.host)) {
    return wrong('host_wildcard', '"*." stands for labels before a name, not for parts of an address');
  }
  return { ok: true, pattern: { kind: 'suffix', suffix: authority.host } };
}

/** A part between slashes: a segment, or null for the rest. */
interface Part {
  readonly segment: PathSegment | null;
  readonly name: string | null;
}

const PARAMETER = /^\{([A-Za-z_][A-Za-z0-9_]*)(\.\.\.)?\}$/;
const BROKEN_TRIPLET = /%(?![0-9A-Fa-f]{2})/;

function readPart(part: string, last: boolean): ParsedPattern<Part> {
  if (part === '') return wrong('empty_segment', 'a path has no empty segments; write one "/"');
  if (part === '**') {
    return last
      ? found(null, null)
      : wrong('rest_not_last', '"**" stands for the rest of a path, so it comes last');
  }
  const parameter = PARAMETER.exec(part);
  if (parameter === null) return readLiteral(part);
  const [, name = '', dots] = parameter;
  if (dots === undefined) return found({ kind: 'parameter', name }, name);
  if (!last) return wrong('rest_not_last', `"{${name}...}" stands for the rest of a path, so it comes last`);
  return found(null, name);
}

function readLiteral(part: string): ParsedPattern<Part> {
  const fault = literalFault(part);
  if (fault !== null) return fault;
  let text: string;
  try {
    text = decodeURIComponent(part);
  } catch {
    return wrong('path_encoding', 'the percent-encoded bytes of a path are UTF-8');
  }
  if (NEVER_MATCHES.test(text) || !text.isWellFormed()) {
    return wrong(
      'path_character',
      'no request that is let in has "/", "\\", ";" or control characters in a segment',
    );
  }
  if (DOT_SEGMENT.test(text))
    return wrong('dot_segment', 'no request that is let in has "." or ".." as a segment');
  return found({ kind: 'literal', text }, null);
}

/** `;` and encoded slashes are refused as forms; a tolerated one leads to one route under all readings only in a parameter. */
const NEVER_MATCHES = /[/\\;\u0000-\u001f\u007f]/;
const DOT_SEGMENT = /^\.{1,2} *$/;

function literalFault(part: string): ReturnType<typeof wrong> | null {
  const foreign = foreignNotation(part);
  if (foreign !== null) return wrong('path_notation', foreign);
  if (part.includes('*')) {
    return wrong('path_wildcard', '"*" is no pattern here: "{name}" is one segment, a final "**" the rest');
  }
  if (part.includes('{') || part.includes('}')) {
    return wrong(
      'path_parameter',
      'a parameter is a whole segment: "{name}" with a name of letters, digits and "_"',
    );
  }
  if (part.includes('?') || part.includes('#')) {
    return wrong(
      'path_query',
      'a query takes no part in matching; write "%3F" or "%23" for the characters themselves',
    );
  }
  if (BROKEN_TRIPLET.test(part)) {
    return wrong('path_encoding', '"%" begins a percent-encoded byte; write "%25" for the character itself');
  }
  return null;
}

function found(segment: PathSegment | null, name: string | null): ParsedPattern<Part> {
  return { ok: true, pattern: { segment, name } };
}

function wrong(
  code: string,
  message: string,
): { readonly ok: false; readonly code: string; readonly message: string } {
  return { ok: false, code, message };
}

function wrongHost(text: string): ReturnType<typeof wrong> {
  if (text === '*') return wrong('host_wildcard', 'leave `host` out for every host');
  if (text.startsWith('.'))
    return wrong('host_wildcard', `write "*${text}" for all names below ${text.slice(1)}`);
  if (/^[~^]|[$\\|()]/.test(text))
    return wrong('host_grammar', 'a host is no regular expression; write a name, or "*.example.com"');
  if (text.includes('*'))
    return wrong('host_wildcard', 'a wildcard is "*." at the beginning, before a whole name');
  if (text.includes('://'))
    return wrong('host_grammar', 'a host is a name without scheme, such as api.example.com');
  if (/[{}<>]|(?:^|\.):[A-Za-z]/.test(text))
    return wrong(
      'host_grammar',
      'a host has no parameters; write a name, or "*.example.com" and look at request.host in `when`',
    );
  if (/[^\0-\x7f]/.test(text))
    return wrong('host_grammar', 'write an international name in its ASCII form (xn--...)');
  return wrong('host_grammar', 'a host is a name such as api.example.com, "*.example.com", or an address');
}
