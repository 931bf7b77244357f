/**
 * The bodies of our own answers, as the bytes that go out. They are constants: nothing that a caller
 * sent, and nothing that we know of them, is ever in one.
 */
import { STATUS_CODES } from 'node:http';

/** `error` by status; the only words that a JSON body may carry there. */
const ERRORS: Readonly<Record<number, string>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  413: 'content_too_large',
  414: 'uri_too_long',
  417: 'expectation_failed',
  429: 'too_many_requests',
  431: 'header_too_large',
  502: 'bad_gateway',
  503: 'service_unavailable',
  504: 'gateway_timeout',
};

/** Machine-readable reasons that may be public: a closed list. Anything finer goes to the log. */
export type PublicCode =
  | 'token_expired'
  | 'invalid_token'
  | 'invalid_request'
  | 'invalid_api_key'
  | 'invalid_credentials'
  | 'insufficient_user_authentication'
  | 'insufficient_scope'
  | 'forbidden'
  | 'auth_unavailable'
  | 'rate_limited';

/** How errors are written: our JSON, or a problem document (RFC 9457). */
export type BodyFormat = 'json' | 'problem';

export interface Body {
  readonly contentType: string;
  readonly bytes: Buffer;
}

const written = new Map<string, Body>();

/**
 * The body for a status, made once for each combination and shared.
 * @param code left out with `errors.detail: minimal`, and where no credential was sent
 */
export function bodyFor(status: number, code: PublicCode | null, format: BodyFormat): Body {
  const key = `${format} ${status} ${code ?? ''}`;
  let body = written.get(key);
  if (body === undefined) {
    body = format === 'problem' ? problemBody(status, code) : jsonBody(status, code);
    written.set(key, body);
  }
  return body;
}

function jsonBody(status: number, code: PublicCode | null): Body {
  const members = { error: ERRORS[status] ?? 'error', ...(code !== null && { code }) };
  return { contentType: 'application/json', bytes: Buffer.from(JSON.stringify(members)) };
}

/** `about:blank` says that the status is all there is to the type; the title is then its phrase (RFC 9457 section 4.2.1). */
function problemBody(status: number, code: PublicCode | null): Body {
  const title = STATUS_CODES[status] ?? 'Error';
  const members = { type: 'about:blank', title, status, ...(code !== null && { code }) };
  return { contentType: 'application/problem+json', bytes: Buffer.from(JSON.stringify(members)) };
}
