/**
 * From a policy file to the frozen policy that the server runs, or to everything that is wrong with it. The
 * same way for `run`, `check`, `dev` and the tests. A policy is loaded whole or not at all.
 */
import { resolve } from 'node:path';
import { type CompileExpression, loadExpressionCompiler } from '../authorization/expression.ts';
import { type CompileContext, misspeltKeys } from './compile/context.ts';
import { compilePolicy } from './compile-policy.ts';
import { deepFreeze } from './deep-freeze.ts';
import type { Policy } from './policy.ts';
import {
  type ConfigurationPath,
  formatPath,
  type Position,
  type Problem,
  type ProblemList,
} from './problem.ts';
import { type ReadOptions, readConfiguration } from './read-policy.ts';
import type { Configuration } from './schema/configuration.ts';
import { checkStaticKeys } from './static-keys.ts';
import { warnOfPolicy } from './warnings.ts';
import { type Fingerprints, fingerprintOf } from './watch-files.ts';

export interface LoadOptions extends ReadOptions {
  /** Allows issuers of the development kind, as `dev` has one. Default false. */
  readonly development?: boolean;
  /** Epoch milliseconds, for keys that have ended. */
  readonly now: number;
}

/** Something that is allowed and yet deserves a look; placed and coded like a problem. */
export type Warning = Problem;

export interface LoadedPolicy {
  readonly ok: true;
  /** Deeply frozen. */
  readonly policy: Policy;
  readonly warnings: readonly Warning[];
  /** Where the addresses to listen on are written, by key: `listen[0]`, `admin`. */
  readonly addressesAt: ReadonlyMap<string, Position>;
  /** What was read, for `watchFiles`. */
  readonly fingerprints: Fingerprints;
}

export interface RefusedPolicy {
  readonly ok: false;
  /** At least one, by file, line and column. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
  /** What was read, and `''` for what could not be: a repair of any of these is worth another load. */
  readonly fingerprints: Fingerprints;
}

/** Reads, checks and compiles. Rejects only for defects of our own: what is wrong with the file is in `problems`. */
export async function loadPolicy(options: LoadOptions): Promise<LoadedPolicy | RefusedPolicy> {
  const reading = recordReading(options);
  const { configuration, problems, warnings, isWritten, files } = readConfiguration(reading.options);
  const context: CompileContext = {
    problems,
    warnings,
    compileExpression: hasExpression(configuration) ? remembering(await loadExpressionCompiler()) : null,
    environment: options.environment,
    development: options.development ?? false,
    isWritten,
    isMisspelt: misspeltKeys(problems.sorted()),
    detached: options.detached ?? false,
    now: options.now,
  };
  const compiled = compilePolicy(configuration, files, context);
  await checkStaticKeys(compiled.issuers, context);
  if (compiled.policy !== null) warnOfPolicy(compiled.policy, compiled.origins, context);
  const { fingerprints } = reading;
  if (compiled.policy === null || problems.count > 0) {
    return { ok: false, problems: problems.sorted(), warnings: warnings.sorted(), fingerprints };
  }
  return {
    ok: true,
    policy: deepFreeze(compiled.policy),
    warnings: warnings.sorted(),
    addressesAt: placesOf(compiled.policy, problems),
    fingerprints,
  };
}

function placesOf({ listen }: Policy, problems: ProblemList): ReadonlyMap<string, Position> {
  const paths: readonly ConfigurationPath[] = [...listen.map((_, index) => ['listen', index]), ['admin']];
  return new Map(paths.map((path) => [formatPath(path), problems.positionOf(path)]));
}

/** The same options, noting the content of every file as it is read: later it may be another. */
function recordReading(options: LoadOptions): { options: ReadOptions; fingerprints: Fingerprints } {
  const fingerprints = new Map<string, string>();
  const { readFile, file } = options;
  if (options.text !== undefined) fingerprints.set(resolve(file), fingerprintOf(options.text));
  function readAndNote(path: string): string | Buffer {
    fingerprints.set(resolve(path), '');
    const content = readFile(path);
    fingerprints.set(resolve(path), fingerprintOf(content));
    return content;
  }
  return { options: { ...options, readFile: readAndNote }, fingerprints };
}

function hasExpression(configuration: Configuration): boolean {
  return (configuration.routes ?? []).some((route) => route.require?.when !== undefined);
}

/** Compiles each expression once for the same parameters: large policies repeat a few over thousands of routes. */
function remembering(compile: CompileExpression): CompileExpression {
  const known = new Map<string, ReturnType<CompileExpression>>();
  return (source, place) => {
    const identity = JSON.stringify([source, place.parameters]);
    const compiled = known.get(identity) ?? compile(source, place);
    known.set(identity, compiled);
    return compiled;
  };
}
