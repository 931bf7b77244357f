/**
 * The grammar of the Authorization field (RFC 9110 section 11.6.2, RFC 6750 section 2.1), read in one
 * pass. Judges form only: whether a token is any good is not known here.
 */

export type ParsedAuthorization =
  /** No value at all: nobody presents anything. */
  | { readonly kind: 'empty' }
  /** No scheme, or one that is neither `Bearer` nor `Basic`. */
  | { readonly kind: 'other_scheme' }
  /** The scheme is `Bearer`, and what follows is not `1*SP b64token`. */
  | { readonly kind: 'malformed' }
  | { readonly kind: 'bearer'; readonly token: string }
  /** The scheme is `Basic` (RFC 7617), and what follows is not `1*SP token68`. */
  | { readonly kind: 'malformed_basic' }
  /** Still in base64. */
  | { readonly kind: 'basic'; readonly userPass: string };

const EMPTY: ParsedAuthorization = Object.freeze({ kind: 'empty' });
const OTHER_SCHEME: ParsedAuthorization = Object.freeze({ kind: 'other_scheme' });
const MALFORMED: ParsedAuthorization = Object.freeze({ kind: 'malformed' });

const MALFORMED_BASIC: ParsedAuthorization = Object.freeze({ kind: 'malformed_basic' });

const BEARER = 'bearer';
const BASIC = 'basic';
const SPACE = 0x20;
const TAB = 0x09;

/**
 * @param value as received; whitespace around it is already gone (RFC 9110 section 5.5)
 * @param tokenBytes longest token that is looked at; a longer one is malformed, at constant cost
 */
export function parseAuthorization(value: string, tokenBytes: number): ParsedAuthorization {
  if (value.length === 0) return EMPTY;
  if (startsWithScheme(value, BEARER)) {
    const token = credentialsAfter(value, BEARER.length, tokenBytes);
    return token === null ? MALFORMED : { kind: 'bearer', token };
  }
  if (startsWithScheme(value, BASIC)) {
    const userPass = credentialsAfter(value, BASIC.length, tokenBytes);
    return userPass === null ? MALFORMED_BASIC : { kind: 'basic', userPass };
  }
  return OTHER_SCHEME;
}

/** What follows a scheme and its spaces; null unless it is one `token68` (RFC 9110 section 11.2) that is short enough. */
function credentialsAfter(value: string, scheme: number, tokenBytes: number): string | null {
  let start = scheme;
  while (value.charCodeAt(start) === SPACE) start += 1;
  if (value.length - start > tokenBytes) return null;
  const credentials = value.slice(start);
  return isBase64Token(credentials) ? credentials : null;
}

/**
 * `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="` (RFC 6750 section 2.1). The two
 * parts share no character, so that there is nothing to try twice: one pass, whatever comes.
 */
const BASE64_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** Whether a text has the form of a bearer credential. */
export function isBase64Token(text: string): boolean {
  return BASE64_TOKEN.test(text);
}

const PADDED_TOKEN = /^[A-Za-z0-9._=-]+$/;

/** Whether a text has the characters of a token whose parts may be padded; where the padding may be is judged later. */
export function isPaddedToken(text: string): boolean {
  return PADDED_TOKEN.test(text);
}

/** Three parts between exactly two dots, as the compact form of a signed token has (RFC 7515 section 3.1). */
export function hasThreeParts(text: string): boolean {
  const first = text.indexOf('.');
  if (first === -1) return false;
  const second = text.indexOf('.', first + 1);
  return second !== -1 && text.indexOf('.', second + 1) === -1;
}

/**
 * Schemes are compared without case (RFC 9110 section 11.1). A tab after one is whitespace to lenient parsers, so
 * that the scheme is clear and the grammar broken; any other character belongs to a longer name or makes it none.
 */
function startsWithScheme(value: string, scheme: string): boolean {
  if (value.length < scheme.length) return false;
  for (let i = 0; i < scheme.length; i += 1) {
    if ((value.charCodeAt(i) | 0x20) !== scheme.charCodeAt(i)) return false;
  }
  if (value.length === scheme.length) return true;
  const separator = value.charCodeAt(scheme.length);
  return separator === SPACE || separator === TAB;
}
