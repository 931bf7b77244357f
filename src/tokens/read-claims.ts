/**
 * Reads who the caller is from claims, by the places that the policy names. Nothing is coerced: a number is
 * no subject, and a scope that is no string is no scope.
 */
import { readClaim } from '../authorization/claim-path.ts';
import type { JsonObject, JsonValue } from '../credentials/credential.ts';
import type { ClaimPath, IssuerPolicy } from '../policy/sources.ts';
import { isJsonObject } from './strict-json.ts';

/** The first of the places that is there at all; what it holds decides, right or wrong. */
export function readFirst(claims: JsonObject, paths: readonly ClaimPath[]): JsonValue | undefined {
  for (const path of paths) {
    const value = readClaim(claims, path);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** An audience claim as a list (RFC 7519 section 4.1.3); null when it is not a string or a list of strings. */
export function readAudiences(value: JsonValue | undefined): readonly string[] | null {
  if (typeof value === 'string') return [value];
  return isStringList(value) && value.length > 0 ? value : null;
}

/** Not empty, or null: a claim of another shape names nobody. */
export function readText(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/**
 * All scopes of all places, each once: a string is split at spaces (RFC 6749 section 3.3), a list taken as it is.
 * Null when a place holds anything else; an absent or null claim holds none.
 */
export function readScopes(claims: JsonObject, paths: readonly ClaimPath[]): ReadonlySet<string> | null {
  const scopes = new Set<string>();
  for (const path of paths) {
    const value = readClaim(claims, path) ?? null;
    if (value === null) continue;
    const members = typeof value === 'string' ? value.split(' ') : value;
    if (!isStringList(members)) return null;
    for (const scope of members) if (scope !== '') scopes.add(scope);
  }
  return scopes;
}

/**
 * All roles of all places, each once: a string is one role; members that are no strings are left out. Of an object
 * the names are roles, where each holds what ZITADEL writes there: the ids and domains of organizations that grant it.
 */
export function readRoles(claims: JsonObject, paths: readonly ClaimPath[]): readonly string[] {
  const roles = new Set<string>();
  for (const path of paths) {
    const value = readClaim(claims, path);
    const members = Array.isArray(value) ? value : isJsonObject(value) ? grantedNames(value) : [value];
    for (const role of members) if (typeof role === 'string' && role !== '') roles.add(role);
  }
  return [...roles];
}

/** Names of members that are not empty and hold texts only: `{"admin": false}` grants nothing. */
function grantedNames(grants: JsonObject): readonly string[] {
  return Object.keys(grants).filter((name) => {
    const granted = grants[name];
    const texts = isJsonObject(granted) ? Object.values(granted) : [];
    return texts.length > 0 && isStringList(texts);
  });
}

/** Scopes and all that they imply, also at second hand; own scopes first. Ends on circles. */
export function withImplied(
  scopes: ReadonlySet<string>,
  implies: IssuerPolicy['scopeImplies'],
): readonly string[] {
  const all = new Set(scopes);
  // A set iterates over what is added on the way.
  for (const scope of all) for (const implied of implies.get(scope) ?? []) all.add(implied);
  return [...all];
}

function isStringList(value: JsonValue | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((member) => typeof member === 'string');
}
