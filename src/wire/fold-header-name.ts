/** When two header names are the same name to somebody behind us. */

/**
 * A header name as the most careless upstream may read it: without case, and with every character but
 * letters and digits counting as `-`. CGI and its descendants make HTTP_X_AUTH_SUBJECT of `X-Auth-Subject`,
 * `X_Auth_Subject` and `x.auth.subject` alike (RFC 3875 section 4.1.18), so twins are compared by this form.
 */
export function foldHeaderName(name: string): string {
  return NOT_FOLDED.test(name) ? name.replace(NOT_LETTER_OR_DIGIT, '-').toLowerCase() : name;
}

const NOT_FOLDED = /[^a-z0-9-]/;
const NOT_LETTER_OR_DIGIT = /[^A-Za-z0-9]/g;
