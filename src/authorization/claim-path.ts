/**
 * Names of claims as the policy writes them: a top-level name taken literally, or an RFC 6901 pointer when
 * it begins with `/`. Reads own members only, so that no claim is ever found on a prototype.
 */
import type { JsonObject, JsonValue } from '../credentials/credential.ts';
import { RoundedNumber } from '../credentials/exact-number.ts';
import type { ClaimPath } from '../policy/sources.ts';

export type ParsedClaimPath =
  | { readonly ok: true; readonly path: ClaimPath }
  | { readonly ok: false; readonly message: string };

/** An array index of RFC 6901 section 4: digits without a leading zero. */
const ARRAY_INDEX = /^(?:0|[1-9][0-9]{0,8})$/;

/**
 * `email`, `https://x/roles` and `cognito:groups` are top-level names; `/realm_access/roles` is a pointer
 * (RFC 6901 section 3), in which `~1` stands for `/` and `~0` for `~`. An empty name is an error.
 */
export function parseClaimPath(name: string): ParsedClaimPath {
  if (name === '') return { ok: false, message: 'a claim needs a name' };
  if (!name.startsWith('/')) return { ok: true, path: [name] };
  const path: string[] = [];
  for (const member of name.slice(1).split('/')) {
    if (/~(?![01])/.test(member)) {
      return { ok: false, message: 'in a pointer "~" is written ~0 and "/" in a name ~1 (RFC 6901)' };
    }
    // In this order, so that `~01` becomes `~1` and not `/` (RFC 6901 section 4).
    path.push(member.replaceAll('~1', '/').replaceAll('~0', '~'));
  }
  return { ok: true, path };
}

/**
 * The value at the path, or undefined when any step of it is missing. Arrays are entered by index;
 * `-` (the element after the last, RFC 6901 section 4) names nothing.
 */
export function readClaim(claims: JsonObject, path: ClaimPath): JsonValue | undefined {
  let value: JsonValue | undefined = claims;
  for (const member of path) {
    value = readMember(value, member);
    if (value === undefined) return undefined;
  }
  return value;
}

function readMember(value: JsonValue, member: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || value instanceof RoundedNumber) return undefined;
  if (isList(value)) return ARRAY_INDEX.test(member) ? value[Number(member)] : undefined;
  return Object.hasOwn(value, member) ? value[member] : undefined;
}

/** `Array.isArray` does not narrow readonly arrays. */
function isList(value: readonly JsonValue[] | JsonObject): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The name of a path as a policy writes it: the reverse of `parseClaimPath`. */
export function claimName(path: ClaimPath): string {
  const [first = ''] = path;
  if (path.length === 1 && !first.startsWith('/')) return first;
  return path.map((member) => `/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** What kind of value a claim holds, in one or two words for the log, and nothing of the value itself. */
export function shapeOf(value: JsonValue | undefined): string {
  if (value === undefined) return 'absent';
  if (value === null) return 'null';
  if (value === '') return 'empty string';
  if (typeof value !== 'object') return typeof value;
  if (!Array.isArray(value)) return 'object';
  return value.length === 0 ? 'empty list' : 'list';
}

/** The shape of what is at each path, by name: `roles absent, /realm_access/roles list`. */
export function shapesAt(claims: JsonObject, paths: readonly ClaimPath[]): string {
  return paths.map((path) => `${claimName(path)} ${shapeOf(readClaim(claims, path))}`).join(', ');
}
