/**
 * How deep a JSON text goes, before anything is made of it: `JSON.parse` takes any depth, and whatever walks through
 * its result afterwards, `JSON.stringify` too, ends at the end of the stack. Pure.
 */

/** Whether objects and lists lie in each other more than `most` deep. The text need not be JSON. */
export function isNestedDeeper(text: string, most: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length && depth <= most; at += 1) {
    switch (text[at]) {
      case '"':
        quoted = !quoted;
        break;
      case '\\':
        // The character after it ends no text.
        at += 1;
        break;
      case '[':
      case '{':
        depth += quoted ? 0 : 1;
        break;
      case ']':
      case '}':
        depth -= quoted ? 0 : 1;
        break;
    }
  }
  return depth > most;
}
