/** Single values: text, words, numbers, times and sizes. Nothing is coerced. */

import { hasPlaceholder } from '../path-notations.ts';
import type { AmountNode, ChoiceNode, Node, Scalar, TextNode } from '../schema/node.ts';
import { formatDuration, formatSize, parseDuration, parseMoment, parseSize } from './amounts.ts';
import { type CheckContext, describeShape, describeValue, type Path, wrongType } from './check-context.ts';
import type { LocatedScalar } from './document.ts';
import { suggest } from './suggest.ts';

/** Text of at least one character that the pattern, if there is one, takes. */
export function checkText(
  node: TextNode,
  at: LocatedScalar,
  path: Path,
  context: CheckContext,
): string | undefined {
  const { value } = at;
  if (node.mistake?.pattern.test(String(value))) {
    const { code, message } = node.mistake;
    context.problems.reportAt(at.at, { path, code, message });
    return undefined;
  }
  if (typeof value !== 'string') return wrongType(node, at, path, context);
  if (value === '') {
    context.problems.reportAt(at.at, {
      path,
      code: 'empty',
      message: 'is empty; give a value or leave it out',
    });
    return undefined;
  }
  if (node.notYet?.pattern.test(value)) {
    const message = `${node.notYet.what} is not supported yet`;
    context.problems.reportAt(at.at, { path, code: 'not_yet_supported', message });
    return undefined;
  }
  if (hasPlaceholder(value, node.verbatim)) {
    // It may be a secret after all, and what a variable holds is not repeated.
    const shown = at.sensitive || node.verbatim ? 'the value' : JSON.stringify(value);
    const message = `${shown} holds a placeholder that nothing filled in; write the value, or a variable as \${NAME}`;
    context.problems.reportAt(at.at, { path, code: 'unfilled_placeholder', message });
    return undefined;
  }
  if (node.pattern && !node.pattern.test(value)) return invalid(node, at, path, context);
  return value;
}

/** One of the words or numbers that the node lists; `false` counts as the word `none` if that is among them. */
export function checkChoice(
  node: ChoiceNode,
  at: LocatedScalar,
  path: Path,
  context: CheckContext,
): Scalar | undefined {
  const value = at.value === false && node.values.includes('none') ? 'none' : at.value;
  if ((typeof value === 'string' || typeof value === 'number') && node.values.includes(value)) return value;
  if (typeof value === 'string' && node.notYet?.includes(value)) {
    const message = `${value} is not supported yet; it is one of ${node.values.join(', ')}`;
    context.problems.reportAt(at.at, { path, code: 'not_yet_supported', message });
    return undefined;
  }
  const expectsType = node.values.some((word) => typeof word === typeof value);
  if (!expectsType) return wrongType(node, at, path, context);
  const nearest = at.sensitive ? null : suggest(String(value), node.values.map(String));
  const message = `must be ${describeShape(node)}, not ${describeValue(at)}${nearest === null ? '' : `; did you mean ${nearest}?`}`;
  const finding = { path, code: 'invalid_value', message };
  context.problems.reportAt(at.at, nearest === null ? finding : { ...finding, nearest });
  return undefined;
}

/** A whole number, time or size within its bounds; Infinity for `none` where that is allowed. */
export function checkAmount(
  node: AmountNode,
  at: LocatedScalar,
  path: Path,
  context: CheckContext,
): number | undefined {
  const { value } = at;
  if (node.none === true && (value === 'none' || value === false)) return Number.POSITIVE_INFINITY;
  const amount = amountOf(node, value);
  if (amount === null) return wrongAmount(node, at, path, context);
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = node;
  if (amount >= min && amount <= max) return amount;
  const bound = amount < min ? `at least ${format(node, min)}` : `at most ${format(node, max)}`;
  context.problems.reportAt(at.at, { path, code: 'out_of_bounds', message: `must be ${bound}` });
  return undefined;
}

function amountOf(node: AmountNode, value: Scalar | null): number | null {
  if (node.kind === 'integer') return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
  if (typeof value !== 'string') return null;
  return node.kind === 'duration' ? parseDuration(value) : parseSize(value);
}

function wrongAmount(node: AmountNode, at: LocatedScalar, path: Path, context: CheckContext): undefined {
  const { value } = at;
  if (typeof value === 'string' && value !== '' && node.kind !== 'integer')
    return invalid(node, at, path, context);
  if (typeof value === 'number' && node.kind !== 'integer' && !at.sensitive) {
    const written = node.kind === 'duration' ? `${value}s or ${value}ms` : `${value}B or ${value}KiB`;
    const message = `must be ${describeShape(node)}; a number needs its unit: ${written}`;
    context.problems.reportAt(at.at, { path, code: 'wrong_type', message });
    return undefined;
  }
  return wrongType(node, at, path, context);
}

function format(node: AmountNode, amount: number): string {
  if (node.kind === 'integer') return String(amount);
  return node.kind === 'duration' ? formatDuration(amount) : formatSize(amount);
}

/** A date or time in epoch milliseconds; Infinity for `none`. */
export function checkMoment(
  node: Node,
  at: LocatedScalar,
  path: Path,
  context: CheckContext,
): number | undefined {
  const { value } = at;
  if (value === 'none' || value === false) return Number.POSITIVE_INFINITY;
  if (typeof value !== 'string') return wrongType(node, at, path, context);
  return parseMoment(value) ?? invalid(node, at, path, context);
}

/** A number that JSON can hold and that lost nothing when it was read. */
export function checkNumber(
  node: Node,
  at: LocatedScalar,
  path: Path,
  context: CheckContext,
): number | undefined {
  const { value } = at;
  if (typeof value !== 'number') return wrongType(node, at, path, context);
  if (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))) return value;
  const message = 'must be a number that is finite and, if whole, within 2^53; write a longer one as text';
  context.problems.reportAt(at.at, { path, code: 'out_of_bounds', message });
  return undefined;
}

/** Text, a number or a boolean, as a claim may be. */
export function checkScalar(
  node: Node,
  at: LocatedScalar,
  path: Path,
  context: CheckContext,
): Scalar | undefined {
  const { value } = at;
  if (typeof value === 'number') return checkNumber(node, at, path, context);
  if (typeof value === 'string') return checkText({ kind: 'text' }, at, path, context);
  return value ?? undefined;
}

function invalid(node: Node, at: LocatedScalar, path: Path, context: CheckContext): undefined {
  const advice = node.kind === 'text' && node.advice !== undefined ? `; ${node.advice}` : '';
  const message = `must be ${describeShape(node)}, not ${describeValue(at)}${advice}`;
  context.problems.reportAt(at.at, { path, code: 'invalid_value', message });
  return undefined;
}
