/** What every check has at hand, and the words in which it speaks of shapes and values. */

import type { ConfigurationPath, ProblemList } from '../problem.ts';
import { writeValue } from '../reference/write-value.ts';
import type { NamedFile } from '../schema/builder.ts';
import type { Node } from '../schema/node.ts';
import {
  type Located,
  type LocatedList,
  type LocatedMap,
  type LocatedScalar,
  plainValue,
} from './document.ts';

export type Path = ConfigurationPath;

export interface CheckContext {
  readonly problems: ProblemList;
  /** Checks a value by its node; handed down so that the checkers of containers need not import it. */
  readonly check: CheckValue;
  /**
   * Reads a file that the configuration names. Null after reporting that it cannot be read, and without a report
   * when it is missing and reading is detached. `watched` files are read again when they change.
   */
  readNamed(name: string, at: LocatedScalar, path: Path, watched: boolean): NamedFile | null;
  /** The same, as a tree of YAML or JSON without variables, or of JSON only. */
  readTree(name: string, at: LocatedScalar, path: Path, form: 'document' | 'json'): Located | null;
  /** Remembers that the value of `key` of this object came from a file, so that its places are found there. */
  graft(object: Located, key: string, tree: Located): void;
  /** Remembers that `filled` stands in the place of `written`, since a preset says the rest. */
  standIn(written: Located, filled: Located): void;
}

export type CheckValue = (node: Node, located: Located, path: Path, context: CheckContext) => unknown;

/** Reports a value of the wrong type; undefined, for the caller to return. */
export function wrongType(node: Node, located: Located, path: Path, context: CheckContext): undefined {
  const message = `must be ${describeShape(node)}, not ${describeValue(located)}${adviceFor(node, located)}`;
  context.problems.reportAt(located.at, { path, code: 'wrong_type', message });
  return undefined;
}

/** What a shape asks for, as the end of "must be ...". */
export function describeShape(node: Node): string {
  switch (node.kind) {
    case 'text':
      return node.expected ?? 'text';
    case 'choice':
      return node.values.length === 1 ? String(node.values[0]) : `one of ${node.values.join(', ')}`;
    case 'boolean':
      return 'true or false';
    case 'integer':
      return withNone('a whole number', node.none);
    case 'duration':
      return withNone('a time such as 500ms, 30s, 5m or 1h', node.none);
    case 'size':
      return withNone('a size such as 512B, 64KiB or 10MiB', node.none);
    case 'moment':
      return 'a date such as 2027-01-31, an RFC 3339 time or none';
    case 'rate':
      return 'a rate such as 100/1m';
    case 'number':
      return 'a number';
    case 'scalar':
      return 'text, a number or true or false';
    case 'file':
      return 'the name of a file';
    case 'list':
      return 'a list';
    case 'or-none':
      return withNone(describeShape(node.inner), true);
    case 'scalar-or-mapping':
      return `${describeShape(node.scalar)} or a mapping`;
    default:
      return 'a mapping';
  }
}

function withNone(words: string, none: boolean | undefined): string {
  return none === true ? `${words}, or none` : words;
}

/** What stands there, without repeating what may be secret. */
export function describeValue(located: Located): string {
  if (located.kind === 'list') return 'a list';
  if (located.kind === 'map') return 'a mapping';
  const { value } = located;
  if (value === null) return 'nothing';
  const type = typeof value === 'string' ? 'text' : typeof value;
  if (located.sensitive) return type === 'text' ? 'this text' : `this ${type}`;
  if (typeof value !== 'string') return `the ${type} ${value}`;
  return `the text ${JSON.stringify(value.length <= 40 ? value : `${value.slice(0, 40)}...`)}`;
}

/** Whether a list was probably meant as the operator `in` of a matcher. */
function takesIn(node: Node): boolean {
  return node.kind === 'scalar-or-mapping' && node.mapping.kind === 'object' && 'in' in node.mapping.keys;
}

/** A short list as it was written, unless something in it must not be shown. */
function listText({ items }: LocatedList): string {
  const isShown = items.every((item) => item.kind === 'scalar' && !item.sensitive && item.value !== null);
  const text = isShown ? writeValue(items.map(plainValue)) : '';
  return text !== '' && text.length <= 60 ? text : '[...]';
}

function adviceFor(node: Node, located: Located): string {
  if (node.kind === 'text' && node.advice !== undefined) return `; ${node.advice}`;
  switch (located.kind) {
    case 'list':
      return takesIn(node) ? `; for one of several write {in: ${listText(located)}}` : '';
    case 'map':
      return adviceOnMapping(node, located);
    case 'scalar': {
      const wantsText = node.kind === 'text' || node.kind === 'choice';
      return wantsText && typeof located.value !== 'string' ? '; put it in quotes to make it text' : '';
    }
  }
}

function adviceOnMapping(node: Node, { flow, entries }: LocatedMap): string {
  if (node.kind === 'list') return flow ? '; put it in [...]' : '; begin each entry with "- "';
  if (!flow) return '';
  const empty = [...entries.values()].every(({ value }) => value.kind === 'scalar' && value.value === null);
  return empty ? '; put a text that begins with { in quotes' : '';
}
