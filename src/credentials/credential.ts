/** What a caller shows (a credential) and who that makes them (a principal). */
import type { Refusal } from '../refusals/refusal.ts';
import type { RoundedNumber } from './exact-number.ts';

/** Any JSON value, as claims hold. Every `number` is exactly the whole number that was sent, or a fraction. */
export type JsonValue = string | number | boolean | null | RoundedNumber | readonly JsonValue[] | JsonObject;
/** A JSON object with a null prototype, so that a claim named `__proto__` or `constructor` is only a name. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** Kinds of credential, as `kind` in identity headers and in `when`. */
export type CredentialKindName = 'jwt' | 'api_key' | 'basic';

/** Where in the request a credential was found. */
export type CredentialPlace =
  | { readonly in: 'authorization' }
  /** A token header such as X-Token, or an API key header; lower-case name. */
  | { readonly in: 'header'; readonly name: string }
  | { readonly in: 'cookie' }
  | { readonly in: 'query' }
  | { readonly in: 'websocket_protocol' };

/** The one credential that a request presents, not judged yet. */
export interface Credential {
  readonly place: CredentialPlace;
  /**
   * Which families may judge it: a Bearer value of three dot-separated parts is a token, any other a key; a value
   * of the Basic scheme (RFC 7617) is a password.
   */
  readonly family: 'token' | 'key' | 'password';
  /** The bare value, without scheme; for Basic still in base64. Secret: never logged. */
  readonly value: string;
  /** Public code if it is refused: `invalid_token` for Bearer values, `invalid_api_key` for a key header, `invalid_credentials` for Basic. */
  readonly refusedAs: 'invalid_token' | 'invalid_api_key' | 'invalid_credentials';
  /** `issuers` of the token source it was found in: only these may judge it. Null or absent: no restriction. */
  readonly onlyIssuers?: readonly string[] | null;
  /** Whether the parts of a token may be padded where it was found (`padded` of its token source). Absent: no. */
  readonly padded?: boolean;
}

type Paths = readonly (readonly string[])[];

/** A caller whose credential was verified. Frozen; shared between requests by the verified-token cache. */
export interface Principal {
  /** Name of the issuer entry, key set or user list in the policy. */
  readonly source: string;
  readonly kind: CredentialKindName;
  /** `sub`, or the key's or user's subject; null only where the issuer says `subject: none`. */
  readonly subject: string | null;
  /** `iss` for tokens, the set's name for keys and users, so that subject and issuer together never collide. */
  readonly issuer: string;
  readonly client: string | null;
  /** Effective scopes: those of the credential and what `scope_implies` adds; no duplicates, order kept. */
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** The verified claims; empty for keys. */
  readonly claims: JsonObject;
  /** `aud` as a list, for a route's narrower `audience`; empty for keys, and where `insecure_any` lets a token have none. */
  readonly audiences: readonly string[];
  /** Epoch seconds after which the credential is no good any more, without leeway; Infinity when it never ends. */
  readonly expiresAt: number;
  /** Key id that verified it, for the log; null for keys. */
  readonly kid: string | null;
  /** Id of the API key in the policy, for the log; absent for other kinds. */
  readonly key?: string;
  /** Paths of the claims that scopes and roles were read from, for the log; absent for keys and users. */
  readonly readFrom?: { readonly scopes: Paths; readonly roles: Paths };
}

/** The outcome of a verification. */
export type Verified =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly refusal: Refusal };
