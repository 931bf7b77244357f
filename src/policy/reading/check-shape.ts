/**
 * A tree against the schema: every problem is reported, and what is well becomes values of the schema's types.
 * What is wrong, or not known yet while reading detached, comes out as undefined; an object comes out with the
 * keys that are well. Coerces nothing but one value to a list of one where a list is expected.
 */

import type { FileNode, ListNode, Node, OrNoneNode } from '../schema/node.ts';
import { type CheckContext, describeValue, type Path, wrongType } from './check-context.ts';
import { checkMap, checkObject, defaultsOf } from './check-mapping.ts';
import { checkRate } from './check-rate.ts';
import {
  checkAmount,
  checkChoice,
  checkMoment,
  checkNumber,
  checkScalar,
  checkText,
} from './check-scalar.ts';
import { type Located, type LocatedScalar, plainValue } from './document.ts';

/** Checks one value and everything in it. */
export function checkShape(node: Node, located: Located, path: Path, context: CheckContext): unknown {
  if (located.kind === 'scalar' && located.opaque) {
    return node.kind === 'object' ? defaultsOf(node, checkShape) : undefined;
  }
  if (node.kind === 'json') return checkJson(located, path, context);
  if (located.kind === 'scalar' && located.value === null) {
    context.problems.reportAt(located.at, {
      path,
      code: 'no_value',
      message: 'has no value; give one or leave it out',
    });
    return node.kind === 'object' ? defaultsOf(node, checkShape) : undefined;
  }
  return checkGiven(node, located, path, context);
}

function checkGiven(node: Node, located: Located, path: Path, context: CheckContext): unknown {
  switch (node.kind) {
    case 'object':
      return checkObject(node, located, path, context);
    case 'map':
      return checkMap(node, located, path, context);
    case 'list':
      return checkList(node, located, path, context);
    case 'or-none':
      return saysNone(node, located) ? null : checkShape(node.inner, located, path, context);
    case 'scalar-or-mapping':
      if (located.kind === 'list' && node.scalar.kind !== 'list')
        return wrongType(node, located, path, context);
      return checkShape(located.kind === 'map' ? node.mapping : node.scalar, located, path, context);
    default:
      return checkLeaf(node, located, path, context);
  }
}

type Leaf = Exclude<Node, { kind: 'object' | 'map' | 'list' | 'or-none' | 'scalar-or-mapping' }>;

function checkLeaf(node: Leaf, located: Located, path: Path, context: CheckContext): unknown {
  if (located.kind !== 'scalar') return wrongType(node, located, path, context);
  switch (node.kind) {
    case 'text':
      return checkText(node, located, path, context);
    case 'choice':
      return checkChoice(node, located, path, context);
    case 'integer':
    case 'duration':
    case 'size':
      return checkAmount(node, located, path, context);
    case 'moment':
      return checkMoment(node, located, path, context);
    case 'rate':
      return checkRate(node, located, path, context);
    case 'number':
      return checkNumber(node, located, path, context);
    case 'scalar':
      return checkScalar(node, located, path, context);
    case 'boolean':
      return typeof located.value === 'boolean' ? located.value : wrongType(node, located, path, context);
    case 'file':
      return checkFile(node, located, path, context);
    case 'json':
      return checkJson(located, path, context);
  }
}

/** `none`, and `false`, which tools for YAML 1.1 make of it when it was written `off` or `no`. */
function isNone(located: Located): boolean {
  return located.kind === 'scalar' && (located.value === 'none' || located.value === false);
}

/** Where `false` is a value of its own, only the word `none` is none. */
function saysNone(node: OrNoneNode, located: Located): boolean {
  return isNone(located) && !(node.inner.kind === 'boolean' && plainValue(located) === false);
}

function checkList(node: ListNode, located: Located, path: Path, context: CheckContext): unknown {
  if (node.none === true && isNone(located)) return [];
  if (located.kind !== 'list' && !node.single) return wrongType(node, located, path, context);
  const items = located.kind === 'list' ? located.items : [located];
  const values = items.map((item, index) =>
    checkShape(node.item, item, located.kind === 'list' ? [...path, index] : path, context),
  );
  if (items.length < (node.min ?? 0)) {
    const message = 'is an empty list; it needs at least one entry';
    context.problems.reportAt(located.at, { path, code: 'empty', message });
    return undefined;
  }
  // A gap would shift what follows, and with it the places of later findings.
  return values.includes(undefined) ? undefined : values;
}

function checkFile(node: FileNode, located: LocatedScalar, path: Path, context: CheckContext): unknown {
  const name = checkText({ kind: 'text' }, located, path, context);
  if (name === undefined) return undefined;
  const file = context.readNamed(name, located, path, node.content);
  if (file === null) return undefined;
  return node.content ? file : file.path;
}

function checkJson(located: Located, path: Path, context: CheckContext): unknown {
  if (located.kind === 'map' || (located.kind === 'scalar' && located.opaque)) return plainValue(located);
  const isPem =
    path.at(-1) === 'certificates' &&
    located.kind === 'scalar' &&
    String(located.value).startsWith('-----BEGIN ');
  const message = isPem
    ? 'must be a mapping of key ids to PEM, not a PEM text alone; write "KEY_ID: |" above it and indent it below'
    : `must be a mapping, not ${describeValue(located)}`;
  context.problems.reportAt(located.at, { path, code: 'wrong_type', message });
  return undefined;
}
