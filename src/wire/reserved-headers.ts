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

/**
 * Names by which frameworks and servers let a header replace the target or the method that we judged:
 * removed unless the route's `forward_headers` names them.
 */
export const DANGEROUS_HEADERS: ReadonlySet<string> = new Set([
  'x-original-url',
  'x-original-uri',
  'x-rewrite-url',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-envoy-original-path',
  'x-http-destinationurl',
  'x-accel-redirect',
  'x-sendfile',
]);
