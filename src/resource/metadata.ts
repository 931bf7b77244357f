/**
 * Protected resource metadata (RFC 9728): documents that tell clients which authorization servers vouch for
 * whom here. They are made at load from the policy alone; nothing of a request is ever in one.
 */
import type { Policy, ResourcePolicy } from '../policy/policy.ts';
import type { Answer } from '../refusals/answer.ts';
import type { Refusal } from '../refusals/refusal.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/** Where documents lie (RFC 9728 section 3): before the path of a resource. */
export const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/**
 * Answers a request for a metadata document, whoever asks; null for every other request, and for all while the
 * policy declares no resource.
 */
export function answerMetadata(policy: Policy, wire: WireRequest): Answer | Refusal | null {
  if (policy.resources.length === 0 || !isBelowWellKnown(wire.path)) return null;
  const resource = policy.resources.find((each) => isAskedFor(each, wire));
  if (resource === undefined) return { kind: 'not_found', reason: 'no_resource' };
  return {
    status: 200,
    headers: ['Content-Type', 'application/json', 'Access-Control-Allow-Origin', '*'],
    body: Buffer.from(resource.document),
    close: false,
  };
}

function isBelowWellKnown(path: string): boolean {
  return path === WELL_KNOWN || path.startsWith(`${WELL_KNOWN}/`);
}

function isAskedFor(resource: ResourcePolicy, wire: WireRequest): boolean {
  return resource.metadataPath === wire.path && resource.metadataQuery === wire.query;
}
