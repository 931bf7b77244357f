/** Who may do what. */
import {
  boolean,
  choice,
  duration,
  type Infer,
  type InferMerged,
  inherited,
  key,
  later,
  listOf,
  object,
  size,
  strictListOf,
  text,
} from './builder.ts';
import { claimMatchers } from './claim-matchers.ts';
import { routeCors } from './cors.ts';
import { headerName, methodName, resourceName, scopeToken, sourceName, upstreamName } from './names.ts';
import { tokenSources, tokenSourcesDoc } from './token-sources.ts';

const requirements = object({
  scopes: key(listOf(scopeToken(), { none: true }), {
    doc: 'All of these; else 403 `insufficient_scope` (RFC 6750 section 3.1).',
    default: [],
    example: ['orders:read'],
  }),
  any_scope: key(listOf(scopeToken(), { none: true }), {
    doc: 'One of these.',
    default: [],
    example: ['orders:read', 'orders:admin'],
  }),
  roles: key(listOf(text(), { none: true }), {
    doc: 'All of these; else 403.',
    default: [],
    example: ['clerk'],
  }),
  any_role: key(listOf(text(), { none: true }), {
    doc: 'One of these; else 403.',
    default: [],
    example: ['clerk', 'admin'],
  }),
  claims: key(claimMatchers, {
    doc: 'What claims must be, by name or RFC 6901 pointer; else 403. An absent claim fails everything but `exists: false`, and a whole number beyond 2^53 everything but `exists: true`.',
    default: {},
    example: { tenant: 'acme', 'https://x/plan': { in: ['pro', 'team'] }, level: { gte: 2 } },
  }),
  when: key(text({ verbatim: true }), {
    doc: 'A CEL expression that must be true; false and every error are 403. Knows `anonymous`, `source`, `kind`, `subject`, `issuer`, `client`, `scopes`, `roles`, `claims`, `path` (parameters of the route), `request.method`, `.host`, `.path`, `.query`, `.headers`, and `now`. Whole numbers of claims are exact integers of 64 bits; to look at a longer one, or at one beyond 2^53 with a point or an exponent, is an error.',
    example: 'path.order == claims.order || "admin" in roles',
  }),
  acr: key(listOf(text(), { none: true }), {
    doc: 'One of these authentication contexts; else a step-up challenge (RFC 9470).',
    default: [],
    example: ['urn:example:mfa'],
  }),
  max_age: key(duration({ none: true }), {
    doc: 'How long ago the caller may have authenticated (`auth_time`); else a step-up challenge (RFC 9470).',
    default: 'none',
    example: '15m',
  }),
  bound: later('Only tokens that are bound to a key of the caller.', { none: true }),
});

const rewrite = object({
  strip_prefix: key(text({ pattern: /^\//, expected: 'a path that begins with "/"', verbatim: true }), {
    doc: 'Whole segments to cut from the beginning of the path.',
    example: '/orders',
  }),
  add_prefix: key(text({ pattern: /^\//, expected: 'a path that begins with "/"', verbatim: true }), {
    doc: 'What to set before the path.',
    example: '/v1',
  }),
  path: key(text({ pattern: /^\//, expected: 'a path that begins with "/"', verbatim: true }), {
    doc: 'The whole path, with parameters of the route; alone.',
    example: '/files/{tenant}/{rest...}',
  }),
});

/** The keys that `defaults` may hold too. Values that nobody wrote are `undefined`, so that they can be merged. */
export const sharedRouteKeys = {
  accept: inherited(listOf(text(sourceName), { min: 1 }), {
    doc: 'Names of issuers, key sets and user lists whose credentials count here.',
    defaultText: 'the top-level `accept`',
    example: ['corp', 'machines'],
  }),
  audience: inherited(listOf(text(), { min: 1 }), {
    doc: 'Narrower than that of the issuer; a token for another audience is 401 `invalid_token`.',
    example: 'orders-admin',
  }),
  require: inherited(requirements, {
    default: {},
    doc: 'What the caller must have; all parts must hold. With `auth: optional` only `when`.',
    example: { scopes: ['orders:read'], claims: { tenant: 'acme' } },
  }),
  on_forbidden: inherited(choice([403, 404]), {
    doc: '404 conceals the route: whoever may not use it gets the answer of an unknown path in every respect.',
    default: 403,
    example: 404,
  }),
  upstream: inherited(text(upstreamName), {
    doc: 'Name of the upstream.',
    default: 'default',
    example: 'orders',
  }),
  rewrite: inherited(rewrite, {
    doc: 'The path for the upstream: `{strip_prefix, add_prefix}`, or `{path}`. The query is forwarded as it is.',
    example: { strip_prefix: '/orders', add_prefix: '/v1' },
  }),
  websocket: inherited(boolean(), {
    doc: 'Let WebSocket upgrades through; otherwise an upgrade is handled as a plain request without it.',
    default: false,
    example: true,
  }),
  close_at_expiry: inherited(boolean(), {
    doc: 'WebSockets (1008) and event streams end when the credential does.',
    default: true,
    example: false,
  }),
  tolerate: inherited(listOf(choice(['encoded_slash', 'semicolon', 'double_slash', 'get_body'])), {
    doc: 'Forms that are 400 by default. A tolerated target is judged under each reading that an upstream may give it.',
    default: [],
    example: ['encoded_slash'],
  }),
  forward_headers: inherited(listOf(text(headerName)), {
    doc: 'Names that may pass although callers cannot send them by default, because an upstream may take the target or the method from them: `X-HTTP-Method-Override`, `X-HTTP-Method`, `X-Method-Override`, `X-Original-URL`, `X-Original-URI`, `X-Rewrite-URL`, `Destination` (of `COPY` and `MOVE`), and others, which a refused policy lists. `trusted_proxies` cannot send them either. `check` warns where they lead round `methods` or another route.',
    default: [],
    example: ['X-HTTP-Method-Override'],
  }),
  body_bytes: inherited(size({ none: true }), {
    doc: 'Longest request body; more is 413.',
    defaultText: '`limits.body_bytes`',
    example: '10MiB',
  }),
  response_timeout: inherited(duration({ min: 10, none: true }), {
    doc: 'Until the header of the answer; then 504.',
    defaultText: 'that of the upstream',
    example: '2m',
  }),
  idle_timeout: inherited(duration({ min: 10, none: true }), {
    doc: 'Between two bytes of a body. Written here, it binds event streams and WebSockets too.',
    defaultText: 'that of the upstream',
    example: '5m',
  }),
  token_sources: inherited(tokenSources, {
    doc: tokenSourcesDoc,
    defaultText: 'the top-level `token_sources`',
    example: [{ header: 'X-Token' }],
  }),
  forward_credential: inherited(boolean(), {
    doc: "Keep the caller's credential on the forwarded request. With `auth: none` it was not judged, and `check` warns.",
    defaultText: 'the top-level `forward_credential`',
    example: true,
  }),
  cors: routeCors,
  resource: inherited(text(resourceName), {
    doc: 'Name of the protected resource (RFC 9728) of this route, among `resources`; `none` for none.',
    defaultText: 'the top-level `resource`',
    example: 'reports',
  }),
  rate_limit: later('How many requests a caller may make.', { none: true }),
};

const defaults = object(sharedRouteKeys);

const ownRouteKeys = {
  id: key(text(), {
    doc: 'Name in the log; unique.',
    defaultText: 'methods, host and first path',
    example: 'read-order',
  }),
  host: key(listOf(text(), { min: 1 }), {
    doc: 'A host name, or `"*.example.com"` for one or more labels before `.example.com`.',
    defaultText: 'every host',
    example: 'api.example.com',
  }),
  path: key(
    listOf(text({ pattern: /^\//, expected: 'a path that begins with "/"', verbatim: true }), { min: 1 }),
    {
      doc: '`/orders/{order}`: a segment is a literal or `{name}`; the last may be `**` or `{name...}` for zero or more. `/a/**` is `/a` and all below.',
      required: true,
      example: '/orders/{order}',
    },
  ),
  methods: key(listOf(text(methodName), { min: 1 }), {
    doc: 'Methods; `[GET]` includes HEAD unless a route of the same host and path lists HEAD.',
    defaultText: 'all',
    example: ['GET'],
  }),
  auth: key(choice(['required', 'optional', 'none']), {
    doc: '`optional`: no credential is anonymous, a bad one is still 401. `none`: nothing is judged.',
    default: 'required',
  }),
};

const route = object({ ...ownRouteKeys, ...sharedRouteKeys });

/** Keys of the top level. */
export const routeKeys = {
  accept: key(listOf(text(sourceName), { min: 1 }), {
    doc: 'Names of issuers, key sets and user lists whose credentials count on routes that name none. May be left out while the file declares only one.',
    example: ['corp', 'machines'],
    live: true,
  }),
  token_sources: key(tokenSources, {
    doc: tokenSourcesDoc,
    default: 'authorization',
    example: ['authorization', { header: 'X-Token' }],
  }),
  forward_credential: key(boolean(), {
    doc: "Keep the caller's credential on the forwarded request. With `auth: none` it was not judged, and `check` warns.",
    default: false,
  }),
  defaults: key(defaults, {
    doc: 'Keys for every route, any but `id`, `host`, `path`, `methods`, `auth`. A key of the route itself replaces it whole; `none` there removes it. On a route with `auth: none`, `accept`, `audience` and `require` of this block do not count.',
    default: {},
    example: { accept: ['corp'] },
  }),
  routes: key(strictListOf(route, { min: 1 }), {
    doc: 'Who may do what. One route is chosen by host and path together, the most specific, whatever the order.',
    required: true,
    example: [
      { path: '/orders/{order}', methods: ['GET'], require: { scopes: ['orders:read'] }, upstream: 'orders' },
    ],
  }),
  unmatched: key(
    object({
      status: key(choice([404, 403]), {
        doc: 'What authenticated callers get where no route is; others get the 401 that they would get anywhere.',
        default: 404,
      }),
    }),
    { doc: 'Requests that no route matches.', default: {} },
  ),
};

/** A route as it is written. */
export type WrittenRoute = Infer<typeof route>;
/** A route with what `defaults` adds and the defaults of the keys. */
export type RouteConfiguration = InferMerged<typeof ownRouteKeys & typeof sharedRouteKeys>;
export type RouteDefaultsConfiguration = Infer<typeof defaults>;
export type RequirementsConfiguration = Infer<typeof requirements>;
export type RewriteConfiguration = Infer<typeof rewrite>;
