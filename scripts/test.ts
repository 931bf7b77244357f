/**
 * `npm test`: types, style, size budget, then every test; with file names after `--`, these tests alone. Prints
 * a line for each test file at its end, what fails and where, what is skipped and why, and ends with one line,
 * `N passed, N failed` (`, N skipped`), as machines look for.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createTapReader, describeFailure, describeSkips, type EndedFile, type Tally } from './tap-report.ts';

/** Checks that come before the tests; each counts as one. */
const CHECKS = [
  { name: 'types', command: 'tsc', parameters: ['-p', '.'] },
  { name: 'style', command: 'biome', parameters: ['check', '.'] },
  { name: 'budget', command: process.execPath, parameters: ['scripts/budget.ts'] },
] as const;

/** How a program ended. */
interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const files = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };
if (files.length === 0) for (const check of CHECKS) await runCheck(check);
add(await runTests(files));
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

function add(tally: Tally): void {
  total.passed += tally.passed;
  total.failed += tally.failed;
  total.skipped += tally.skipped;
}

async function runCheck({ name, command, parameters }: (typeof CHECKS)[number]): Promise<void> {
  const started = performance.now();
  const { code, stdout, stderr } = await run(command, parameters);
  const ok = code === 0;
  console.log(`${ok ? 'ok' : 'FAILED'}  ${name} (${secondsOf(performance.now() - started)} s)`);
  if (!ok) console.log(`${stdout}${stderr}`.trimEnd());
  add({ passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 });
}

async function runTests(names: readonly string[]): Promise<Tally> {
  const started = performance.now();
  const reader = createTapReader(printFile);
  const { code, stderr } = await run('tap', ['--reporter=jsonstream', ...names], reader.line);
  const { ended, files, tally, failures, skips } = reader.report();
  for (const failure of failures) console.log(`\n${describeFailure(failure)}`);
  if (skips.length > 0) console.log(`\n${describeSkips(skips)}\n`);
  const ok = ended && code === 0 && tally.failed === 0;
  console.log(
    `${ok ? 'ok' : 'FAILED'}  tests in ${files} files (${secondsOf(performance.now() - started)} s)`,
  );
  if (ok || tally.failed > 0) return tally;
  console.log(`tap ended with ${code} ${ended ? 'although no test failed' : 'and no report'}\n${stderr}`);
  return { ...tally, failed: 1 };
}

function printFile({ name, ok, assertions, milliseconds }: EndedFile): void {
  console.log(`${ok ? 'ok' : 'FAILED'}  ${name}: ${assertions} assertions (${secondsOf(milliseconds)} s)`);
}

function secondsOf(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}

/** Runs a program of this project, found in node_modules/.bin; `onLine` takes its stdout in place of the result. */
async function run(
  command: string,
  parameters: readonly string[],
  onLine?: (line: string) => void,
): Promise<Ended> {
  const bin = new URL('../node_modules/.bin', import.meta.url).pathname;
  const child = spawn(command, parameters, {
    cwd: new URL('..', import.meta.url).pathname,
    env: { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}`, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  createInterface({ input: child.stdout }).on(
    'line',
    onLine ??
      ((line) => {
        texts.stdout += `${line}\n`;
      }),
  );
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text;
  });
  try {
    const [code]: (number | null)[] = await once(child, 'close');
    return { code: code ?? null, ...texts };
  } catch (error) {
    return { code: null, stdout: '', stderr: `${command}: ${String(error)}` };
  }
}
