/**
 * Does what came up all at once some at a time, with a turn of the event loop for everybody else in between. Keeps no
 * bound of its own on how much waits: whoever hands work over has one.
 */

/**
 * A queue of its own.
 * @param most pieces of work in one turn; none of them may throw
 * @returns hands over a piece of work
 */
export function someAtATime(most: number): (work: () => void) => void {
  const waiting: (() => void)[] = [];
  let scheduled = false;
  const next = (): void => {
    for (const work of waiting.splice(0, most)) work();
    scheduled = waiting.length > 0;
    if (scheduled) setImmediate(next);
  };
  return (work) => {
    waiting.push(work);
    if (scheduled) return;
    scheduled = true;
    setImmediate(next);
  };
}
