/**
 * Makes text of the log, and of messages about a policy, harmless to look at: JSON escapes the controls of ASCII, but
 * leaves those that a terminal acts on as well, or that change the order in which a line is read. Changes nothing of
 * what JSON says.
 */

/** DEL and C1 (U+009B begins an escape as ESC does), separators of lines, directions, and what nobody can see. */
const ACTING = /[\x7f-\x9f\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/gu;

/** The text with these written as escapes. In JSON, where they stand in strings only, it says the same. */
export function visibleText(json: string): string {
  return json.replace(ACTING, escaped);
}

/** Each unit of UTF-16 by itself, as RFC 8259 section 7 has it. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
