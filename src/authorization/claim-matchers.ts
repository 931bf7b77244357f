/**
 * What a policy may ask of a claim's value. Compares by type and value: nothing is coerced, no member is
 * found by substring, and a claim that is absent or null fails everything but `exists: false`.
 */
import type { JsonObject, JsonValue } from '../credentials/credential.ts';
import type { ClaimMatcher, ClaimRequirement } from '../policy/requirements.ts';
import { readClaim, shapeOf } from './claim-path.ts';

/** The first requirement that fails. */
export type ClaimsMatched = { readonly ok: true } | ClaimMismatch;

/** A requirement that fails, in words for the log that tell neither the claim's value nor the policy's. */
export interface ClaimMismatch {
  readonly ok: false;
  /** Name of the claim in the policy, and the operator that said no. */
  readonly expected: string;
  /** Shape of the claim's value. */
  readonly got: string;
  /** Why the operator can never hold for a value of such a shape. */
  readonly cause?: string;
}

type Scalar = string | number | boolean;

const MATCHED: ClaimsMatched = Object.freeze({ ok: true });

/** Whether every requirement holds; all matchers of a requirement must. */
export function matchClaims(requirements: readonly ClaimRequirement[], claims: JsonObject): ClaimsMatched {
  for (const requirement of requirements) {
    const value = readClaim(claims, requirement.path);
    for (const matcher of requirement.matchers) {
      if (!matches(matcher, value)) return mismatch(requirement.name, matcher, value);
    }
  }
  return MATCHED;
}

function mismatch(name: string, matcher: ClaimMatcher, value: JsonValue | undefined): ClaimMismatch {
  const failed = { ok: false, expected: `${name} ${matcher.op}`, got: shapeOf(value) } as const;
  const cause = hintFor(matcher, value ?? null);
  return cause === null ? failed : { ...failed, cause };
}

function hintFor(matcher: ClaimMatcher, value: JsonValue): string | null {
  const { op } = matcher;
  if (value === null || op === 'exists') return null;
  const ofList = op === 'contains' || op === 'contains_any';
  if (Array.isArray(value)) {
    return ofList ? null : `${op} never holds for a list; contains and contains_any do`;
  }
  if (ofList) return `${op} holds for lists only`;
  return op === 'equals' && typeof value !== typeof matcher.value
    ? `asks for a ${typeof matcher.value}`
    : null;
}

function matches(matcher: ClaimMatcher, value: JsonValue | undefined): boolean {
  if (value === undefined || value === null) return matcher.op === 'exists' && !matcher.value;
  switch (matcher.op) {
    case 'exists':
      return matcher.value;
    case 'equals':
      return value === matcher.value;
    case 'in':
      return isScalar(value) && matcher.values.includes(value);
    case 'contains':
      return Array.isArray(value) && value.includes(matcher.value);
    case 'contains_any':
      return Array.isArray(value) && matcher.values.some((wanted) => value.includes(wanted));
    case 'starts_with':
      return typeof value === 'string' && value.startsWith(matcher.value);
    case 'ends_with':
      return typeof value === 'string' && value.endsWith(matcher.value);
    case 'domain':
      return typeof value === 'string' && hasDomain(value, matcher.value);
    default:
      return typeof value === 'number' && compares(matcher.op, value, matcher.value);
  }
}

function compares(op: 'gt' | 'gte' | 'lt' | 'lte', value: number, bound: number): boolean {
  switch (op) {
    case 'gt':
      return value > bound;
    case 'gte':
      return value >= bound;
    case 'lt':
      return value < bound;
    case 'lte':
      return value <= bound;
  }
}

/**
 * An address of that very domain. Exactly one `@`: in `a@evil.example@corp.example` mail software and we
 * might not agree on which part is the domain (CVE-2026-40574).
 */
function hasDomain(address: string, domain: string): boolean {
  const at = address.indexOf('@');
  if (at < 1 || address.indexOf('@', at + 1) !== -1) return false;
  if (/[\0-\x20\x7f]/.test(address)) return false;
  return lowerCaseAscii(address.slice(at + 1)) === domain;
}

/** Without ASCII case only: the Kelvin sign is not a `k`. */
function lowerCaseAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function isScalar(value: JsonValue): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
