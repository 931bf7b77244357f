/**
 * What a path pattern matches, without names: a set of paths. Any two sets of segments here are equal, apart,
 * or one lies within the other, so that two patterns have at most one pattern as their overlap.
 */
import type { PathPattern } from './patterns.ts';

/** `exact`: this text. `folded`: this text without ASCII case (held lower-case). `any`: any text but none. */
export type SegmentShape =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'folded'; readonly text: string }
  | { readonly kind: 'any' };

export interface PathShape {
  readonly segments: readonly SegmentShape[];
  /** Zero or more segments, of whatever kind, may follow. */
  readonly rest: boolean;
}

const ANY: SegmentShape = Object.freeze({ kind: 'any' });

/** The shape of a pattern for an upstream that tells case apart (`sensitive`) or folds it. */
export function shapeOf(pattern: PathPattern, pathCase: 'sensitive' | 'insensitive'): PathShape {
  const segments = pattern.segments.map((segment): SegmentShape => {
    if (segment.kind === 'parameter') return ANY;
    if (pathCase === 'sensitive' || !/[A-Za-z]/.test(segment.text))
      return { kind: 'exact', text: segment.text };
    return { kind: 'folded', text: foldAsciiCase(segment.text) };
  });
  return { segments, rest: pattern.rest };
}

/** Lower case for A to Z only: other scripts have letters that fold onto ASCII (K, the Kelvin sign) or change their length. */
export function foldAsciiCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Equal for equal sets of paths, and only for these. */
export function shapeKey(shape: PathShape): string {
  const parts = shape.segments.map((segment) =>
    segment.kind === 'any' ? '*' : (segment.kind === 'exact' ? '=' : '~') + segment.text,
  );
  return `${parts.join('/')}${shape.rest ? '/**' : '/'}`;
}

/** The set of paths that both match, or null when there is none. */
export function intersectShapes(one: PathShape, other: PathShape): PathShape | null {
  const [short, long] = one.segments.length <= other.segments.length ? [one, other] : [other, one];
  if (short.segments.length < long.segments.length && !short.rest) return null;
  const segments: SegmentShape[] = [];
  for (const [index, segment] of long.segments.entries()) {
    const narrower = intersectSegments(segment, short.segments[index] ?? segment);
    if (narrower === null) return null;
    segments.push(narrower);
  }
  return { segments, rest: long.rest && short.rest };
}

function intersectSegments(one: SegmentShape, other: SegmentShape): SegmentShape | null {
  if (one.kind === 'any') return other;
  if (other.kind === 'any') return one;
  if (one.kind === other.kind) return one.text === other.text ? one : null;
  const [exact, folded] = one.kind === 'exact' ? [one, other] : [other, one];
  return foldAsciiCase(exact.text) === folded.text ? exact : null;
}
