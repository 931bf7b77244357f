/** What every check has at hand, and the words in which it speaks of shapes and values. */

import type { ConfigurationPath, ProblemList } from '../problem.ts';
import type { NamedFile } from '../schema/builder.ts';
import type { Node } from '../schema/node.ts';
import type { Located, LocatedScalar } from './document.ts';

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
  /** The same, as a tree of YAML or JSON without variables. */
  readTree(name: string, at: LocatedScalar, path: Path): Located | null;
  /** Remembers that the value of `key` of this object came from a file, so that its places are found there. */
  graft(object: Located, key: string, tree: Located): void;
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

function adviceFor(node: Node, located: Located): string {
  const wantsText = node.kind === 'text' || node.kind === 'choice';
  if (located.kind === 'map' && located.flow && node.kind !== 'list') {
    const empty = [...located.entries.values()].every(
      ({ value }) => value.kind === 'scalar' && value.value === null,
    );
    return empty ? '; put a text that begins with { in quotes' : '';
  }
  if (!wantsText || located.kind !== 'scalar' || typeof located.value === 'string') return '';
  return '; put it in quotes to make it text';
}
