/**
 * Which parts of an expression did not hold, and what kind of value the claims had that it looks at: for the log, so
 * without any value. Parts are what the `&&` of the outermost level join.
 */
import type { Expression, ExpressionInput, ExpressionOutcome } from '../policy/requirements.ts';
import { readClaim, shapeOf } from './claim-path.ts';
import type { Expr } from './inspect-expression.ts';

type Evaluate = Expression['evaluate'];
type Explain = NonNullable<Expression['explain']>;

/** A part, and how to evaluate it by itself. */
interface Part {
  readonly expr: Expr;
  readonly evaluate: Evaluate;
}

/** Most parts that are told of. */
const MOST_TOLD = 2;
/** Most claims that one part is described by; who needs more can split it. */
const MOST_NAMED = 5;

/**
 * Makes the explanation of an expression that was false or failed. Parts are planned when the first one is asked for.
 * @param positions offsets in the source by node id
 * @param plan makes a part of the expression one that can be evaluated
 */
export function explainParts(
  root: Expr,
  positions: Readonly<Record<string, number>>,
  plan: (expr: Expr) => Evaluate,
): Explain {
  let parts: readonly Part[] | null = null;
  return (input, outcome) => {
    parts ??= partsOf(root).map((expr) => ({ expr, evaluate: plan(expr) }));
    const told: string[] = [];
    for (const { expr, evaluate } of parts) {
      const found = evaluate(input);
      if (!(found.ok && found.value)) told.push(describe(expr, found, input));
      if (told.length === MOST_TOLD) break;
    }
    // Each holds by itself where all together took too many rounds.
    return told.length > 0 ? told.join('; ') : describe(root, outcome, input);
  };

  function describe(expr: Expr, outcome: ExpressionOutcome, input: ExpressionInput): string {
    const cause = outcome.ok ? `false at character ${startOf(expr, positions) + 1}` : outcome.cause;
    const seen = seenBy(expr, input);
    return seen === '' ? cause : `${cause}: ${seen}`;
  }
}

function partsOf(expr: Expr): readonly Expr[] {
  const { exprKind: kind } = expr;
  if (kind.case !== 'callExpr' || kind.value.function !== '_&&_') return [expr];
  return kind.value.args.flatMap(partsOf);
}

function startOf(expr: Expr, positions: Readonly<Record<string, number>>): number {
  const own = positions[String(expr.id)] ?? Number.POSITIVE_INFINITY;
  const first = Math.min(own, ...childrenOf(expr).map((child) => startOf(child, positions)));
  return Number.isFinite(first) ? first : 0;
}

/** The claims that a part names, and scopes and roles, each by its shape. */
function seenBy(part: Expr, input: ExpressionInput): string {
  if (input.anonymous) return 'anonymous caller';
  const names = new Map<string, string>();
  const look = (expr: Expr): void => {
    const path = claimPathOf(expr);
    if (path !== null && path.length > 0) {
      names.set(`claims.${path.join('.')}`, shapeOf(readClaim(input.claims, path)));
      return;
    }
    const { exprKind: kind } = expr;
    if (kind.case === 'identExpr') {
      const { name } = kind.value;
      if (name === 'roles' || name === 'scopes') names.set(name, shapeOf(input[name]));
    }
    childrenOf(expr).forEach(look);
  };
  look(part);
  return [...names]
    .slice(0, MOST_NAMED)
    .map(([name, shape]) => `${name} ${shape}`)
    .join(', ');
}

/** `claims.a.b` and `claims["a"].b` as a path; null for anything else. */
function claimPathOf({ exprKind: kind }: Expr): readonly string[] | null {
  if (kind.case === 'identExpr') return kind.value.name === 'claims' ? [] : null;
  if (kind.case === 'selectExpr') return below(kind.value.operand, kind.value.field);
  if (kind.case !== 'callExpr' || kind.value.function !== '_[_]') return null;
  const [operand, key] = kind.value.args;
  if (key?.exprKind.case !== 'constExpr') return null;
  const { constantKind: constant } = key.exprKind.value;
  return constant.case === 'stringValue' ? below(operand, constant.value) : null;
}

function below(operand: Expr | undefined, member: string): readonly string[] | null {
  const path = operand === undefined ? null : claimPathOf(operand);
  return path === null ? null : [...path, member];
}

function childrenOf({ exprKind: kind }: Expr): readonly Expr[] {
  return nodesBelow(kind).filter((child) => child !== undefined);
}

function nodesBelow(kind: Expr['exprKind']): readonly (Expr | undefined)[] {
  switch (kind.case) {
    case 'selectExpr':
      return [kind.value.operand];
    case 'callExpr':
      return [kind.value.target, ...kind.value.args];
    case 'listExpr':
      return kind.value.elements;
    case 'structExpr':
      return kind.value.entries.flatMap(({ keyKind, value }) =>
        keyKind.case === 'mapKey' ? [keyKind.value, value] : [value],
      );
    case 'comprehensionExpr':
      return [kind.value.iterRange, kind.value.loopStep, kind.value.result];
    default:
      return [];
  }
}
