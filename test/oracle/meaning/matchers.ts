/** What a claim must be, and what `when` means (configuration.md, Semantics, "Matchers", "when"). An absent claim fails all but `exists: false`. */
import type { Caller, Condition, Matcher } from './model.ts';

/** Whether a claim is as wanted; undefined for an absent one. */
export function holds(matcher: Matcher, claim: unknown): boolean {
  if (typeof matcher !== 'object') return claim === matcher;
  // `null` says that there is none, as in identity headers.
  if (claim === undefined || claim === null)
    return matcher.exists === false && Object.keys(matcher).length === 1;
  return Object.entries(matcher).every(([name, wanted]) => part(name, wanted, claim));
}

function part(name: string, wanted: unknown, claim: unknown): boolean {
  const members: readonly unknown[] = Array.isArray(claim) ? claim : [];
  const wantedOnes: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted];
  const text = typeof claim === 'string' ? claim : null;
  switch (name) {
    case 'exists':
      return wanted === true;
    case 'in':
      return wantedOnes.includes(claim);
    case 'contains':
    case 'contains_any':
      return wantedOnes.some((each) => members.includes(each));
    case 'starts_with':
      return text?.startsWith(String(wanted)) === true;
    case 'ends_with':
      return text?.endsWith(String(wanted)) === true;
    case 'domain':
      return text !== null && hasDomain(text, String(wanted));
    case 'gte':
      return typeof claim === 'number' && claim >= Number(wanted);
    case 'lt':
      return typeof claim === 'number' && claim < Number(wanted);
    default:
      throw new Error(`no such matcher: ${name}`);
  }
}

function hasDomain(address: string, domain: string): boolean {
  const parts = address.split('@');
  return parts.length === 2 && parts[0] !== '' && parts[1]?.toLowerCase() === domain.toLowerCase();
}

/** What a condition may look at. */
export interface Facts {
  readonly caller: Caller | null;
  readonly method: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Whether a condition is true. */
export function isTrue(condition: Condition, facts: Facts): boolean {
  const { caller } = facts;
  switch (condition.is) {
    case 'anonymous':
      return caller === null;
    case 'role':
      return caller?.roles.includes(condition.value) === true;
    case 'scope':
      return caller?.scopes.includes(condition.value) === true;
    case 'subject':
    case 'kind':
    case 'source':
      return (caller?.[condition.is] ?? '') === condition.value;
    case 'method':
      return facts.method === condition.value;
    case 'path':
      return facts.parameters[condition.name] === condition.value;
    case 'not':
      return !isTrue(condition.of, facts);
    case 'and':
      return condition.of.every((each) => isTrue(each, facts));
    case 'or':
      return condition.of.some((each) => isTrue(each, facts));
  }
}
