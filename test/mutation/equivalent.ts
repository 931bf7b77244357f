/**
 * Mutants that were looked at and change nothing that anybody could notice, each with the reason. One is known by its
 * module, the text of its line and its change, so that it is asked about again when the line changes.
 */

/** A mutant that no test can notice. */
export interface Equivalent {
  readonly module: string;
  readonly text: string;
  readonly change: string;
  readonly why: string;
}

const THE_GENERAL_WAY = 'It leads to the general way, which says the same of every path; this one is faster.';

/** By module. */
export const EQUIVALENT: readonly Equivalent[] = [
  {
    module: 'gate/decide',
    text: "const method = requestedMethod(wire) ?? '';",
    change: "requestedMethod(wire) ?? '' → (requestedMethod(wire))",
    why: 'What is a preflight asks for a method; the default is there for the type checker.',
  },
  {
    module: 'gate/match-route',
    text: 'const parameterNames = place.parameterNamesOf.get(route) ?? place.parameterNames;',
    change: 'place.parameterNamesOf.get(route) ?? place.parameterNames → (place.parameterNamesOf.get(route))',
    why: 'A place has the names of each of its routes; the default is there for the type checker.',
  },
  {
    module: 'gate/match-route',
    text: 'parameters.length === parameterNames.length ? parameters : parameters.slice(0, parameterNames.length),',
    change: 'parameters.length === parameterNames.length → false',
    why: 'A slice of the whole length is the same list; the comparison saves a copy.',
  },
  {
    module: 'gate/match-route',
    text: 'return others.length === 0 ? chosen : { ...chosen, otherParameters: others };',
    change: 'others.length === 0 → false',
    why: 'The copy has an empty list where the original has one; the comparison saves a copy.',
  },
  {
    module: 'wire/canonical-path',
    text: 'if (segments === null) return canonicalizeAnyPath(raw);',
    change: 'segments === null → true',
    why: THE_GENERAL_WAY,
  },
  {
    module: 'wire/canonical-path',
    text: 'if (!isPlainSegment(raw, start, raw.length)) return null;',
    change: '!isPlainSegment(raw, start, raw.length) → true',
    why: THE_GENERAL_WAY,
  },
  {
    module: 'wire/canonical-path',
    text: 'return segments;',
    change: 'segments → null',
    why: THE_GENERAL_WAY,
  },
  {
    module: 'wire/canonical-path',
    text: 'if (end - start > 2) return true;',
    change: 'true → false',
    why: THE_GENERAL_WAY,
  },
  {
    module: 'gate/collect-credentials',
    text: "return presented({ place: AUTHORIZATION, family: 'password', value, refusedAs: 'invalid_credentials' });",
    change: "'invalid_credentials' → ''",
    why: 'Passwords are refused in one way only, wherever they were; who judges them does not read it.',
  },
];
