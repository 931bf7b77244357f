/**
 * Reads a parsed expression before any request does: every name must exist, every function be offered, every
 * pattern be written out. Also puts a counter into each loop, so that every evaluation ends.
 */
import type { parse } from '@bufbuild/cel';
import { suggest } from '../policy/reading/suggest.ts';
import {
  CREDENTIAL_FIELDS,
  OFTEN_MEANT,
  REQUEST_FIELDS,
  type StaticType,
  TYPE_NAMES,
  VARIABLES,
} from './expression-language.ts';
import { article, type Inferred, inferCall, inferOperator } from './infer-types.ts';

export type Expr = NonNullable<ReturnType<typeof parse>['expr']>;
type Node<Case extends string> = Extract<Expr['exprKind'], { case: Case }>['value'];

/** Name of the counting function; no source can hold such a name. */
export const STEP = '@step';

/** What is wrong, and at which node. */
export class ExpressionProblem extends Error {
  readonly node: bigint;

  constructor(message: string, node: bigint) {
    super(message);
    this.node = node;
  }
}

/** What the inspection needs to know, and what it finds. */
export interface Inspection {
  /** Names of the route's path parameters. */
  readonly parameters: readonly string[];
  /** Patterns of `matches` and the nodes that hold them, to be tried once before any request. */
  readonly patterns: { readonly pattern: string; readonly node: bigint }[];
}

/** Where the walk is. */
interface Walk {
  readonly inspection: Inspection;
  /** Types of loop variables, by name. */
  readonly scope: ReadonlyMap<string, StaticType>;
  readonly depth: number;
}

const DEPTH_LIMIT = 64;
const INT64_LIMIT = 2n ** 63n;

/**
 * The type of the expression's value, as far as it is known.
 * @throws ExpressionProblem for the first thing that is wrong
 */
export function inspectExpression(root: Expr, inspection: Inspection): StaticType {
  return inspect(root, { inspection, scope: new Map(), depth: 0 });
}

function inspect(node: Expr | undefined, outer: Walk): StaticType {
  if (node === undefined) throw new ExpressionProblem('incomplete expression', 0n);
  if (outer.depth > DEPTH_LIMIT) throw new ExpressionProblem('nested too deeply', node.id);
  const walk = { ...outer, depth: outer.depth + 1 };
  const { exprKind: kind } = node;
  switch (kind.case) {
    case 'constExpr':
      return typeOfConstant(kind.value, node);
    case 'identExpr':
      return typeOfName(kind.value.name, node, walk);
    case 'selectExpr': {
      const type = typeOfMember(kind.value.operand, kind.value.field, node, walk);
      return kind.value.testOnly ? 'bool' : type;
    }
    case 'callExpr':
      return typeOfCall(kind.value, node, walk);
    case 'listExpr':
      for (const element of kind.value.elements) inspect(element, walk);
      return 'list';
    case 'structExpr':
      return typeOfMap(kind.value, node, walk);
    case 'comprehensionExpr':
      return typeOfLoop(kind.value, node, walk);
    default:
      throw new ExpressionProblem('incomplete expression', node.id);
  }
}

function typeOfConstant(constant: Node<'constExpr'>, node: Expr): StaticType {
  const { constantKind: kind } = constant;
  switch (kind.case) {
    case 'boolValue':
      return 'bool';
    case 'stringValue':
      return 'string';
    case 'bytesValue':
      return 'bytes';
    case 'doubleValue':
      // Its digits are lost: it would equal the neighbours of what was written.
      if (Math.abs(kind.value) <= Number.MAX_SAFE_INTEGER) return 'double';
      throw new ExpressionProblem('beyond 2^53 a number is written without point and exponent', node.id);
    case 'uint64Value':
      return 'uint';
    case 'nullValue':
      return 'null';
    case 'int64Value':
      if (kind.value < INT64_LIMIT && kind.value >= -INT64_LIMIT) return 'int';
      throw new ExpressionProblem('an integer has 64 bits', node.id);
    default:
      throw new ExpressionProblem('unknown constant', node.id);
  }
}

function typeOfName(written: string, node: Expr, walk: Walk): StaticType {
  const name = written.startsWith('.') ? written.slice(1) : written;
  const bound = walk.scope.get(name);
  if (bound !== undefined) return bound;
  const type = VARIABLES.get(name);
  if (name === 'request') {
    throw new ExpressionProblem(`request has the fields ${[...REQUEST_FIELDS.keys()].join(', ')}`, node.id);
  }
  if (type !== undefined) return type;
  if (TYPE_NAMES.has(name)) return 'type';
  const meant = OFTEN_MEANT.get(name) ?? suggest(name, [...VARIABLES.keys(), ...walk.scope.keys()]);
  throw new ExpressionProblem(`there is no variable "${name}"${didYouMean(meant)}`, node.id);
}

/** `operand.field`, or `operand["field"]` with the name written out. */
function typeOfMember(operand: Expr | undefined, field: string, node: Expr, walk: Walk): StaticType {
  const root = rootName(operand, walk);
  if (root === 'request') return oneOf(field, REQUEST_FIELDS, 'request has no field', node);
  if (root === 'path') {
    const parameters = new Map(walk.inspection.parameters.map((name) => [name, 'string' as const]));
    return oneOf(field, parameters, 'the path of this route has no parameter', node);
  }
  if (isRequestHeaders(operand, walk)) checkHeaderName(field, node);
  const type = inspect(operand, walk);
  if (type === 'dyn' || type === 'map') return isTextMap(operand, walk) ? 'string' : 'dyn';
  throw new ExpressionProblem(`${article(type)} has no member "${field}"`, node.id);
}

function typeOfCall(call: Node<'callExpr'>, node: Expr, walk: Walk): StaticType {
  const { function: name, target, args } = call;
  if (name === '_[_]') return typeOfIndex(args[0], args[1], node, walk);
  const subjects = target === undefined ? args : [target, ...args];
  const types = subjects.map((subject) => inspect(subject, walk));
  const inferred = inferOperator(name, types) ?? inferCall(name, target !== undefined, types);
  if (name === 'matches') notePattern(args[0], node, walk);
  return accepted(inferred, node);
}

function typeOfIndex(operand: Expr | undefined, key: Expr | undefined, node: Expr, walk: Walk): StaticType {
  const name = stringLiteral(key);
  if (name !== null) return typeOfMember(operand, name, node, walk);
  const type = inspect(operand, walk);
  inspect(key, walk);
  if (type === 'dyn' || type === 'list' || type === 'map') return isTextMap(operand, walk) ? 'string' : 'dyn';
  throw new ExpressionProblem(`${article(type)} has no members`, node.id);
}

function typeOfMap(map: Node<'structExpr'>, node: Expr, walk: Walk): StaticType {
  if (map.messageName !== '') throw new ExpressionProblem(`there is no type "${map.messageName}"`, node.id);
  for (const entry of map.entries) {
    if (entry.keyKind.case === 'mapKey') inspect(entry.keyKind.value, walk);
    inspect(entry.value, walk);
  }
  return 'map';
}

/** The macros all, exists, exists_one, map and filter, as the parser writes them out. */
function typeOfLoop(loop: Node<'comprehensionExpr'>, node: Expr, walk: Walk): StaticType {
  const range = inspect(loop.iterRange, walk);
  if (range !== 'list' && range !== 'map' && range !== 'dyn') {
    throw new ExpressionProblem(`${article(range)} has no members to go through`, node.id);
  }
  if (VARIABLES.has(loop.iterVar)) {
    throw new ExpressionProblem(`"${loop.iterVar}" is a variable already: choose another name`, node.id);
  }
  const start = inspect(loop.accuInit, walk);
  const scope = new Map(walk.scope).set(loop.iterVar, 'dyn').set(loop.accuVar, start);
  const inner = { ...walk, scope };
  for (const part of [loop.loopCondition, loop.loopStep]) inspect(part, inner);
  if (loop.loopCondition !== undefined) loop.loopCondition = counted(loop.loopCondition);
  return inspect(loop.result, inner);
}

function counted(condition: Expr): Expr {
  return {
    $typeName: 'cel.expr.Expr',
    id: condition.id,
    exprKind: {
      case: 'callExpr',
      value: { $typeName: 'cel.expr.Expr.Call', function: STEP, args: [condition] },
    },
  };
}

/** Compiled once for each request otherwise, and from text that the request could choose. */
function notePattern(argument: Expr | undefined, node: Expr, walk: Walk): void {
  const pattern = stringLiteral(argument);
  if (pattern === null) {
    throw new ExpressionProblem(
      'the pattern of matches() must be written out in quotes',
      argument?.id ?? node.id,
    );
  }
  walk.inspection.patterns.push({ pattern, node: argument?.id ?? node.id });
}

function checkHeaderName(name: string, node: Expr): void {
  if (name !== name.toLowerCase()) {
    throw new ExpressionProblem(
      `names of headers are lower-case here: write "${name.toLowerCase()}"`,
      node.id,
    );
  }
  if (CREDENTIAL_FIELDS.has(name)) {
    throw new ExpressionProblem(`request.headers never holds ${name}: credentials are not shown`, node.id);
  }
}

function oneOf(
  name: string,
  known: ReadonlyMap<string, StaticType>,
  complaint: string,
  node: Expr,
): StaticType {
  const type = known.get(name);
  if (type !== undefined) return type;
  throw new ExpressionProblem(`${complaint} "${name}"${didYouMean(suggest(name, known.keys()))}`, node.id);
}

/** The name of a variable that is not hidden by a loop's, or null. */
function rootName(node: Expr | undefined, walk: Walk): string | null {
  if (node?.exprKind.case !== 'identExpr') return null;
  const { name } = node.exprKind.value;
  return walk.scope.has(name) ? null : name;
}

function isRequestHeaders(node: Expr | undefined, walk: Walk): boolean {
  return isRequestField(node, walk, (field) => field === 'headers');
}

/** Maps whose values are all strings. */
function isTextMap(node: Expr | undefined, walk: Walk): boolean {
  if (rootName(node, walk) === 'path') return true;
  return isRequestField(node, walk, (field) => field === 'headers' || field === 'query');
}

function isRequestField(node: Expr | undefined, walk: Walk, wanted: (field: string) => boolean): boolean {
  if (node?.exprKind.case !== 'selectExpr') return false;
  const { operand, field } = node.exprKind.value;
  return rootName(operand, walk) === 'request' && wanted(field);
}

function stringLiteral(node: Expr | undefined): string | null {
  if (node?.exprKind.case !== 'constExpr') return null;
  const { constantKind: kind } = node.exprKind.value;
  return kind.case === 'stringValue' ? kind.value : null;
}

function accepted(inferred: Inferred, node: Expr): StaticType {
  if (typeof inferred === 'string') return inferred;
  throw new ExpressionProblem(inferred.problem, node.id);
}

function didYouMean(meant: string | null): string {
  return meant === null ? '' : `; did you mean "${meant}"?`;
}
