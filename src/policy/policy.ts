/**
 * The frozen policy: what the server runs. Made by `compile-policy.ts` from the configuration that the
 * operator wrote. No optionals are left, durations are milliseconds, sizes are bytes, and `none` is Infinity.
 */

import type { BlockList } from 'node:net';
import type { ValueEncoding } from '../wire/header-value.ts';
import type { ToleratedForm } from '../wire/wire-request.ts';
import type { Rate } from './rate.ts';
import type { Requirements } from './requirements.ts';
import type { RouteTree } from './route-tree.ts';
import type { ApiKeySetPolicy, ClaimPath, IssuerPolicy, UserListPolicy } from './sources.ts';

export interface Policy {
  readonly listen: readonly ListenAddress[];
  readonly admin: AdminPolicy | null;
  /** What clients call us, without a final slash; null when not given. */
  readonly publicUrl: string | null;
  readonly realm: string;
  /** Peers whose X-Forwarded-* are believed. */
  readonly trustedProxies: BlockList;
  readonly forwarded: 'x_forwarded' | 'rfc7239' | 'both' | 'none';
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly log: LogPolicy;
  /** By name; `default` is the short form's. */
  readonly upstreams: ReadonlyMap<string, UpstreamPolicy>;
  /** In the order of the file. */
  readonly issuers: readonly IssuerPolicy[];
  readonly apiKeySets: readonly ApiKeySetPolicy[];
  readonly userLists: readonly UserListPolicy[];
  /** Origins, besides that of `publicUrl`, whose pages may use an ambient credential (`csrf.origins`). */
  readonly csrfOrigins: ReadonlySet<string>;
  /** Protected resources (RFC 9728) whose metadata we serve; empty for none. */
  readonly resources: readonly ResourcePolicy[];
  readonly identity: IdentityPolicy;
  readonly errors: ErrorsPolicy;
  readonly routes: readonly Route[];
  readonly tree: RouteTree;
  /** What holds where no route is: every declared source may authenticate, and the status then. */
  readonly unmatched: UnmatchedPolicy;
  /** Files that were read for this policy and are watched: the policy file itself and everything it names. */
  readonly files: readonly string[];
}

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface AdminPolicy {
  readonly address: ListenAddress;
  /** Host names, besides IP literals and `localhost`, that a request on the admin listener may name. */
  readonly hosts: readonly string[];
  /** SHA-256 of the bearer token asked for everything but probes; null without `token_file`. */
  readonly tokenHash: Buffer | null;
}

export interface Limits {
  readonly targetBytes: number;
  readonly headerBytes: number;
  readonly headerCount: number;
  readonly tokenBytes: number;
  readonly bodyBytes: number;
  readonly connections: number;
  readonly inFlight: number;
  readonly queue: number;
  /** Null for no budget. */
  readonly failedCredentials: FailedCredentialsPolicy | null;
}

export interface FailedCredentialsPolicy {
  readonly perPeer: Rate;
  /** Whether connections from loopback count. */
  readonly loopback: boolean;
  /** Whether unix sockets and trusted proxies that name no client count, each as one peer. */
  readonly aggregates: boolean;
}

export interface Timeouts {
  readonly headers: number;
  readonly request: number;
  readonly idle: number;
  readonly queue: number;
  readonly drainDelay: number;
  readonly drain: number;
}

export interface LogPolicy {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly format: 'json' | 'pretty';
  /** Log every n-th allowed request; 0 for none, 1 for all. Refusals are always logged. */
  readonly allowedEvery: number;
  /** Forwarded answers tell the client the id that the log has. */
  readonly responseId: boolean;
  /** How `auth.subject` names a caller. */
  readonly subject: 'plain' | 'hashed' | 'none';
}

export interface UpstreamPolicy {
  readonly name: string;
  /** Origins (`http://h:p`, `https://h:p`), taken in turn; for a unix socket `http://localhost` with `socketPath`. */
  readonly targets: readonly UpstreamTarget[];
  readonly tls: UpstreamTls;
  /** Host header sent: the client's, the target's own, or a literal. */
  readonly host: 'client' | 'upstream' | { readonly literal: string };
  readonly connectTimeout: number;
  readonly responseTimeout: number;
  readonly idleTimeout: number;
  readonly on401: 'pass' | 'bad_gateway';
  readonly pathCase: 'sensitive' | 'insensitive';
}

export interface UpstreamTarget {
  readonly origin: string;
  /** `host[:port]` for `host: upstream`. */
  readonly authority: string;
  readonly socketPath: string | null;
}

export interface UpstreamTls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly serverName: string | null;
  readonly insecureSkipVerify: boolean;
}

/** Which pages of other origins may read answers (Fetch, CORS protocol). */
export interface CorsPolicy {
  /** Serialised origins, compared as they are; null for every origin (`"*"`). */
  readonly origins: ReadonlySet<string> | null;
  /** Names that a page may send, as written. */
  readonly headers: readonly string[];
  /** Lower-case beginnings of further names that a page may send, of entries such as `mcp-param-*`. */
  readonly headerPrefixes: readonly string[];
  /** Names, besides those of our own answers, that a page may read, as written. */
  readonly expose: readonly string[];
  readonly credentials: boolean;
  /** How long a preflight holds. */
  readonly maxAge: number;
}

/** A protected resource and its metadata document (RFC 9728), made at load from the identifier alone. */
export interface ResourcePolicy {
  readonly name: string;
  readonly identifier: string;
  /** Absolute address of the document, for `resource_metadata` (RFC 9728 section 5.1). */
  readonly metadataUrl: string;
  /** Host of the identifier, lower-case, without port: chooses among resources of one path. */
  readonly host: string;
  /** Canonical path of the document, and its query with the '?' or ''. */
  readonly metadataPath: string;
  readonly metadataQuery: string;
  /** The document as JSON text. */
  readonly document: string;
  /** Entity tag of the document, with its quotes (RFC 9110 section 8.8.3). */
  readonly etag: string;
  /** Name the scopes of a route in its 401 too. */
  readonly scopeInChallenge: boolean;
}

/** What an identity header carries. */
export type IdentityField = 'subject' | 'issuer' | 'client' | 'scopes' | 'roles' | 'source' | 'kind';

export interface IdentityHeader {
  /** As written in the policy (`X-Auth-Subject`). */
  readonly name: string;
  readonly from: { readonly field: IdentityField } | { readonly claim: ClaimPath };
  /** Between the members of a list. */
  readonly join: string;
  /** Absent: 403. */
  readonly required: boolean;
}

export interface IdentityPolicy {
  readonly headers: readonly IdentityHeader[];
  /** Folded names (`foldHeaderName`) that callers may not send, besides the closed list in `wire/`. */
  readonly strip: ReadonlySet<string>;
  /** Folded name prefixes from entries such as "X-Auth-Request-*". */
  readonly stripPrefixes: readonly string[];
  readonly encoding: ValueEncoding;
}

export interface ErrorsPolicy {
  readonly format: 'json' | 'problem';
  readonly detail: 'minimal' | 'standard';
}

/** A place where a token may lie, besides those that credential kinds bring (key headers). */
export type TokenSource =
  | { readonly in: 'authorization'; readonly issuers: readonly string[] | null }
  | {
      readonly in: 'header';
      readonly name: string;
      readonly issuers: readonly string[] | null;
      /** Whether base64url with padding is taken too: only issuers that write it (`aws_alb`) are read here. */
      readonly padded: boolean;
    }
  /** Names of cookies and of query parameters are compared as they are. */
  | { readonly in: 'cookie'; readonly name: string; readonly issuers: readonly string[] | null }
  | { readonly in: 'query'; readonly name: string; readonly issuers: readonly string[] | null }
  /** The subprotocol after which a WebSocket client offers its token. */
  | { readonly in: 'websocket_protocol'; readonly name: string; readonly issuers: readonly string[] | null };

/** Which credentials count: where to look, and who may judge. Shared by routes that have the same. */
export interface AcceptPolicy {
  /** Names of accepted sources, in the order of the file. */
  readonly sources: readonly string[];
  readonly issuers: readonly string[];
  readonly apiKeySets: readonly string[];
  readonly userLists: readonly string[];
  readonly tokenSources: readonly TokenSource[];
  /** Lower-case key header names to read, each once. */
  readonly keyHeaders: readonly string[];
  /** Schemes offered in a 401, in order. Empty when no credential is declared at all. */
  readonly challenges: readonly ChallengeScheme[];
}

export type ChallengeScheme = 'Bearer' | 'Basic';

/**
 * How callers approach a place: who may judge them, which origins may read what we answer, and where they learn
 * how to get a token.
 */
export interface Approach {
  readonly accept: AcceptPolicy;
  /** Null without a `cors` block. */
  readonly cors: CorsPolicy | null;
  readonly resource: ResourcePolicy | null;
}

export interface UnmatchedPolicy extends Approach {
  readonly status: 403 | 404;
}

export interface Route extends Approach {
  readonly id: string;
  /** Host pattern as written, lower-case: a name, `*.name`, or null for every host. */
  readonly host: string | null;
  /** Path pattern as written. */
  readonly path: string;
  /** Upper-case or as written; null for all. A route that lists GET has HEAD too unless another of the same place lists it. */
  readonly methods: readonly string[] | null;
  readonly auth: 'required' | 'optional' | 'none';
  /** Narrower than the issuers'; null when not given. */
  readonly audience: readonly string[] | null;
  readonly require: Requirements;
  readonly onForbidden: 403 | 404;
  readonly upstream: UpstreamPolicy;
  readonly rewrite: Rewrite | null;
  readonly webSocket: boolean;
  readonly closeAtExpiry: boolean;
  readonly tolerate: readonly ToleratedForm[];
  /** Folded names of dangerous headers that may pass. */
  readonly forwardHeaders: ReadonlySet<string>;
  readonly bodyBytes: number;
  readonly responseTimeout: number;
  readonly idleTimeout: number;
  /** True when `idle_timeout` was written on the route, so that it binds event streams and WebSockets too. */
  readonly idleTimeoutBindsStreams: boolean;
  readonly forwardCredential: boolean;
}

export type Rewrite =
  | { readonly kind: 'prefix'; readonly strip: number; readonly add: string }
  /** Literal text and parameter names in turn; a parameter is re-encoded, a rest parameter segment by segment. */
  | { readonly kind: 'template'; readonly parts: readonly (string | { readonly parameter: string })[] };
