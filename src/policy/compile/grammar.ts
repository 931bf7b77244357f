/** Grammars of the small words that a policy holds, each from the document that rules it. */

/** RFC 9110 section 5.6.2, `token`: header names and methods. */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

/** RFC 6749 section 3.3, `scope-token`: visible ASCII without `"` and `\`. */
export function isScopeToken(text: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text);
}

/** Printable text for an identity header or a log: no control characters. */
export function hasControlCharacters(text: string): boolean {
  return /[\x00-\x1f\x7f]/.test(text);
}

/** A host name without port and final dot: labels of letters, digits, `-` and `_`. */
export function isHostName(text: string): boolean {
  return text.length <= 253 && /^(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i.test(text);
}
