/**
 * What operators and functions make of the types that are known when a policy is read. Refuses an expression
 * that could never be true or would always fail, such as `path.order == 5` (a parameter is a string).
 */
import { suggest } from '../policy/reading/suggest.ts';
import { FUNCTIONS, type FunctionShape, MACROS, type StaticType } from './expression-language.ts';

/** The type of a call's result, or what is wrong with it. */
export type Inferred = StaticType | { readonly problem: string };

const NUMBERS: readonly StaticType[] = ['int', 'uint', 'double'];

/** A type in a sentence. */
export function article(type: StaticType): string {
  if (type === 'null') return type;
  return type === 'int' ? 'an int' : `a ${type}`;
}

/** As written in the source, for messages. */
export function spelling(operator: string): string {
  return operator === '@in' ? 'in' : operator.replaceAll('_', '');
}

type Inference = (operator: string, left: StaticType, right: StaticType, third: StaticType) => Inferred;

/** For an operator such as `_==_` or `@in`; null when the name is not one. */
export function inferOperator(operator: string, types: readonly StaticType[]): Inferred | null {
  const [left = 'dyn', right = 'dyn', third = 'dyn'] = types;
  return OPERATORS.get(operator)?.(operator, left, right, third) ?? null;
}

/** For a function, or a method with its target first. */
export function inferCall(name: string, asMethod: boolean, types: readonly StaticType[]): Inferred {
  const shape = FUNCTIONS.get(name);
  if (shape === undefined) return { problem: MACROS.get(name) ?? unknownFunction(name) };
  const [subject = 'dyn', argument = 'dyn'] = types;
  const count = asMethod ? types.length - 1 : types.length;
  if (!(asMethod ? shape.method : shape.call).includes(count)) return { problem: usage(name, shape) };
  if (!fits(subject, shape.on)) return { problem: wrongSubject(name, shape, subject) };
  // A method's one argument is a string: what to look for, a pattern, or a time zone.
  if (asMethod && !fits(argument, ['string'])) {
    return { problem: `${name}() takes a string, not ${article(argument)}` };
  }
  return shape.returns;
}

function fits(type: StaticType, allowed: readonly StaticType[]): boolean {
  return type === 'dyn' || allowed.length === 0 || allowed.includes(type);
}

const inferLogic: Inference = (operator, left, right) => {
  const other = [left, right].find((type) => !fits(type, ['bool']));
  if (other === undefined) return 'bool';
  return { problem: `${spelling(operator)} takes true or false, not ${article(other)}` };
};

const inferMembership: Inference = (_operator, _member, container) => {
  if (fits(container, ['list', 'map'])) return 'bool';
  return { problem: `in looks into a list or a map, not into ${article(container)}` };
};

const inferEquality: Inference = (operator, left, right) => {
  if (left === right || comparable(left, right)) return 'bool';
  return { problem: `${spelling(operator)} cannot compare ${article(left)} with ${article(right)}` };
};

const inferOrder: Inference = (operator, left, right, third) => {
  const unordered = [left, right].find((type) => type === 'list' || type === 'map' || type === 'null');
  if (unordered === undefined) return inferEquality(operator, left, right, third);
  return { problem: `${spelling(operator)} cannot order ${article(unordered)}` };
};

const inferSum: Inference = (operator, left, right) =>
  combine(operator, [left, right], [...NUMBERS, 'string', 'bytes', 'list']);

const inferProduct: Inference = (operator, left, right) => combine(operator, [left, right], NUMBERS);

const inferNegation: Inference = (_operator, operand) =>
  fits(operand, NUMBERS) ? operand : { problem: `- takes a number, not ${article(operand)}` };

const inferConditional: Inference = (_operator, condition, yes, no) => {
  if (!fits(condition, ['bool'])) return { problem: `?: takes a condition, not ${article(condition)}` };
  return yes === no ? yes : 'dyn';
};

const OPERATORS: ReadonlyMap<string, Inference> = new Map<string, Inference>([
  ['_&&_', inferLogic],
  ['_||_', inferLogic],
  ['!_', inferLogic],
  ['@in', inferMembership],
  ['_==_', inferEquality],
  ['_!=_', inferEquality],
  ['_<_', inferOrder],
  ['_<=_', inferOrder],
  ['_>_', inferOrder],
  ['_>=_', inferOrder],
  ['_+_', inferSum],
  ['_-_', inferProduct],
  ['_*_', inferProduct],
  ['_/_', inferProduct],
  ['_%_', inferProduct],
  ['-_', inferNegation],
  ['_?_:_', inferConditional],
  ['@not_strictly_false', () => 'bool'],
]);

function comparable(left: StaticType, right: StaticType): boolean {
  if (left === 'dyn' || right === 'dyn') return true;
  return NUMBERS.includes(left) && NUMBERS.includes(right);
}

/** The type of two operands that must have one type; times and durations mix, and are left to the evaluation. */
function combine(
  operator: string,
  operands: readonly [StaticType, StaticType],
  allowed: readonly StaticType[],
): Inferred {
  if (operands.includes('timestamp') || operands.includes('duration')) return 'dyn';
  const other = operands.find((type) => !fits(type, allowed));
  if (other !== undefined) {
    const wanted = allowed === NUMBERS ? 'numbers' : 'numbers, strings or lists';
    return { problem: `${spelling(operator)} takes ${wanted}, not ${article(other)}` };
  }
  const [left, right] = operands;
  if (left === 'dyn') return right;
  if (right === 'dyn' || left === right) return left;
  const sign = spelling(operator);
  return { problem: `${sign} takes two of one type, not ${left} and ${right}: convert one, as in double(x)` };
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
