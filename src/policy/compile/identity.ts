/** `identity`: what the upstream is told about the caller, and what no caller may say himself. */
import { parseClaimPath } from '../../authorization/claim-path.ts';
import { foldHeaderName } from '../../wire/fold-header-name.ts';
import { isJoin } from '../../wire/header-value.ts';
import type { IdentityField, IdentityHeader, IdentityPolicy } from '../policy.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { Configuration } from '../schema/configuration.ts';
import type { IdentityHeaderConfiguration } from '../schema/identity.ts';
import type { CompileContext } from './context.ts';
import { isReservedHeader, reservedWithPrefix } from './reserved-headers.ts';

/**
 * Compiles the block.
 * @param carriers folded names of the headers in which credentials lie: none may be an identity header too
 */
export function compileIdentity(
  configuration: Configuration,
  carriers: ReadonlySet<string>,
  context: CompileContext,
): IdentityPolicy {
  const { identity } = configuration;
  // Names that are taken out stay here: the upstream may still read them.
  const strip = new Set([...identity.headers.keys()].map(foldHeaderName));
  const headers: IdentityHeader[] = [];
  const taken = new Map<string, string>();
  for (const [name, wish] of identity.headers) {
    const path = ['identity', 'headers', name];
    const folded = foldHeaderName(name);
    const other = taken.get(folded);
    if (other !== undefined) {
      const message = `"${name}" and "${other}" are one name to upstreams that read "_" and "-" alike; write one of them`;
      context.problems.report(path, 'header_twins', message);
    }
    taken.set(folded, name);
    if (wish === null || wish === undefined) continue;
    checkName(name, carriers, path, context);
    const header = compileHeader(name, wish, path, context);
    if (header !== null) headers.push(header);
  }
  const stripPrefixes = compileStrip(identity.strip ?? [], strip, context);
  return { headers, strip, stripPrefixes, encoding: identity.encoding };
}

function checkName(
  name: string,
  carriers: ReadonlySet<string>,
  path: ConfigurationPath,
  context: CompileContext,
): void {
  const folded = foldHeaderName(name);
  if (isReservedHeader(folded)) {
    const message = `${name} has a meaning of its own in HTTP or for this proxy; write another name, e.g. X-Auth-Email`;
    context.problems.report(path, 'reserved_header', message);
  } else if (carriers.has(folded)) {
    const message = `${name} is where a credential lies (api_keys, token_sources); write another name`;
    context.problems.report(path, 'header_conflict', message);
  }
}

function compileHeader(
  name: string,
  wish: IdentityField | IdentityHeaderConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): IdentityHeader | null {
  if (typeof wish === 'string')
    return { name, from: { field: wish }, join: separator(wish), required: false };
  const { from, claim, join, required } = wish;
  if (join !== undefined && !isJoin(join)) {
    const message = `"${join}" may be part of a member, so that nobody could take the list apart; write e.g. "," or ";"`;
    context.problems.report([...path, 'join'], 'ambiguous_join', message);
  }
  if (from !== undefined) return { name, from: { field: from }, join: join ?? separator(from), required };
  if (claim === undefined) return null;
  const parsedClaim = parseClaimPath(claim);
  if (parsedClaim.ok) return { name, from: { claim: parsedClaim.path }, join: join ?? ',', required };
  context.problems.report([...path, 'claim'], 'invalid_claim_name', parsedClaim.message);
  return null;
}

/** Scopes are joined as RFC 6749 section 3.3 writes them. */
function separator(field: IdentityField): string {
  return field === 'scopes' ? ' ' : ',';
}

/** Adds plain names to `strip` and returns the beginnings. */
function compileStrip(
  entries: readonly string[],
  strip: Set<string>,
  context: CompileContext,
): readonly string[] {
  const prefixes: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const isPrefix = entry.endsWith('*');
    const folded = foldHeaderName(isPrefix ? entry.slice(0, -1) : entry);
    const needed = isPrefix ? reservedWithPrefix(folded) : isReservedHeader(folded) ? folded : null;
    if (needed !== null) {
      const message = isPrefix
        ? `would take ${needed} too, which has a meaning of its own; write a longer beginning`
        : `${entry} has a meaning of its own and is dealt with already; remove it`;
      context.problems.report(['identity', 'strip', index], 'reserved_header', message);
    } else if (isPrefix) prefixes.push(folded);
    else strip.add(folded);
  }
  return prefixes;
}
