/** What the compilers of the single blocks share: where findings go, and what the load was told. */
import type { CompileExpression } from '../../authorization/expression.ts';
import { type ConfigurationPath, formatPath, type Problem, type ProblemList } from '../problem.ts';
import { suggest } from '../reading/suggest.ts';

export interface CompileContext {
  /** What is wrong: the policy is not served. */
  readonly problems: ProblemList;
  /** What is allowed and yet deserves a look. */
  readonly warnings: ProblemList;
  /** Compiles `when`; null when no route has one, so that CEL is not loaded for nothing. */
  readonly compileExpression: CompileExpression | null;
  /** For the variables that name a proxy. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether issuers of the development kind are allowed. */
  readonly development: boolean;
  /** Whether something is written at a path, well or not. */
  readonly isWritten: (path: ConfigurationPath) => boolean;
  /** Whether a key that is not known was probably meant to be the one of this path. */
  readonly isMisspelt: (path: ConfigurationPath) => boolean;
  /** Whether some values are not known yet, so that what is missing may still come. */
  readonly detached: boolean;
  /** Epoch milliseconds, for keys that have ended. */
  readonly now: number;
}

/** Answers `isMisspelt` from what was found when the shape was checked. */
export function misspeltKeys(problems: readonly Problem[]): CompileContext['isMisspelt'] {
  const meant = new Set<string>();
  for (const { code, path, nearest } of problems) {
    if (code !== 'unknown_key' || nearest === undefined) continue;
    const parent = path.replace(/(?:^|\.)[\w-]+$|\["(?:[^"\\]|\\.)*"\]$/, '');
    meant.add(parent === '' ? nearest : `${parent}.${nearest}`);
  }
  return (path) => meant.size > 0 && meant.has(formatPath(path));
}

/** Reports a name that is not declared, with the declared one that was probably meant. */
export function reportUnknown(
  problems: ProblemList,
  path: ConfigurationPath,
  code: string,
  unknown: { readonly message: string; readonly name: string; readonly known: readonly string[] },
): void {
  const nearest = suggest(unknown.name, unknown.known);
  const listed = unknown.known.length === 0 ? 'none is declared' : `known are: ${unknown.known.join(', ')}`;
  const advice = nearest === null ? listed : `did you mean "${nearest}"?`;
  problems.report(path, code, `${unknown.message}; ${advice}`);
}

/** Whether something is wrong at or below a path already, so that what is missing there is no news. */
export function hasProblem({ problems }: CompileContext, path: ConfigurationPath): boolean {
  const start = formatPath(path);
  const isBelow = (text: string) => text.startsWith(start) && /^(?:$|[.[])/.test(text.slice(start.length));
  return problems.sorted().some((problem) => isBelow(problem.path));
}
