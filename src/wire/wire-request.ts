/** A request that passed the wire guard: everything later steps may know of the bytes, in one canonical form. */

/** Forms of a target that are refused with 400 unless the one route that all readings lead to tolerates them. */
export type ToleratedForm = 'encoded_slash' | 'semicolon' | 'double_slash' | 'get_body';

export interface WireRequest {
  /** As sent; methods are case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** For matching: lower-case, without port and final dot; '' when an HTTP/1.0 request names none. */
  readonly host: string;
  /** The validated authority as received (with port), for `host: client` and X-Forwarded-Host; '' when none. */
  readonly authority: string;
  /**
   * The one canonical path: what is matched (segment by segment) and, after `rewrite`, what is forwarded.
   * '*' for asterisk-form and '' for CONNECT: only what begins with '/' can match a route.
   */
  readonly path: string;
  /** The path's segments decoded once, without the empty one of a trailing slash: `/a/b/` and `/a/b` are ['a', 'b'], `/` is []. */
  readonly segments: readonly string[];
  /** '' or the '?' and all that follows it, byte for byte. */
  readonly query: string;
  /** Tolerable forms that occur in this request; empty for nearly all. */
  readonly forms: readonly ToleratedForm[];
  /** When `forms` is not empty: every reading of the path that an upstream may take, as decoded segments. */
  readonly readings: readonly (readonly string[])[];
  /** Lower-case header names; the i-th belongs to rawHeaders[2 * i]. */
  readonly headerNames: readonly string[];
  /** Node's flat list of names and values as received. */
  readonly rawHeaders: readonly string[];
  /** How the body is framed. */
  readonly body: 'none' | 'length' | 'chunked';
  /** Declared length in bytes, which may be 0; -1 when there is none. */
  readonly contentLength: number;
  /** `Expect: 100-continue` was sent and not answered yet. */
  readonly expectContinue: boolean;
  /** A well-formed WebSocket handshake (RFC 6455 section 4.2.1) is asked for. */
  readonly webSocket: boolean;
  readonly httpVersion: '1.0' | '1.1';
}
