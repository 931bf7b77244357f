/**
 * The matchers that a policy writes for a claim, checked and made ready. Refuses what would match nothing
 * or everything, and whatever a reader might take for something else (a bare list, a list for `contains`).
 */
import type { ClaimMatcher } from '../policy/requirements.ts';

export type CompiledMatchers =
  | { readonly ok: true; readonly matchers: readonly ClaimMatcher[] }
  | { readonly ok: false; readonly message: string };

type Scalar = string | number | boolean;
type Compiled = { readonly matcher: ClaimMatcher } | { readonly message: string };

/** Operators as written in the policy, in the order of the reference. */
export const MATCHER_OPERATORS = [
  'in',
  'contains',
  'contains_any',
  'starts_with',
  'ends_with',
  'domain',
  'gt',
  'gte',
  'lt',
  'lte',
  'exists',
] as const;

type Operator = (typeof MATCHER_OPERATORS)[number];

/**
 * @param value the YAML value beside a claim's name: a scalar that the claim must equal, or an object of
 * operators that must all hold
 */
export function compileMatchers(value: unknown): CompiledMatchers {
  if (Array.isArray(value)) {
    return refused(
      'a bare list is ambiguous: write {in: [...]} for a value that is one of these, or {contains_any: [...]} for a list that has one',
    );
  }
  if (value === null || value === undefined) {
    return refused(
      'a value is missing: write {exists: true} or {exists: false} to ask only whether the claim is there',
    );
  }
  if (typeof value !== 'object') {
    const problem = scalarProblem(value);
    if (problem !== null) return refused(problem);
    return { ok: true, matchers: [{ op: 'equals', value: value as Scalar }] };
  }
  return compileOperators(Object.entries(value).filter(([, operand]) => operand !== undefined));
}

function compileOperators(entries: readonly (readonly [string, unknown])[]): CompiledMatchers {
  if (entries.length === 0) return refused('an empty object asks for nothing: write {exists: true}');
  const matchers: ClaimMatcher[] = [];
  for (const [name, operand] of entries) {
    if (!isOperator(name)) {
      return refused(`unknown operator "${name}": known are ${MATCHER_OPERATORS.join(', ')}`);
    }
    const compiled = compileOperator(name, operand);
    if ('message' in compiled) return refused(`${name}: ${compiled.message}`);
    matchers.push(compiled.matcher);
  }
  if (matchers.length > 1 && matchers.some((matcher) => matcher.op === 'exists' && !matcher.value)) {
    return refused('exists: false beside another operator can never hold');
  }
  return { ok: true, matchers };
}

function compileOperator(op: Operator, operand: unknown): Compiled {
  switch (op) {
    case 'in':
    case 'contains_any':
      return compileList(op, operand);
    case 'contains': {
      if (Array.isArray(operand)) return { message: 'takes one value: write contains_any for a list' };
      const problem = scalarProblem(operand);
      return problem === null ? { matcher: { op, value: operand as Scalar } } : { message: problem };
    }
    case 'starts_with':
    case 'ends_with':
      return typeof operand === 'string' && operand !== ''
        ? { matcher: { op, value: operand } }
        : { message: 'takes a string that is not empty' };
    case 'domain':
      return compileDomain(operand);
    case 'exists':
      return typeof operand === 'boolean'
        ? { matcher: { op, value: operand } }
        : { message: 'takes true or false' };
    default:
      return typeof operand === 'number' && Number.isFinite(operand)
        ? { matcher: { op, value: operand } }
        : { message: 'takes a number' };
  }
}

function compileList(op: 'in' | 'contains_any', operand: unknown): Compiled {
  const values: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  if (values.length === 0) return { message: 'an empty list can never match' };
  for (const value of values) {
    const problem = scalarProblem(value);
    if (problem !== null) return { message: problem };
  }
  return { matcher: { op, values: values as readonly Scalar[] } };
}

/** Labels of letters, digits and hyphens; a domain in another script is compared in its `xn--` form only. */
const DOMAIN = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

function compileDomain(operand: unknown): Compiled {
  if (typeof operand !== 'string') return { message: 'takes a domain such as example.com' };
  if (operand.length > 253 || !DOMAIN.test(operand)) {
    return { message: 'takes a domain such as example.com, without "@" or wildcard' };
  }
  return { matcher: { op: 'domain', value: operand.toLowerCase() } };
}

function scalarProblem(value: unknown): string | null {
  if (typeof value === 'string' || typeof value === 'boolean') return null;
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'takes strings, numbers and booleans';
  // Two such numbers in a token may be read as the same one, so equality would let a neighbour in.
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return 'a number beyond 2^53 cannot be compared exactly';
  return null;
}

function isOperator(name: string): name is Operator {
  return (MATCHER_OPERATORS as readonly string[]).includes(name);
}

function refused(message: string): CompiledMatchers {
  return { ok: false, message };
}
