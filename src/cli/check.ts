/** `check`: everything that is wrong with policies, at once; with `--online`, whether their keys can be had from here. */
import { readFileSync } from 'node:fs';
import { loadPolicy } from '../policy/load-policy.ts';
import { fetchIssuerKeys } from './check-online.ts';
import { type CheckReport, checkReport, jsonReport, textReport } from './check-report.ts';
import { type Environment, type Invocation, textOption, UsageError } from './command.ts';
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
  const input = paths.includes(STDIN.written) ? await readInput(streams.stdin) : null;
  const reports: CheckReport[] = [];
  for (const path of paths) reports.push(await reportOn(path, input, { environment, detached, online }));
  const [first, ...further] = reports;
  if (first !== undefined) streams.stdout.write(written([first, ...further], invocation));
  return exitCode(reports, options.has('strict'));
}

/** The files in the order of the command line; undefined for the one that is found without a name. */
function writtenPaths({ positionals, options }: Invocation): readonly (string | undefined)[] {
  const config = textOption(options, 'config');
  if (positionals.length > 0 && config !== undefined)
    throw new UsageError('FILE and --config name the same thing; write one');
  if (positionals.filter((file) => file === STDIN.written).length > 1)
    throw new UsageError('standard input can be read once; write - once');
  return positionals.length > 0 ? positionals : [config];
}

interface CheckMode {
  readonly environment: Environment;
  readonly detached: boolean;
  readonly online: boolean;
}

async function reportOn(path: string, input: Buffer | null, mode: CheckMode): Promise<CheckReport> {
  const { environment, detached, online } = mode;
  const file = path === STDIN.written ? STDIN.shown : path;
  const readFile = (name: string) => (input !== null && name === STDIN.shown ? input : readFileSync(name));
  const now = Date.now();
  const loaded = await loadPolicy({ file, environment, readFile, detached, now });
  const fetched = loaded.ok && online ? await fetchIssuerKeys(loaded.policy.issuers, now) : [];
  return checkReport(file, loaded, fetched);
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
