/** How a request's body is framed (RFC 9112 section 6). Whatever two readers could frame differently is refused. */

export type Framing =
  | { readonly ok: true; readonly body: 'none' | 'length' | 'chunked'; readonly contentLength: number }
  | { readonly ok: false; readonly reason: string };

/**
 * @param transferEncoding value of the field, null when absent; duplicates were refused before
 * @param contentLength likewise
 */
export function readFraming(
  transferEncoding: string | null,
  contentLength: string | null,
  httpVersion: '1.0' | '1.1',
): Framing {
  if (transferEncoding === null) return contentLength === null ? NO_BODY : lengthFraming(contentLength);
  // RFC 9112 section 6.1: both fields, or the coding in HTTP/1.0, are signs of smuggling.
  if (contentLength !== null) return { ok: false, reason: 'length_and_transfer_encoding' };
  if (httpVersion === '1.0') return { ok: false, reason: 'transfer_encoding_in_http_1_0' };
  // Codings have no case (RFC 9112 section 7). To the upstream it is always written `chunked`.
  if (transferEncoding.toLowerCase() !== 'chunked') return { ok: false, reason: 'transfer_encoding' };
  return CHUNKED;
}

const NO_BODY: Framing = Object.freeze({ ok: true, body: 'none', contentLength: -1 });
const CHUNKED: Framing = Object.freeze({ ok: true, body: 'chunked', contentLength: -1 });
/** RFC 9110 section 8.6: digits only. Fifteen of them are a petabyte, and exact as a number. */
const LENGTH = /^[0-9]{1,15}$/;

function lengthFraming(value: string): Framing {
  if (!LENGTH.test(value)) return { ok: false, reason: 'content_length' };
  return { ok: true, body: 'length', contentLength: Number(value) };
}
