/**
 * The words in which the oracle is told of a policy and of a request, and in which it answers. They are the oracle's own:
 * nothing of the product's types is used here, so that a mistake there cannot be a mistake here.
 */
import type { KeyObject } from 'node:crypto';

/** A key that an issuer publishes. */
export interface PublishedKey {
  readonly kid: string;
  readonly alg: string;
  readonly key: KeyObject;
}

/** One entry of `issuers`. */
export interface IssuerModel {
  readonly name: string;
  readonly iss: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
  /** `down`: nobody answers where its keys are. */
  readonly keys: readonly PublishedKey[] | { readonly secret: string } | 'down';
  readonly profile: 'compat' | 'rfc9068';
  readonly leeway: number;
  readonly acceptIdTokens: boolean;
  readonly maxLifetime: number | null;
  readonly requireClaims: Readonly<Record<string, Matcher>>;
  readonly scopeImplies: Readonly<Record<string, readonly string[]>>;
}

/** One entry of `api_keys`; `key` is the plain key, which the policy knows by its hash. */
export interface KeySetModel {
  readonly name: string;
  readonly header: string;
  readonly keys: readonly DeclaredCaller[];
}

/** One entry of `basic`. */
export interface UserListModel {
  readonly name: string;
  readonly users: readonly DeclaredCaller[];
}

/** A key and its bearer, or a user and the password. */
export interface DeclaredCaller {
  readonly id: string;
  readonly secret: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly expired?: boolean;
}

/** What a claim is held against: a value itself, or parts that all must hold. */
export type Matcher =
  | string
  | number
  | boolean
  | {
      readonly in?: readonly (string | number | boolean)[];
      readonly contains?: string;
      readonly contains_any?: readonly string[];
      readonly starts_with?: string;
      readonly ends_with?: string;
      readonly domain?: string;
      readonly gte?: number;
      readonly lt?: number;
      readonly exists?: boolean;
    };

/** The part of `when` that the oracle can evaluate by itself. */
export type Condition =
  | { readonly is: 'anonymous' }
  | { readonly is: 'role' | 'scope' | 'subject' | 'kind' | 'method' | 'source'; readonly value: string }
  | { readonly is: 'path'; readonly name: string; readonly value: string }
  | { readonly is: 'not'; readonly of: Condition }
  | { readonly is: 'and' | 'or'; readonly of: readonly [Condition, Condition] };

/** A form that is 400 unless a route tolerates it. */
export type Form = 'encoded_slash' | 'semicolon' | 'double_slash' | 'get_body';

/** One entry of `routes`. */
export interface RouteModel {
  readonly id: string;
  readonly host: string | null;
  readonly path: string;
  readonly methods: readonly string[] | null;
  readonly auth: 'required' | 'optional' | 'none';
  readonly accept: readonly string[];
  readonly audience: string | null;
  readonly scopes: readonly string[];
  readonly anyScope: readonly string[];
  readonly roles: readonly string[];
  readonly anyRole: readonly string[];
  readonly claims: Readonly<Record<string, Matcher>>;
  readonly when: Condition | null;
  readonly conceals: boolean;
  readonly tolerate: readonly Form[];
  readonly rewrite: { readonly strip: string | null; readonly add: string | null } | null;
  readonly forwardHeaders: readonly string[];
  readonly forwardCredential: boolean;
  /** `dead`: nobody listens there. */
  readonly upstream: 'default' | 'dead';
}

/** Where a token may lie. */
export type Source =
  | { readonly in: 'authorization' }
  | { readonly in: 'header' | 'cookie' | 'query'; readonly name: string };

/** An identity header of the policy, beside the defaults. */
export type IdentityModel =
  | { readonly name: string; readonly fact: 'source' | 'kind' | 'none'; readonly required: false }
  | { readonly name: string; readonly claim: string; readonly required: boolean };

/** A whole policy, as far as the oracle goes. */
export interface PolicyModel {
  readonly insensitive: boolean;
  readonly publicUrl: string | null;
  readonly csrfOrigins: readonly string[];
  readonly trustsLoopback: boolean;
  readonly forwarded: 'x_forwarded' | 'none';
  readonly sources: readonly Source[];
  readonly identity: readonly IdentityModel[];
  readonly strip: readonly string[];
  readonly unmatched: 404 | 403;
  readonly issuers: readonly IssuerModel[];
  readonly keySets: readonly KeySetModel[];
  readonly userLists: readonly UserListModel[];
  readonly routes: readonly RouteModel[];
}

/** A request as its lines are written: every character is one byte. */
export interface RequestModel {
  readonly method: string;
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Who calls, once that is proven. */
export interface Caller {
  readonly source: string;
  readonly kind: 'jwt' | 'api_key' | 'basic';
  readonly subject: string;
  readonly issuer: string;
  readonly client: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What must come of a request. */
export type Verdict =
  | {
      readonly is: 'refused';
      readonly status: number;
      /** Member `code` of the body; null for none. */
      readonly code: string | null;
      /** Schemes of the challenges, in order. */
      readonly schemes: readonly string[];
      readonly why: string;
      /** Statuses that would be as true, where the bytes have several faults. */
      readonly or: readonly number[];
    }
  | {
      readonly is: 'forwarded';
      readonly upstream: 'default' | 'dead';
      readonly method: string;
      readonly target: string;
      readonly host: string;
      /** All header fields that the caller or the policy is the cause of: lower-case names and values, sorted by name. */
      readonly headers: readonly (readonly [name: string, value: string])[];
      readonly route: string;
    };
