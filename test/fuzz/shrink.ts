/** Makes an input smaller while something stays true of it: pieces away, from large to single bytes. */

/**
 * @param holds whether a smaller input still shows the same
 * @param mostTries how often it is asked
 */
export async function shrink(
  input: Buffer,
  holds: (smaller: Buffer) => Promise<boolean>,
  mostTries: number,
): Promise<Buffer> {
  let smallest = input;
  let tries = 0;
  for (let size = smallest.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < smallest.length && tries < mostTries; ) {
      const smaller = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      tries += 1;
      if (await holds(smaller)) smallest = smaller;
      else at += size;
    }
  }
  return smallest;
}
