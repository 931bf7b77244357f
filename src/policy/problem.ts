/**
 * What is wrong with a configuration, and where. Problems are collected, never thrown, so that one run of
 * `check` shows all of them; a message never repeats a secret or a value that came from the environment.
 */

import { visibleText } from '../observe/visible-text.ts';

/** Where in a configuration: `['routes', 2, 'require', 'scopes', 0]`. */
export type ConfigurationPath = readonly (string | number)[];

/** A place in a text, counted from 1. Line 0 stands for something that is no file, such as a command line option. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing to put right. */
export interface Problem extends Position {
  /** As written in the file: `routes[2].require.scopes[0]`; empty for the whole file. */
  readonly path: string;
  /** Stable snake_case word, for programs. */
  readonly code: string;
  /** What is wrong and what to write instead, in one line. */
  readonly message: string;
  /** The known key or word that is nearest to a misspelt one; the message names it too. */
  readonly nearest?: string;
}

/** What is found at a place. */
export interface Finding {
  readonly path: ConfigurationPath;
  readonly code: string;
  readonly message: string;
  readonly nearest?: string;
}

/** Answers where a path of the configuration stands in the file, and how it is spelt there. */
export interface PathLocator {
  locate(path: ConfigurationPath): {
    readonly position: Position;
    readonly path: ConfigurationPath;
    /** Text of the value where it came from the environment: no message repeats it. */
    readonly secret: string | null;
  };
}

/** A growing list of problems; the same finding at the same place is kept once. */
export interface ProblemList {
  /** Adds a problem at the value of `path`, or at the nearest of its parents that is in the file. */
  report(path: ConfigurationPath, code: string, message: string): void;
  /** Adds a problem whose place is known already, such as that of a key. */
  reportAt(position: Position, finding: Finding): void;
  /** Where the value of `path` stands, or the nearest of its parents that is in the file. */
  positionOf(path: ConfigurationPath): Position;
  /** How many there are so far. */
  readonly count: number;
  /** All so far: files in the order in which they were first met, then by line and column. */
  sorted(): readonly Problem[];
}

/** An empty list whose places are looked up in `locator`. */
export function createProblemList(locator: PathLocator): ProblemList {
  const found = new Map<string, Problem>();
  function reportAt(position: Position, finding: Finding): void {
    const { file, line, column } = position;
    // What it quotes of a file that others may have written goes to a terminal.
    const message = visibleText(finding.message.toWellFormed().replace(CONTROL, escaped));
    const identity = JSON.stringify([file, line, column, finding.code, message]);
    if (!found.has(identity)) {
      found.set(identity, { file, line, column, ...finding, message, path: formatPath(finding.path) });
    }
  }
  return {
    report(path, code, message) {
      const located = locator.locate(path);
      const told = located.secret === null ? message : withoutSecret(message, located.secret);
      reportAt(located.position, { path: located.path, code, message: told });
    },
    reportAt,
    positionOf: (path) => locator.locate(path).position,
    get count() {
      return found.size;
    },
    sorted: () => sortProblems([...found.values()]),
  };
}

/** The control characters that JSON escapes: a message that quotes a value as it is written may hold them. */
const CONTROL = /[\u0000-\u001f]/g;

function escaped(character: string): string {
  return JSON.stringify(character).slice(1, -1);
}

/** Shorter texts occur in the words of messages themselves, and are masked only where they are quoted. */
const SHORTEST_UNQUOTED = 6;

/** The message without a value that came from the environment, in any case of its letters. */
function withoutSecret(message: string, secret: string): string {
  const unquoted = message.replaceAll(`"${secret}"`, 'the value');
  if (secret.length < SHORTEST_UNQUOTED) return unquoted;
  let told = unquoted;
  for (const text of [secret, secret.toLowerCase()]) told = told.replaceAll(text, '...');
  return told;
}

/** Files in the order in which they come first, then by line and column; a stable sort. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const files = [...new Set(problems.map((problem) => problem.file))];
  return problems.toSorted(
    (left, right) =>
      files.indexOf(left.file) - files.indexOf(right.file) ||
      left.line - right.line ||
      left.column - right.column,
  );
}

/** `FILE:LINE:COLUMN  path.to[2].key  message  (code)`; without path for the whole file. */
export function formatProblem(problem: Problem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  return [place, problem.path, problem.message, `(${problem.code})`].filter((part) => part !== '').join('  ');
}

/** `routes[2].require.claims["https://x/plan"]`: names that are no plain words are quoted. */
export function formatPath(path: ConfigurationPath): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      if (!/^[\w-]+$/.test(step)) return `[${visibleText(JSON.stringify(step))}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}
