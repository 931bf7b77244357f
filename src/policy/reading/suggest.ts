/** The nearest of some known words to one that is misspelt, for messages. */

/**
 * The known word that was probably meant: the same but for case, `-` or camelCase, or with at most one edit in
 * three letters (Damerau-Levenshtein, adjacent letters may be swapped); null when none is near.
 */
export function suggest(written: string, known: Iterable<string>): string | null {
  const folded = fold(written);
  const allowed = Math.max(1, Math.floor(folded.length / 3));
  let nearest: string | null = null;
  let least = allowed + 1;
  for (const candidate of known) {
    const target = fold(candidate);
    if (Math.abs(target.length - folded.length) >= least) continue;
    const distance = editDistance(folded, target);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

function fold(word: string): string {
  return word
    .slice(0, 64)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/-/g, '_')
    .toLowerCase();
}

/** Optimal string alignment distance. */
function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let cost = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
      );
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped && row > 1 && column > 1) cost = Math.min(cost, at(beforePrevious, column - 2) + 1);
      current.push(cost);
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, right.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
