/** A tree of path shapes, one level for each segment, in which the narrowest shape that matches a path is found first. */
import { foldAsciiCase, type PathShape, type SegmentShape } from './path-shape.ts';

export interface TrieNode<Entry> {
  exact: Map<string, TrieNode<Entry>> | null;
  folded: Map<string, TrieNode<Entry>> | null;
  any: TrieNode<Entry> | null;
  /** The shape that ends here. */
  end: Entry | null;
  /** The shape of which zero or more segments may follow here. */
  rest: Entry | null;
}

/** A tree without shapes. */
export function createTrie<Entry>(): TrieNode<Entry> {
  return { exact: null, folded: null, any: null, end: null, rest: null };
}

/** Puts the entry of a shape in its place; each shape has one. */
export function setEntry<Entry>(root: TrieNode<Entry>, shape: PathShape, entry: Entry): void {
  let node = root;
  for (const segment of shape.segments) node = childFor(node, segment);
  if (shape.rest) node.rest = entry;
  else node.end = entry;
}

/**
 * The narrowest entry that matches, where shapes do not cross: at each segment the narrower branch is
 * walked first, so that what is found first lies within all others that match. The work depends on the
 * branches that share the path's segments, not on the number of shapes.
 *
 * @param segments decoded once; an empty one, from a tolerated `//`, is matched by the rest only
 */
export function findEntry<Entry>(
  node: TrieNode<Entry>,
  segments: readonly string[],
  index = 0,
): Entry | null {
  const segment = segments[index];
  if (segment === undefined) return node.end ?? node.rest;
  if (node.exact !== null) {
    const child = node.exact.get(segment);
    const found = child === undefined ? null : findEntry(child, segments, index + 1);
    if (found !== null) return found;
  }
  if (node.folded !== null) {
    const child = node.folded.get(foldAsciiCase(segment));
    const found = child === undefined ? null : findEntry(child, segments, index + 1);
    if (found !== null) return found;
  }
  if (node.any !== null && segment !== '') {
    const found = findEntry(node.any, segments, index + 1);
    if (found !== null) return found;
  }
  return node.rest;
}

/** All entries at and below a node. */
export function* entriesBelow<Entry>(node: TrieNode<Entry>): Generator<Entry> {
  const waiting = [node];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.end !== null) yield next.end;
    if (next.rest !== null) yield next.rest;
    waiting.push(...childrenOf(next));
  }
}

/** The nodes one segment below. */
export function* childrenOf<Entry>(node: TrieNode<Entry>): Generator<TrieNode<Entry>> {
  if (node.exact !== null) yield* node.exact.values();
  if (node.folded !== null) yield* node.folded.values();
  if (node.any !== null) yield node.any;
}

function childFor<Entry>(node: TrieNode<Entry>, segment: SegmentShape): TrieNode<Entry> {
  if (segment.kind === 'any') {
    node.any ??= createTrie();
    return node.any;
  }
  node[segment.kind] ??= new Map();
  const children = node[segment.kind];
  const child = children?.get(segment.text) ?? createTrie<Entry>();
  children?.set(segment.text, child);
  return child;
}
