/** Grammars of the small words that a policy holds, each from the document that rules it. */

/** RFC 9110 section 5.6.2, `token`: header names and methods. */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

/** RFC 6749 section 3.3, `scope-token`: visible ASCII without `"` and `\`. */
export function isScopeToken(text: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text);
}

/** What a quoted-string may hold without escapes (RFC 9110 section 5.6.4), for `realm`: clients do not unescape it. */
export function isPlainQuotable(text: string): boolean {
  return /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(text);
}

/** Printable text for an identity header or a log: no control characters. */
export function hasControlCharacters(text: string): boolean {
  return /[\x00-\x1f\x7f]/.test(text);
}

/** 64 hex digits. */
export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/i.test(text);
}

/**
 * Epoch milliseconds of a date's first moment in UTC, or of an RFC 3339 date-time (section 5.6); null for
 * anything else, a day that does not exist included.
 */
export function parseExpiry(text: string): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[Tt](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)([Zz]|[+-]\d{2}:\d{2}))?$/.exec(
    text,
  );
  if (match === null) return null;
  const [, day = '', time = '00:00:00', zone = 'Z'] = match;
  const startOfDay = Date.parse(`${day}T00:00:00Z`);
  // Date.parse takes 2026-02-30 as 2 March.
  if (Number.isNaN(startOfDay) || new Date(startOfDay).toISOString().slice(0, 10) !== day) return null;
  const moment = Date.parse(`${day}T${time.slice(0, 12)}${zone.toUpperCase()}`);
  return Number.isNaN(moment) ? null : moment;
}

/** Whether a URL's host is this machine: nobody on the way can read or change what is sent. */
export function isLoopbackUrl(url: URL): boolean {
  const host = url.hostname;
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\./.test(host);
}
