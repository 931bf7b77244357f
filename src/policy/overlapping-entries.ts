/** Walks a tree of path shapes against itself: every two shapes that have a path in common, each pair once. */
import { foldAsciiCase } from './path-shape.ts';
import { childrenOf, entriesBelow, type TrieNode } from './path-trie.ts';

/**
 * Pairs of entries whose shapes overlap, be it that one contains the other or that they cross. Branches
 * without a common path are never walked together, so that the work follows the number of pairs.
 */
export function* overlappingEntries<Entry>(node: TrieNode<Entry>): Generator<readonly [Entry, Entry]> {
  if (node.rest !== null) {
    if (node.end !== null) yield [node.end, node.rest];
    for (const child of childrenOf(node)) yield* against(node.rest, child);
  }
  for (const text of node.exact?.keys() ?? []) {
    yield* between(node.exact?.get(text), node.folded?.get(foldAsciiCase(text)));
  }
  for (const child of childrenOf(node)) {
    if (child !== node.any) yield* between(child, node.any);
    yield* overlappingEntries(child);
  }
}

/** Pairs of an entry under `one` and an entry under `other`, two nodes whose ways from the root overlap. */
function* between<Entry>(
  one: TrieNode<Entry> | null | undefined,
  other: TrieNode<Entry> | null | undefined,
): Generator<readonly [Entry, Entry]> {
  if (!one || !other) return;
  yield* endings(one, other);
  yield* sameText(one.exact, other.exact);
  yield* sameText(one.folded, other.folded);
  yield* foldedText(one.exact, other.folded);
  yield* foldedText(other.exact, one.folded);
  if (one.any !== null) for (const child of childrenOf(other)) yield* between(one.any, child);
  if (other.any !== null)
    for (const child of childrenOf(one)) if (child !== one.any) yield* between(child, other.any);
}

/** Pairs of which at least one entry ends here or takes the rest of the path. */
function* endings<Entry>(one: TrieNode<Entry>, other: TrieNode<Entry>): Generator<readonly [Entry, Entry]> {
  if (one.end !== null && other.end !== null) yield [one.end, other.end];
  if (one.rest !== null) yield* against(one.rest, other);
  if (other.rest === null) return;
  if (one.end !== null) yield [one.end, other.rest];
  for (const child of childrenOf(one)) yield* against(other.rest, child);
}

function* against<Entry>(entry: Entry, node: TrieNode<Entry>): Generator<readonly [Entry, Entry]> {
  for (const below of entriesBelow(node)) yield [entry, below];
}

type Children<Entry> = ReadonlyMap<string, TrieNode<Entry>> | null;

function* sameText<Entry>(one: Children<Entry>, other: Children<Entry>): Generator<readonly [Entry, Entry]> {
  if (one === null || other === null) return;
  const [few, many] = one.size <= other.size ? [one, other] : [other, one];
  for (const [text, child] of few) yield* between(child, many.get(text));
}

function* foldedText<Entry>(
  exact: Children<Entry>,
  folded: Children<Entry>,
): Generator<readonly [Entry, Entry]> {
  if (exact === null || folded === null) return;
  for (const [text, child] of exact) yield* between(child, folded.get(foldAsciiCase(text)));
}
