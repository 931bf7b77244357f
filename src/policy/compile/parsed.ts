/** What a parser of one value answers: the value, or a sentence that names the way out. */

/** A parsed value, or why it is none. The message starts lower-case and never repeats a secret. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly message: string };

/** The value. */
export function parsed<Value>(value: Value): Parsed<Value> {
  return { ok: true, value };
}

/** The sentence. */
export function unparsed(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message };
}
