/** Chooses which allowed requests are logged (`log.allowed`). Refusals do not come here: they always are. */

/**
 * @param every 0 for none, 1 for all, n for each n-th
 * @returns a function that says for each allowed request in turn whether to log it
 */
export function accessSampler(every: number): () => boolean {
  if (every === 0) return () => false;
  if (every === 1) return () => true;
  let seen = 0;
  return () => {
    seen = seen + 1 >= every ? 0 : seen + 1;
    return seen === 0;
  };
}
