/**
 * The path for the upstream: the canonical one, after the route's `rewrite`. Cuts whole segments only, and
 * lets no parameter become a second segment, a dot segment, a query or a fragment.
 */
import { encodeSegment } from '../wire/encode-segment.ts';
import type { WireRequest } from '../wire/wire-request.ts';
import type { Rewrite, Route } from './policy.ts';

/**
 * The canonical path byte for byte where the route has no `rewrite`; otherwise what that makes of it, at
 * least '/'. What was rewritten begins with one '/', since some read two as the beginning of an authority
 * (RFC 3986 section 4.2).
 *
 * @param names parameters of the route's pattern
 * @param values parallel to them
 */
export function rewritePath(
  route: Route,
  wire: WireRequest,
  names: readonly string[],
  values: readonly string[],
): string {
  const { rewrite } = route;
  if (rewrite === null) return wire.path;
  const path =
    rewrite.kind === 'prefix'
      ? rewrite.add + withoutSegments(wire.path, rewrite.strip)
      : fillTemplate(rewrite.parts, restOf(route, wire), names, values);
  return path === '' ? '/' : path.replace(/^\/{2,}/, '/');
}

type TemplateParts = Extract<Rewrite, { kind: 'template' }>['parts'];

/** A value is one segment as decoded, and becomes one again; the rest is taken from the canonical path as it stands. */
function fillTemplate(
  parts: TemplateParts,
  rest: string | null,
  names: readonly string[],
  values: readonly string[],
): string {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const index = names.indexOf(part.parameter);
    // The rest brings its own slash: none when nothing follows the route's fixed segments.
    if (rest !== null && index === names.length - 1) text = text.replace(/\/$/, '') + rest;
    else text += encodeSegment(values[index] ?? '');
  }
  return text;
}

/** What follows the fixed segments of a pattern that ends in `{name...}`: '' or a '/' and more. Null for other patterns. */
function restOf(route: Route, wire: WireRequest): string | null {
  if (!route.path.endsWith('...}')) return null;
  return withoutSegments(wire.path, route.path.split('/').length - 2);
}

/** A path without its first `count` segments: '' or a '/' and more. */
function withoutSegments(path: string, count: number): string {
  let start = 0;
  for (let i = 0; i < count; i += 1) {
    start = path.indexOf('/', start + 1);
    if (start === -1) return '';
  }
  return path.slice(start);
}
