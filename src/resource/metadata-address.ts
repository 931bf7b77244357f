/**
 * Where the metadata of a protected resource lies (RFC 9728 section 3.1). Made from the identifier alone: an
 * address with anything of a request in it would send clients wherever a caller likes.
 */
import { canonicalizePath } from '../wire/canonical-path.ts';

/** What stands before the path of a resource (RFC 9728 section 3). */
export const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** RFC 3986 section 3.4, with its '?': a backslash, say, would have to be escaped in a challenge. */
const QUERY = /^(?:\?(?:[\w.~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*)?$/;

/** Address of a document, whole and in the parts that requests are compared with. */
export interface MetadataAddress {
  readonly url: string;
  /** In the form of `WireRequest.path`. */
  readonly path: string;
  /** '' or the '?' and all that follows it. */
  readonly query: string;
}

/**
 * The well-known part goes between host and path; a slash that is the whole path goes away, and the query stays.
 * Null for what a request or a challenge could spell in several ways.
 */
export function metadataAddress(identifier: URL): MetadataAddress | null {
  const { origin, pathname, search } = identifier;
  const canonical = canonicalizePath(pathname);
  if (!canonical.ok || canonical.forms.length > 0 || !QUERY.test(search)) return null;
  const path = `${WELL_KNOWN}${canonical.path === '/' ? '' : canonical.path}`;
  return { url: `${origin}${path}${search}`, path, query: search };
}
