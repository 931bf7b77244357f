/**
 * Why an evaluation gave no answer, in words for the log: what kind of thing failed and where in the source.
 * Never a value: the library's own messages may quote what a claim or a header holds.
 */
import { ExpressionFault } from './expression-values.ts';

/** Beginnings of messages of the library, and what is said instead. */
const KNOWN: readonly (readonly [string, string])[] = [
  ['field not found', 'no such member'],
  ['index ', 'no such index'],
  ['unresolved attribute', 'no such member'],
  ['found no matching overload', 'types that do not go together'],
  ['type mismatch', 'types that do not go together'],
  ['int divide by zero', 'division by zero'],
  ['int modulus by zero', 'division by zero'],
];

/**
 * @param error what the library returned or threw
 * @param positions offsets in the source by node id
 */
export function causeOf(error: unknown, positions: Readonly<Record<string, number>>): string {
  const place = positionOf(error, positions);
  return place === null ? wordsFor(error) : `${wordsFor(error)} at character ${place + 1}`;
}

function wordsFor(error: unknown): string {
  if (!(error instanceof Error)) return 'evaluation failed';
  if (error instanceof ExpressionFault) return error.message;
  if (error.cause instanceof ExpressionFault) return error.cause.message;
  for (const [beginning, words] of KNOWN) {
    if (error.message.startsWith(beginning)) return words;
  }
  return 'conversion or arithmetic failed';
}

function positionOf(error: unknown, positions: Readonly<Record<string, number>>): number | null {
  if (typeof error !== 'object' || error === null || !('exprId' in error)) return null;
  return positions[String(error.exprId)] ?? null;
}
