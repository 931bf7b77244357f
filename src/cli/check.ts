/** `check`: everything that is wrong with policies, at once; with `--online`, whether their keys can be had from here. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadPolicy } from '../policy/load-policy.ts';
import type { Problem } from '../policy/problem.ts';
import { fetchIssuerKeys } from './check-online.ts';
import { type CheckReport, checkReport, jsonReport, textReport } from './check-report.ts';
import { type Environment, type Invocation, type Streams, textOption, UsageError } from './command.ts';
import { EXIT_CONFIGURATION, EXIT_FAILED, EXIT_OK, EXIT_UNREACHABLE } from './exit-codes.ts';
import { paintFor } from './output.ts';
import { findPolicyPath } from './policy-path.ts';
import { readInput } from './read-input.ts';

/** How standard input is written as a file, and what it is called in messages. */
const STDIN = { written: '-', shown: '<stdin>' } as const;

/**
 * Prints the findings on stdout, of each file by itself. 78 when a file is refused, 69 for keys that cannot be had, 1 for
 * warnings with `--strict`; of several files the first of these that holds for any.
 */
export async function check(invocation: Invocation): Promise<number> {
  const { options, environment, streams } = invocation;
  const online = options.has('online');
  const detached = options.has('detached');
  if (online && detached) throw new UsageError('--online needs the values that --detached does without');
  const paths: string[] = [];
  for (const written of writtenPaths(invocation)) {
    const found = findPolicyPath(written, environment);
    if ('missing' in found) {
      streams.stderr.write(`sallyport: ${found.missing}\n`);
      return EXIT_CONFIGURATION;
    }
    paths.push(found.path);
  }
  refuseDoubles(paths);
  const reports: CheckReport[] = [];
  for (const path of paths) {
    const source = path === STDIN.written ? await standardInput(streams) : { file: path };
    reports.push(await reportOn(source, { environment, detached, online }));
  }
  const [first, ...further] = reports;
  if (first !== undefined) streams.stdout.write(written([first, ...further], invocation));
  return exitCode(reports, options.has('strict'));
}

/** The files in the order of the command line; undefined for the one that is found without a name. */
function writtenPaths({ positionals, options }: Invocation): readonly (string | undefined)[] {
  const config = textOption(options, 'config');
  if (positionals.length > 0 && config !== undefined)
    throw new UsageError('FILE and --config name the same thing; write one');
  return positionals.length > 0 ? positionals : [config];
}

function refuseDoubles(paths: readonly string[]): void {
  const seen = new Set<string>();
  for (const path of paths) {
    const isInput = path === STDIN.written;
    const identity = isInput ? path : resolve(path);
    if (seen.has(identity)) {
      const why = isInput ? 'standard input can be read once; write - once' : 'name each file once';
      throw new UsageError(`${path} is given twice; ${why}`);
    }
    seen.add(identity);
  }
}

/** What is to be checked: a file, with its text where that is at hand, or why there is no text. */
type Source =
  | { readonly file: string; readonly text?: string }
  | { readonly file: string; readonly problem: Problem };

async function standardInput({ stdin, stderr }: Streams): Promise<Source> {
  const file = STDIN.shown;
  if (stdin?.isTTY === true) stderr.write('Type or paste a policy, then Ctrl-D on a line of its own.\n');
  const input = await readInput(stdin);
  if (input.ok) return { file, text: input.text };
  const { code, message } = input;
  return { file, problem: { file, line: 1, column: 1, path: '', code, message } };
}

interface CheckMode {
  readonly environment: Environment;
  readonly detached: boolean;
  readonly online: boolean;
}

async function reportOn(source: Source, mode: CheckMode): Promise<CheckReport> {
  const { environment, detached, online } = mode;
  if ('problem' in source) {
    const { file, problem } = source;
    const refused = { ok: false, problems: [problem], warnings: [], fingerprints: new Map() } as const;
    return checkReport(file, refused, []);
  }
  const now = Date.now();
  const loaded = await loadPolicy({ ...source, environment, readFile: readFileSync, detached, now });
  const fetched = loaded.ok && online ? await fetchIssuerKeys(loaded.policy.issuers, now) : [];
  return checkReport(source.file, loaded, fetched);
}

function written(reports: readonly [CheckReport, ...CheckReport[]], invocation: Invocation): string {
  if (invocation.options.has('json')) return jsonReport(reports);
  const paint = paintFor(invocation.streams.stdout, invocation.environment);
  return reports.map((report) => textReport(report, paint)).join('\n');
}

function exitCode(reports: readonly CheckReport[], strict: boolean): number {
  if (reports.some(({ problems }) => problems.length > 0)) return EXIT_CONFIGURATION;
  if (reports.some(({ online }) => online.some(({ ok }) => !ok))) return EXIT_UNREACHABLE;
  return strict && reports.some(({ warnings }) => warnings.length > 0) ? EXIT_FAILED : EXIT_OK;
}
