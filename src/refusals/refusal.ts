/**
 * Every way to be told no, as one closed union of data. Nothing here decides a status or a header:
 * `refusals/response.ts` turns each kind into HTTP by one exhaustive switch, and the finer `reason`
 * goes to the decision log only, never to the caller.
 */

/** What the log may say beside a refusal: never a token, a key, a claim's value or an upstream address. */
export interface RefusalDetail {
  /** Name of the issuer, key set or user list in the policy. */
  readonly source?: string;
  /** Key id of the token's header, as sent (the log escapes and shortens it). */
  readonly kid?: string;
  /** Id of the API key in the policy, once it was recognised. */
  readonly key?: string;
  /** Seconds since `exp` of a token or `expires` of a key, without leeway. */
  readonly expiredFor?: number;
  /** Seconds until `nbf` or `iat` of a token, without leeway. */
  readonly validIn?: number;
  /** The issuer's `leeway` in seconds, where times were compared. */
  readonly leeway?: number;
  /** What the policy asks for: an issuer, an audience, an algorithm, a claim's name, a role. */
  readonly expected?: string;
  /** What came instead, where that is a configuration matter (issuer, audience, algorithm); of other claims the type only. */
  readonly got?: string;
  /** A cause in words, for operators: a TLS, DNS or HTTP failure, or why a condition does not hold. */
  readonly cause?: string;
}

/** Reason of an `invalid_token` whose signature fits none of the keys that were tried, while others were not: it may be good. */
export const KEYS_NOT_TRIED = 'keys_not_tried';

interface Reasoned {
  /** Stable snake_case word, finer than the public code; field `auth.reason` of the decision log. */
  readonly reason: string;
  readonly detail?: RefusalDetail;
}

/** 400 without a challenge: the bytes are not one request that everybody reads alike. The connection closes. */
export interface BadRequest extends Reasoned {
  readonly kind: 'bad_request';
}
/** 408: the request's header or body did not arrive in time. */
export interface RequestTimeout extends Reasoned {
  readonly kind: 'request_timeout';
}
/** 413: the body is, or became, longer than `body_bytes`. */
export interface ContentTooLarge extends Reasoned {
  readonly kind: 'content_too_large';
}
/** 414: the request target is longer than `limits.target_bytes`. */
export interface UriTooLong extends Reasoned {
  readonly kind: 'uri_too_long';
}
/** 417: an `Expect` that we do not know. */
export interface ExpectationFailed extends Reasoned {
  readonly kind: 'expectation_failed';
}
/** 431: more header fields or bytes than `limits.header_count` and `limits.header_bytes`. */
export interface HeaderTooLarge extends Reasoned {
  readonly kind: 'header_too_large';
}
/** 401 without an error code: nothing was presented, or nothing in a scheme that this route knows (RFC 6750 section 3.1). */
export interface Unauthenticated extends Reasoned {
  readonly kind: 'unauthenticated';
}
/** 400 with a challenge: two credentials in one request (RFC 6750 section 3.1 `invalid_request`). */
export interface AmbiguousCredentials extends Reasoned {
  readonly kind: 'ambiguous_credentials';
}
/** 401: something was presented and it is no good. `code` is the public one. */
export interface InvalidCredential extends Reasoned {
  readonly kind: 'invalid_credential';
  readonly code: 'invalid_token' | 'token_expired' | 'invalid_api_key' | 'invalid_credentials';
}
/** 401 step-up (RFC 9470 section 3). `scopes` are named too when they lack as well. */
export interface StepUp extends Reasoned {
  readonly kind: 'step_up';
  readonly acr: readonly string[];
  /** Seconds, or null when only `acr` is asked for. */
  readonly maxAge: number | null;
  /** Which of the two failed decides the description. */
  readonly failed: 'acr' | 'max_age';
  readonly scopes: readonly string[];
}
/** 403 with a challenge that names all scopes needed (RFC 6750 section 3.1). */
export interface InsufficientScope extends Reasoned {
  readonly kind: 'insufficient_scope';
  readonly scopes: readonly string[];
}
/** 403 without a challenge: other credentials of the same caller would not help (RFC 9110 section 15.5.4). */
export interface Forbidden extends Reasoned {
  readonly kind: 'forbidden';
}
/** What an authenticated caller gets where no route is: 404, or 403 by `unmatched.status`. */
export interface NotFound extends Reasoned {
  readonly kind: 'not_found';
}
/** 405 with `Allow`, said to authenticated callers only; but for CONNECT and TRACE, which nobody may use anywhere. */
export interface MethodNotAllowed extends Reasoned {
  readonly kind: 'method_not_allowed';
  /** Value of `Allow`. */
  readonly allow: string;
}
/** 503: we cannot tell, because keys cannot be had or something of ours failed. Never 401, never open. */
export interface Unavailable extends Reasoned {
  readonly kind: 'unavailable';
  /** Seconds for `Retry-After`. */
  readonly retryAfter: number;
}
/** 503: more in flight than `limits.in_flight` and `limits.queue`, or draining. */
export interface Overloaded extends Reasoned {
  readonly kind: 'overloaded';
  readonly retryAfter: number;
}
/** 429: this peer has shown too many bad credentials, and what it shows now was not looked at (RFC 6585 section 4). */
export interface RateLimited extends Reasoned {
  readonly kind: 'rate_limited';
  readonly retryAfter: number;
}
/** 502: the upstream could not be reached, or what it said is not HTTP that we pass on. */
export interface BadGateway extends Reasoned {
  readonly kind: 'bad_gateway';
}
/** 504: the upstream did not answer in time. */
export interface GatewayTimeout extends Reasoned {
  readonly kind: 'gateway_timeout';
}

export type Refusal =
  | BadRequest
  | RequestTimeout
  | ContentTooLarge
  | UriTooLong
  | ExpectationFailed
  | HeaderTooLarge
  | Unauthenticated
  | AmbiguousCredentials
  | InvalidCredential
  | StepUp
  | InsufficientScope
  | Forbidden
  | NotFound
  | MethodNotAllowed
  | Unavailable
  | Overloaded
  | RateLimited
  | BadGateway
  | GatewayTimeout;

/** All kinds, for tests that walk the union. */
export type RefusalKind = Refusal['kind'];
