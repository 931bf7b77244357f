/**
 * Turns what goes wrong on the way to an upstream into a refusal. Error messages of Node and undici hold
 * addresses and names of certificates, so only their codes are ever kept.
 */
import type { Refusal } from '../refusals/refusal.ts';

/** Words for codes that Node, OpenSSL and undici give; an error that is not here is `upstream_failed`. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect_refused',
  ENOENT: 'connect_refused',
  EACCES: 'connect_refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ENOTFOUND: 'dns_failed',
  EAI_AGAIN: 'dns_failed',
  EAI_FAIL: 'dns_failed',
  EAI_NODATA: 'dns_failed',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  EPROTO: 'tls_failed',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_failed',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_failed',
  HOSTNAME_MISMATCH: 'tls_failed',
  INVALID_PURPOSE: 'tls_failed',
  INVALID_CA: 'tls_failed',
  PATH_LENGTH_EXCEEDED: 'tls_failed',
  // What Node calls every other verification error of OpenSSL.
  UNSPECIFIED: 'tls_failed',
  UND_ERR_HEADERS_OVERFLOW: 'bad_response',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'bad_response',
};

const TIMEOUTS: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  UND_ERR_HEADERS_TIMEOUT: 'response_timeout',
  ETIMEDOUT: 'connect_timeout',
};

/** Codes that mean that something of ours, not of the upstream's, is the matter. */
const OURS = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
]);

/**
 * A failure of the upstream leg before any byte of an answer was passed on: 504 when it was a matter of time, 503 for the
 * few codes that say that it was ours, and 502 for every other error, known or not.
 */
export function refusalFor(error: Error): Refusal {
  const code = codeOf(error);
  const detail = { cause: code };
  const timeout = TIMEOUTS[code];
  if (timeout !== undefined) return { kind: 'gateway_timeout', reason: timeout, detail };
  if (OURS.has(code)) return forwardingFailed(code);
  return { kind: 'bad_gateway', reason: reasonOf(error, code), detail };
}

/** A failure of ours on the way to the upstream: 503. */
export function forwardingFailed(cause: string): Refusal {
  return { kind: 'unavailable', reason: 'forwarding_failed', retryAfter: 5, detail: { cause } };
}

/** The upstream's answer is not HTTP that we pass on. */
export function badResponse(cause: string): Refusal {
  return { kind: 'bad_gateway', reason: 'bad_response', detail: { cause } };
}

/**
 * True when the connection ended under a request: on one that was used before, the upstream may have closed
 * it for idleness at that very moment (RFC 9112 section 9.3.1).
 */
export function isConnectionLoss(error: Error): boolean {
  const code = codeOf(error);
  return REASONS[code] === 'reset' && reasonOf(error, code) === 'reset';
}

/** True when something of ours is the matter, so that no other connection would do better. */
export function isOurs(error: Error): boolean {
  return refusalFor(error).kind === 'unavailable';
}

function reasonOf(error: Error, code: string): string {
  // undici has one code for a connection that closed and for an answer it will not have.
  if (code === 'UND_ERR_SOCKET' && /^bad (?:response|upgrade)/.test(error.message)) return 'bad_response';
  const known = REASONS[code];
  if (known !== undefined) return known;
  if (/^(?:ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|UNABLE_TO_|CRL_|ERROR_IN_C)/.test(code)) return 'tls_failed';
  return code.startsWith('HPE_') ? 'bad_response' : 'upstream_failed';
}

/**
 * The code of an error, made of upper-case letters, digits and underscores; `unknown` without one. OpenSSL's names of
 * alerts hold a slash: `ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE`.
 */
function codeOf(error: Error): string {
  // undici means to say which rule was broken, and says `HPE_undefined`.
  if (error.name === 'HTTPParserError') return 'HPE_INVALID';
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_/]{1,95}$/.test(code)
    ? code.replaceAll('/', '_')
    : 'unknown';
}
