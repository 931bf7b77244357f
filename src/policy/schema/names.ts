/** Patterns of the names that operators choose, shared by the blocks. */
import { text } from './builder.ts';

/** Names of issuers, key sets and user lists: one namespace, since `accept` names them all alike. */
export const sourceName = {
  pattern: /^(?!none$)[a-z][a-z0-9_-]*$/,
  expected: 'a name of lower-case letters, digits, "-" and "_" that begins with a letter',
};

/** Names of protected resources, in a namespace of their own. */
export const resourceName = sourceName;

/** Names of upstreams, in a namespace of their own. */
export const upstreamName = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  expected: 'a name of letters, digits, ".", "-" and "_"',
};

/** `token` of RFC 9110 section 5.6.2. */
export const headerName = {
  pattern: /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/,
  expected: 'a header name (RFC 9110 section 5.6.2)',
};

/** `cookie-name` of RFC 6265 section 4.1.1, which is a token; compared as it is. */
export const cookieName = { pattern: headerName.pattern, expected: 'a cookie name (RFC 6265 section 4.1.1)' };

/** The name of a query's parameter, decoded. */
export const parameterName = {
  pattern: /^[^\x00-\x1f\x7f]+$/,
  expected: 'the name of a parameter, without control characters',
};

/** A WebSocket subprotocol (RFC 6455 section 4.1), which is a token. */
export const subprotocolName = {
  pattern: headerName.pattern,
  expected: 'a subprotocol (RFC 6455 section 4.1)',
};

/** A method: `token` of RFC 9110 section 5.6.2. */
export const methodName = {
  pattern: headerName.pattern,
  expected: 'a method (RFC 9110 section 9.1)',
  advice: 'for several write [GET, POST]',
};

/** A scope as RFC 6749 section 3.3 spells it. */
export function scopeToken() {
  return text({
    pattern: /^[\x21\x23-\x5b\x5d-\x7e]+$/,
    expected: 'one scope: visible ASCII without spaces, quotes and backslashes (RFC 6749 section 3.3)',
  });
}

/** The name of a claim, taken literally, or an RFC 6901 pointer into nested ones. */
export function claimName() {
  return text();
}
