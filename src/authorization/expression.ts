/**
 * The expressions of `when`: CEL, compiled once when the policy is read. Whatever goes wrong while one is
 * evaluated refuses: there is no value but true that lets a request pass.
 */
import type { Expression } from '../policy/requirements.ts';

/** What the place of an expression knows about itself. */
export interface ExpressionContext {
  /** Names of the route's path parameters; `path.x` for any other is an error. */
  readonly parameters: readonly string[];
}

export type CompiledExpression =
  | { readonly ok: true; readonly expression: Expression }
  /** `offset` counts UTF-16 units from the start of the source. */
  | { readonly ok: false; readonly message: string; readonly offset: number };

/** Compiles one expression. Never throws. */
export type CompileExpression = (source: string, context: ExpressionContext) => CompiledExpression;

/**
 * Loads the CEL library, which costs a start some 90 ms and is therefore left out until a policy has a
 * `when`. Load it before compiling a policy that has one.
 */
export async function loadExpressionCompiler(): Promise<CompileExpression> {
  const { createExpressionCompiler } = await import('./compile-expression.ts');
  return createExpressionCompiler();
}
