/**
 * What operators and functions make of the types that are known when a policy is read. Refuses an expression
 * that could never be true or would always fail, such as `path.order == 5` (a parameter is a string).
 */
import { suggest } from '../policy/reading/suggest.ts';
import { FUNCTIONS, type FunctionShape, MACROS, type StaticType } from './expression-language.ts';

/** The type of a call's result, or what is wrong with it. */
export type Inferred = StaticType | { readonly problem: string };

const NUMBERS: ReadonlySet<StaticType> = new Set(['int', 'uint', 'double']);
const EQUALITY = new Set(['_==_', '_!=_']);
const ORDER = new Set(['_<_', '_<=_', '_>_', '_>=_']);
const ARITHMETIC = new Set(['_+_', '_-_', '_*_', '_/_', '_%_']);

/** A type in a sentence. */
export function article(type: StaticType): string {
  if (type === 'null') return type;
  return type === 'int' ? 'an int' : `a ${type}`;
}

/** As written in the source, for messages. */
export function spelling(operator: string): string {
  return operator === '@in' ? 'in' : operator.replaceAll('_', '');
}

/** For an operator such as `_==_` or `@in`; null when the name is not one. */
export function inferOperator(operator: string, types: readonly StaticType[]): Inferred | null {
  const [left = 'dyn', right = 'dyn'] = types;
  if (operator === '_&&_' || operator === '_||_' || operator === '!_') return inferLogic(operator, types);
  if (operator === '@in') return inferMembership(right);
  if (EQUALITY.has(operator) || ORDER.has(operator)) return inferComparison(operator, left, right);
  if (ARITHMETIC.has(operator)) return inferArithmetic(operator, left, right);
  if (operator === '-_')
    return left === 'dyn' || NUMBERS.has(left) ? left : { problem: `- takes a number, not ${article(left)}` };
  if (operator === '_?_:_') return inferConditional(types);
  return operator === '@not_strictly_false' ? 'bool' : null;
}

/** For a function or a method. */
export function inferCall(name: string, asMethod: boolean, types: readonly StaticType[]): Inferred {
  const shape = FUNCTIONS.get(name);
  if (shape === undefined) return { problem: MACROS.get(name) ?? unknownFunction(name) };
  const count = asMethod ? types.length - 1 : types.length;
  if (!(asMethod ? shape.method : shape.call).includes(count)) return { problem: usage(name, shape) };
  const subject = types[0] ?? 'dyn';
  if (shape.on.length > 0 && subject !== 'dyn' && !shape.on.includes(subject)) {
    return { problem: wrongSubject(name, shape, subject) };
  }
  const argument = asMethod ? (types[1] ?? 'dyn') : 'dyn';
  if (argument !== 'dyn' && argument !== 'string')
    return { problem: `${name}() takes a string, not ${article(argument)}` };
  return shape.returns;
}

function inferLogic(operator: string, types: readonly StaticType[]): Inferred {
  const other = types.find((type) => type !== 'bool' && type !== 'dyn');
  if (other === undefined) return 'bool';
  return { problem: `${spelling(operator)} takes true or false, not ${article(other)}` };
}

function inferMembership(container: StaticType): Inferred {
  if (container === 'dyn' || container === 'list' || container === 'map') return 'bool';
  return { problem: `in looks into a list or a map, not into ${article(container)}` };
}

function inferComparison(operator: string, left: StaticType, right: StaticType): Inferred {
  const sign = spelling(operator);
  if (ORDER.has(operator)) {
    const unordered = [left, right].find((type) => type === 'list' || type === 'map' || type === 'null');
    if (unordered !== undefined) return { problem: `${sign} cannot order ${article(unordered)}` };
  }
  if (left === 'dyn' || right === 'dyn' || left === right) return 'bool';
  if (NUMBERS.has(left) && NUMBERS.has(right)) return 'bool';
  return { problem: `${sign} cannot compare ${article(left)} with ${article(right)}` };
}

function inferArithmetic(operator: string, left: StaticType, right: StaticType): Inferred {
  if (left === 'timestamp' || right === 'timestamp' || left === 'duration' || right === 'duration')
    return 'dyn';
  const sign = spelling(operator);
  const allowed = operator === '_+_' ? 'numbers, strings or lists' : 'numbers';
  for (const type of [left, right]) {
    const fits = type === 'dyn' || NUMBERS.has(type);
    const joins = operator === '_+_' && (type === 'string' || type === 'bytes' || type === 'list');
    if (!fits && !joins) return { problem: `${sign} takes ${allowed}, not ${article(type)}` };
  }
  if (left === 'dyn') return right;
  if (right === 'dyn' || left === right) return left;
  return { problem: `${sign} takes two of one type, not ${left} and ${right}: convert one, as in double(x)` };
}

function inferConditional(types: readonly StaticType[]): Inferred {
  const [condition = 'dyn', yes = 'dyn', no = 'dyn'] = types;
  if (condition !== 'bool' && condition !== 'dyn')
    return { problem: `?: takes a condition, not ${article(condition)}` };
  return yes === no ? yes : 'dyn';
}

function unknownFunction(name: string): string {
  const nearest = suggest(name, [...FUNCTIONS.keys(), ...MACROS.keys()]);
  return `there is no function "${name}"${nearest === null ? '' : `; did you mean "${nearest}"?`}`;
}

function usage(name: string, shape: FunctionShape): string {
  const form = shape.method.length > 0 ? `x.${name}(${shape.method.includes(0) ? '' : 'y'})` : `${name}(x)`;
  return `${name} is written ${form}`;
}

function wrongSubject(name: string, shape: FunctionShape, subject: StaticType): string {
  const hint = name === 'contains' && subject === 'list' ? ': write "x" in list' : '';
  return `${name}() is for ${shape.on.join(', ')}, not for ${article(subject)}${hint}`;
}
