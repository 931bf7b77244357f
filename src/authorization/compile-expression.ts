/**
 * CEL made into decisions: parsed, inspected and planned once, evaluated for each request over facts that are
 * read only when the expression asks. Loaded through `expression.ts`, because the library takes long to load.
 */
import {
  CelScalar,
  celEnv,
  celFunc,
  celType,
  celUint,
  isCelError,
  objectType,
  parse,
  plan,
} from '@bufbuild/cel';
import { RE2JS } from '@bufbuild/re2';
import { isExactNumber } from '../credentials/exact-number.ts';
import type { Expression, ExpressionInput } from '../policy/requirements.ts';
import type { CompiledExpression, CompileExpression, ExpressionContext } from './expression.ts';
import { causeOf } from './expression-cause.ts';
import { expressionFacts, timestamp } from './expression-facts.ts';
import { explainParts } from './expression-parts.ts';
import { ExpressionFault } from './expression-values.ts';
import { article } from './infer-types.ts';
import { type Expr, ExpressionProblem, inspectExpression, STEP } from './inspect-expression.ts';

/** Characters of a source; what is longer belongs into the service. */
const SOURCE_LIMIT = 4096;
/** Rounds of all loops of one evaluation together. */
const STEP_LIMIT = 10_000;

type Parsed = ReturnType<typeof parse>;
type Evaluate = Expression['evaluate'];
type Outcome = ReturnType<Evaluate>;

/** Positions of nodes in the source, by their id. */
type Positions = Readonly<Record<string, number>>;

const TRUE: Outcome = Object.freeze({ ok: true, value: true });
const FALSE: Outcome = Object.freeze({ ok: true, value: false });
const TIMESTAMP = objectType('google.protobuf.Timestamp');
/** 9999-12-31T23:59:59Z, the last second of a timestamp of CEL. */
const LAST_SECOND = 253_402_300_799n;
/** In place of the library's own, which round, and which take an empty text and `0x10` for numbers. */
const CONVERSIONS = [
  // The library takes milliseconds; CEL says seconds, as all times in claims are.
  celFunc('timestamp', [CelScalar.INT], TIMESTAMP, (seconds) => {
    if (seconds > LAST_SECOND || seconds < -LAST_SECOND) throw new ExpressionFault('no timestamp');
    return timestamp(Number(seconds) * 1000);
  }),
  celFunc('int', [CelScalar.STRING], CelScalar.INT, (text) => {
    const value = BigInt(decimal(text));
    if (BigInt.asIntN(64, value) !== value) throw new RangeError('beyond 64 bits');
    return value;
  }),
  celFunc('uint', [CelScalar.STRING], CelScalar.UINT, (text) => {
    const value = BigInt(decimal(text));
    if (BigInt.asUintN(64, value) !== value) throw new RangeError('beyond 64 bits');
    return celUint(value);
  }),
  celFunc('double', [CelScalar.STRING], CelScalar.DOUBLE, exactDouble),
  celFunc('double', [CelScalar.INT], CelScalar.DOUBLE, (value) => exactDouble(String(value))),
  celFunc('double', [CelScalar.UINT], CelScalar.DOUBLE, ({ value }) => exactDouble(String(value))),
];
const TRY_PATTERN = plan(celEnv(), parse('"".matches(pattern)'));

/** Makes the compiler; all its expressions share one environment, which is not re-entered. */
export function createExpressionCompiler(): CompileExpression {
  let steps = 0;
  const facts = expressionFacts();
  // Patterns are literals of the policy, so that there are few: each is compiled once, not on every evaluation.
  const patterns = new Map<string, RE2JS>();
  const environment = celEnv({
    re2: {
      compile: (pattern) => {
        const known = patterns.get(pattern) ?? RE2JS.compile(pattern);
        patterns.set(pattern, known);
        return known;
      },
    },
    funcs: [
      celFunc(STEP, [CelScalar.DYN], CelScalar.DYN, (condition) => {
        steps += 1;
        if (steps > STEP_LIMIT) throw new ExpressionFault('more than 10000 rounds of loops');
        return condition;
      }),
      ...CONVERSIONS,
    ],
  });
  return (source, context) => compile(source, context, planned);

  function planned(expr: Expr, positions: Positions): Evaluate {
    const run = plan(environment, expr);
    return (input: ExpressionInput): Outcome => {
      try {
        steps = 0;
        facts.look(input);
        return outcomeOf(run(facts.bindings), positions);
      } catch (error) {
        return { ok: false, cause: causeOf(error, positions) };
      } finally {
        facts.forget();
      }
    };
  }
}

function compile(
  source: string,
  context: ExpressionContext,
  planned: (expr: Expr, positions: Positions) => Evaluate,
): CompiledExpression {
  if (source.trim() === '') return refused('an expression is missing', 0);
  if (source.length > SOURCE_LIMIT) return refused(`longer than ${SOURCE_LIMIT} characters`, SOURCE_LIMIT);
  let positions: Positions = {};
  try {
    const parsed: Parsed = parse(source);
    positions = parsed.sourceInfo?.positions ?? {};
    if (parsed.expr === undefined) return refused('an expression is missing', 0);
    inspect(parsed.expr, context);
    const explain = explainParts(parsed.expr, positions, (part) => planned(part, positions));
    return { ok: true, expression: { source, evaluate: planned(parsed.expr, positions), explain } };
  } catch (error) {
    if (error instanceof ExpressionProblem) return refused(error.message, positions[String(error.node)] ?? 0);
    return syntaxProblem(error, source);
  }
}

function inspect(expr: Expr, context: ExpressionContext): void {
  const patterns: { pattern: string; node: bigint }[] = [];
  const type = inspectExpression(expr, { parameters: context.parameters, patterns });
  if (type !== 'bool' && type !== 'dyn') {
    throw new ExpressionProblem(`an expression must be true or false, and this is ${article(type)}`, expr.id);
  }
  for (const { pattern, node } of patterns) {
    const problem = patternProblem(pattern);
    if (problem !== null) throw new ExpressionProblem(problem, node);
  }
}

function outcomeOf(value: ReturnType<ReturnType<typeof plan>>, positions: Positions): Outcome {
  if (value === true) return TRUE;
  if (value === false) return FALSE;
  if (isCelError(value)) return { ok: false, cause: causeOf(value, positions) };
  return { ok: false, cause: `neither true nor false: type ${celType(value).name}` };
}

/** The message of the engine, which quotes nothing but the pattern; null when it is good. */
function patternProblem(pattern: string): string | null {
  const tried = TRY_PATTERN({ pattern });
  if (!isCelError(tried)) return null;
  return `not a pattern that matches() takes (RE2 syntax): ${tried.message.replace('error parsing regexp: ', '')}`;
}

/** The parser's own message lists every token that it would have taken; what it met says more. */
function syntaxProblem(error: unknown, source: string): CompiledExpression {
  const offset = offsetOf(error);
  if (offset === null) {
    return refused(error instanceof RangeError ? 'nested too deeply' : 'cannot be compiled', 0);
  }
  const rest = source.slice(offset).trim();
  const hint = SLIPS.find(([slip]) => slip.test(rest));
  const met =
    rest === '' ? 'it ends too early' : `not understood from here: ${JSON.stringify(rest.slice(0, 20))}`;
  return refused(hint === undefined ? met : `${met}; ${hint[1]}`, offset);
}

/** What is often written by those who come from other languages. */
const SLIPS: readonly (readonly [RegExp, string])[] = [
  [/^(?:===|!==)/, 'equality is == and !='],
  [/^=(?!=)/, 'equality is =='],
  [/^and\b/, 'write &&'],
  [/^or\b/, 'write ||'],
  [/^not\b/, 'write !'],
];

function offsetOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('location' in error)) return null;
  const { location } = error as { location: { start?: { offset?: unknown } } };
  const offset = location?.start?.offset;
  return typeof offset === 'number' ? offset : null;
}

function decimal(text: string): string {
  if (!/^-?[0-9]{1,20}$/.test(text)) throw new RangeError('no decimal digits');
  return text;
}

/** @throws ExpressionFault for a whole number that no double tells from its neighbours */
function exactDouble(text: string): number {
  const value = /^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value) || !isExactNumber(text, value)) throw new ExpressionFault('no exact double');
  return value;
}

function refused(message: string, offset: number): CompiledExpression {
  return { ok: false, message, offset };
}
