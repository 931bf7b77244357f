/** `check`: everything that is wrong with a policy, at once; with `--online`, whether its keys can be had from here. */
import { readFileSync } from 'node:fs';
import { loadPolicy } from '../policy/load-policy.ts';
import { fetchIssuerKeys } from './check-online.ts';
import { type CheckReport, checkReport, jsonReport, textReport } from './check-report.ts';
import { type Invocation, textOption, UsageError } from './command.ts';
import { EXIT_CONFIGURATION, EXIT_FAILED, EXIT_OK, EXIT_UNREACHABLE } from './exit-codes.ts';
import { paintFor } from './output.ts';
import { findPolicyPath } from './policy-path.ts';

/** Prints the findings on stdout. 78 when the file is refused, 69 for keys that cannot be had, 1 for warnings with `--strict`. */
export async function check(invocation: Invocation): Promise<number> {
  const { options, environment, streams } = invocation;
  const written = writtenPath(invocation);
  const online = options.has('online');
  const detached = options.has('detached');
  if (online && detached) throw new UsageError('--online needs the values that --detached does without');
  const found = findPolicyPath(written, environment);
  if ('missing' in found) {
    streams.stderr.write(`sallyport: ${found.missing}\n`);
    return EXIT_CONFIGURATION;
  }
  const now = Date.now();
  const loaded = await loadPolicy({ file: found.path, environment, readFile: readFileSync, detached, now });
  const fetched = loaded.ok && online ? await fetchIssuerKeys(loaded.policy.issuers, now) : [];
  const report = checkReport(found.path, loaded, fetched);
  const text = options.has('json')
    ? jsonReport(report)
    : textReport(report, paintFor(streams.stdout, environment));
  streams.stdout.write(text);
  return exitCode(report, options.has('strict'));
}

function writtenPath({ positionals, options }: Invocation): string | undefined {
  const [file] = positionals;
  const config = textOption(options, 'config');
  if (file !== undefined && config !== undefined)
    throw new UsageError('FILE and --config name the same thing; write one');
  return file ?? config;
}

function exitCode(report: CheckReport, strict: boolean): number {
  if (report.problems.length > 0) return EXIT_CONFIGURATION;
  if (report.online.some(({ ok }) => !ok)) return EXIT_UNREACHABLE;
  return strict && report.warnings.length > 0 ? EXIT_FAILED : EXIT_OK;
}
