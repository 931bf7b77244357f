/** What the compilers of the single blocks share: where findings go, and what the load was told. */
import type { CompileExpression } from '../../authorization/expression.ts';
import type { ConfigurationPath, ProblemList } from '../problem.ts';

export interface CompileContext {
  /** What is wrong: the policy is not served. */
  readonly problems: ProblemList;
  /** What is allowed and yet deserves a look. */
  readonly warnings: ProblemList;
  /** Compiles `when`; null when no route has one, so that CEL is not loaded for nothing. */
  readonly compileExpression: CompileExpression | null;
  /** Whether issuers of the development kind are allowed. */
  readonly development: boolean;
  /** Whether this runs in a Kubernetes pod, where endpoints are withdrawn some seconds after SIGTERM. */
  readonly kubernetes: boolean;
  /** Epoch milliseconds, for keys that have ended. */
  readonly now: number;
}

/** Whether the file itself holds this key: a default stands at the place of its parent. */
export function isWritten(problems: ProblemList, path: ConfigurationPath): boolean {
  const own = problems.positionOf(path);
  const parent = problems.positionOf(path.slice(0, -1));
  return own.file !== parent.file || own.line !== parent.line || own.column !== parent.column;
}
