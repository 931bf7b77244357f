/**
 * From a policy file to a checked configuration: text, YAML, environment, command line, shape. Everything that
 * is wrong is collected with its place; nothing is guessed.
 */
import type { ConfigurationPath, ProblemList } from './problem.ts';
import type { Configuration } from './schema/configuration.ts';

/** A value from the command line or the environment that stands in for one of the file. */
export interface Override {
  readonly value: string;
  /** How to call its source in problems: `--listen`, `SALLYPORT_LISTEN`. */
  readonly from: string;
}

export interface ReadOptions {
  /** Path of the policy file; other names are relative to the file that names them. */
  readonly file: string;
  /** Its text, when that is at hand; otherwise it is read. */
  readonly text?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Throws when the file cannot be read. */
  readonly readFile: (path: string) => string | Buffer;
  readonly overrides?: {
    readonly listen?: Override;
    readonly admin?: Override;
    readonly upstream?: Override;
  };
  /** Undefined variables and missing files are values that nobody knows yet, not problems. Default false. */
  readonly detached?: boolean;
}

export interface ReadConfiguration {
  readonly configuration: Configuration;
  /** Takes further problems: `problems.report(['routes', 2, 'upstream'], 'unknown_upstream', '...')`. */
  readonly problems: ProblemList;
  /** An empty list over the same places, for findings that are no errors. */
  readonly warnings: ProblemList;
  /** Whether something is written at this path, well or not; for `x` also as `x_file`. */
  readonly isWritten: (path: ConfigurationPath) => boolean;
  /** Absolute names of the policy file and every file that it names and that was read. */
  readonly files: readonly string[];
}

/** Reads and checks; never throws. */
export declare function readConfiguration(options: ReadOptions): ReadConfiguration;
