/**
 * Protected resource metadata (RFC 9728): documents that tell clients which authorization servers vouch for
 * whom here. They are made at load from the policy alone; nothing of a request is ever in one.
 */
import type { CorsPolicy, Policy, ResourcePolicy } from '../policy/policy.ts';
import type { Answer } from '../refusals/answer.ts';
import type { Refusal } from '../refusals/refusal.ts';
import type { WireRequest } from '../wire/wire-request.ts';
import { isPreflight } from './cors.ts';
import { WELL_KNOWN } from './metadata-address.ts';

/** How refusals in the place of a document are shared: with every page, like the documents. */
export const FOR_EVERY_PAGE: CorsPolicy = Object.freeze({
  origins: null,
  headers: [],
  headerPrefixes: [],
  expose: [],
  credentials: false,
  maxAge: 0,
});

const METHODS = 'GET, HEAD, OPTIONS';
const EMPTY = Buffer.alloc(0);
/** Everybody's pages may read what everybody may read. No credential is asked for, so that `*` is enough (Fetch). */
const FOR_EVERY_ORIGIN = ['Access-Control-Allow-Origin', '*'] as const;
/** MCP clients send the version of their protocol along; `*` stands for whatever others do. */
const FOR_PREFLIGHTS = [
  ...FOR_EVERY_ORIGIN,
  'Access-Control-Allow-Methods',
  METHODS,
  'Access-Control-Allow-Headers',
  'MCP-Protocol-Version, *',
  'Access-Control-Max-Age',
  '86400',
] as const;

const NO_RESOURCE: Refusal = Object.freeze({ kind: 'not_found', reason: 'no_resource' });
const OTHER_METHOD: Refusal = Object.freeze({
  kind: 'method_not_allowed',
  reason: 'method_not_listed',
  allow: METHODS,
});

/**
 * Answers a request for a metadata document, whoever asks; null for every other request, and for all while the
 * policy declares no resource. What lies below the well-known path is ours alone: an upstream could name other
 * authorization servers there.
 */
export function answerMetadata(policy: Policy, wire: WireRequest): Answer | Refusal | null {
  if (policy.resources.length === 0 || !isBelowWellKnown(wire.path)) return null;
  const leave: Answer = { status: 204, headers: FOR_PREFLIGHTS, body: EMPTY, close: false };
  // For every address: a page that may not ask is told of a network error, and never of the 404 to look elsewhere.
  if (isPreflight(wire)) return leave;
  const resource = resourceAt(policy.resources, wire);
  if (resource === undefined) return NO_RESOURCE;
  if (wire.method === 'OPTIONS') return leave;
  if (wire.method !== 'GET' && wire.method !== 'HEAD') return OTHER_METHOD;
  const headers = ['Cache-Control', 'public, max-age=3600', 'ETag', resource.etag, ...FOR_EVERY_ORIGIN];
  if (isFresh(resource.etag, wire)) return { status: 304, headers, body: EMPTY, close: false };
  headers.unshift('Content-Type', 'application/json');
  return { status: 200, headers, body: Buffer.from(resource.document), close: false };
}

function isBelowWellKnown(path: string): boolean {
  return path === WELL_KNOWN || path.startsWith(`${WELL_KNOWN}/`);
}

/**
 * The path decides. Host chooses among resources of one path and nothing else, so that a document can be had
 * whatever a proxy before us made of it; so does the query, which a resource without one does not look at.
 */
function resourceAt(resources: readonly ResourcePolicy[], wire: WireRequest): ResourcePolicy | undefined {
  const there = atPath(resources, wire.path);
  const ofHost = there.filter((each) => each.host === wire.host);
  const near = ofHost.length > 0 ? ofHost : there;
  return (
    near.find((each) => each.metadataQuery === wire.query) ?? near.find((each) => each.metadataQuery === '')
  );
}

/** Clients differ in whether a final slash of the identifier comes along. */
function atPath(resources: readonly ResourcePolicy[], path: string): readonly ResourcePolicy[] {
  const exactly = resources.filter((each) => each.metadataPath === path);
  if (exactly.length > 0) return exactly;
  const bare = withoutSlash(path);
  return resources.filter((each) => withoutSlash(each.metadataPath) === bare);
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

/** RFC 9110 section 13.1.2: `If-None-Match` compares weakly, and may hold several. */
function isFresh(etag: string, wire: WireRequest): boolean {
  return wire.headerNames.some((name, index) => {
    if (name !== 'if-none-match') return false;
    const tags = (wire.rawHeaders[2 * index + 1] ?? '').split(',').map((tag) => tag.trim());
    return tags.some((tag) => tag === '*' || tag === etag || tag === `W/${etag}`);
  });
}
