/** Writes text as one segment of a path (RFC 3986 section 3.3). */

/**
 * Percent-encodes everything but what canonical paths hold raw, so that the text stays one segment: '/', '?',
 * '#', '%', '\' and ';' are encoded. Decoding gives the text back. The text must be well-formed Unicode;
 * '', '.' and '..' have no form that is safe, and are for the caller to refuse.
 */
export function encodeSegment(text: string): string {
  return PLAIN.test(text) ? text : encodeURIComponent(text).replace(RAW_IN_SEGMENTS, decodeURIComponent);
}

const PLAIN = /^[A-Za-z0-9._~!$&'()*+,=:@-]*$/;
const RAW_IN_SEGMENTS = /%(?:24|26|2B|2C|3A|3D|40)/g;
