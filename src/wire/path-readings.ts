/**
 * What else a path may mean. An upstream may take `%2F` as text or as `/`, `;x` as text or as nothing,
 * `//` as an empty segment or as one `/`, and, at the beginning of a target, as an authority. A path in
 * such a form is judged under each of these readings, and all combined.
 */

/** More readings than these are not judged: the path is refused. */
export const MOST_READINGS = 16;

/**
 * All readings of a canonical path, as segments decoded once and without the empty one of a trailing slash;
 * the first is the path as it stands. Null when there are more than `MOST_READINGS`.
 *
 * @param path canonical, beginning with '/'
 */
export function pathReadings(path: string): readonly (readonly string[])[] | null {
  const readings = new Map<string, readonly string[]>();
  for (const text of respelt(path.slice(1))) {
    for (const rooted of [text, ...withoutAuthority(text)]) {
      for (const spelling of [rooted, rooted.replace(/\/{2,}/g, '/').replace(/^\//, '')]) {
        const segments = splitSegments(spelling);
        readings.set(segments.map((segment) => `/${segment}`).join(''), segments);
      }
    }
    if (readings.size > MOST_READINGS) return null;
  }
  return Array.from(readings.values(), decodeSegments);
}

/** The segments of a path without its first '/', and without the empty one that a trailing slash makes. */
export function splitSegments(text: string): readonly string[] {
  const segments = text.split('/');
  if (segments.at(-1) === '') segments.pop();
  return segments;
}

/** Decodes each once. Throws URIError on invalid UTF-8. */
export function decodeSegments(segments: readonly string[]): readonly string[] {
  return segments.map(decodeURIComponent);
}

/** Path parameters (RFC 3986 section 3.3) are cut raw, or after decoding; before or after `%2F` is taken as '/'. */
function respelt(text: string): readonly string[] {
  return [
    text,
    cutRaw(text),
    cutAll(text),
    split(text),
    split(cutRaw(text)),
    cutRaw(split(text)),
    split(cutAll(text)),
    cutAll(split(text)),
  ];
}

/** Some read `//host/path` as a reference with an authority (RFC 3986 section 4.2), though no target is one. */
function withoutAuthority(text: string): readonly string[] {
  return text.startsWith('/') ? [text.replace(/^\/+[^/]*\/?/, '')] : [];
}

function split(text: string): string {
  return text.replaceAll('%2F', '/');
}

function cutRaw(text: string): string {
  return text.replace(/;[^/]*/g, '');
}

function cutAll(text: string): string {
  return text.replace(/(?:;|%3B)[^/]*/g, '');
}
