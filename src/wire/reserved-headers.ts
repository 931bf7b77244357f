/**
 * Headers that callers may not send to an upstream, as closed lists of folded names (`foldHeaderName`).
 * Identity headers of the policy, `identity.strip` and the carriers of credentials come on top of these.
 */

/** Names that begin so speak for us, whoever wrote them: they are removed on every route. */
export const IDENTITY_PREFIX = 'x-auth-';

/** Names by which upstreams and other gateways are told who the caller is: removed on every route, whoever wrote them. */
export const IDENTITY_HEADERS: ReadonlySet<string> = new Set([
  'x-user',
  'x-remote-user',
  'remote-user',
  'x-forwarded-user',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
]);

/** Names by which frameworks let a header replace the method that we judged (Rack, Symfony, ASP.NET, Express, OData). */
export const METHOD_OVERRIDES: ReadonlySet<string> = new Set([
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-original-method',
  'x-forwarded-method',
]);

/** Names by which frameworks, servers and proxies let a header replace the path or the host that we judged. */
export const TARGET_OVERRIDES: ReadonlySet<string> = new Set([
  'x-original-url',
  'x-original-uri',
  'x-original-path',
  'x-original-host',
  'x-rewrite-url',
  'x-rewrite-uri',
  'x-override-url',
  'x-http-path-override',
  'x-http-host-override',
  'x-http-destinationurl',
  'x-ms-original-url',
  'x-waws-unencoded-url',
  'x-envoy-original-path',
  'x-envoy-original-dst-host',
  'x-forwarded-uri',
  'x-forwarded-url',
  'x-forwarded-path',
  'x-matched-path',
  'x-invoke-path',
  'x-astro-path',
  'request-uri',
  // RFC 4918 section 10.3: COPY and MOVE write to a second target, which nobody judged.
  'destination',
  // Variables of CGI (RFC 3875): a server that believes SCRIPT_NAME cuts it off the path, and the application is asked
  // for what is behind it.
  'script-name',
  'x-script-name',
  'path-info',
]);

/**
 * Names by which a header tells an upstream what to do instead of what we judged: removed, whoever is the peer, unless
 * the route's `forward_headers` names them. Proxies before us, trusted or not, leave most of them as a caller wrote them.
 */
export const DANGEROUS_HEADERS: ReadonlySet<string> = new Set([
  ...METHOD_OVERRIDES,
  ...TARGET_OVERRIDES,
  'x-accel-redirect',
  'x-accel-mapping',
  'x-sendfile',
  'x-sendfile-type',
  'x-middleware-subrequest',
  // Becomes HTTP_PROXY in the environment of a CGI program, which takes it for its own setting (CVE-2016-5385).
  'proxy',
]);
