/**
 * `npm test`: types, style, size budget, then every test; with file names after `--`, these tests alone. Prints each
 * test file as it ends, what fails and where, what was skipped and why, and ends with one line, `N passed, N failed`
 * (`, N skipped`), as machines look for.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeFailure, endedFiles, readTapReport, type Skip, type Tally } from './tap-report.ts';

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
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tap-'));
  const progress = showProgress(join(folder, 'run.tap'));
  const output = ['--reporter=json', `--output-file=${join(folder, 'run.tap')}`];
  const { code, stdout, stderr } = await run('tap', [...output, ...names]);
  progress.end();
  rmSync(folder, { recursive: true });
  const report = readTapReport(stdout);
  if (report === null) {
    console.log(`FAILED  tests: tap ended with ${code} and no report\n${stdout}${stderr}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  for (const failure of report.failures) console.log(`\n${describeFailure(failure)}`);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const ok = code === 0 && report.tally.failed === 0;
  showSkips(report.skips);
  console.log(`${ok ? 'ok' : 'FAILED'}  tests in ${report.files} files (${seconds} s)`);
  if (code === 0 || report.tally.failed > 0) return report.tally;
  console.log(`tap ended with ${code} although no test failed\n${stderr}`);
  return { ...report.tally, failed: 1 };
}

/** Prints a line for each test file as it ends: a run takes minutes, and longer where the cores are busy. */
function showProgress(file: string): { end(): void } {
  let shown = 0;
  const show = () => {
    const text = readOrEmpty(file);
    const ended = endedFiles(text.slice(0, text.lastIndexOf('\n') + 1));
    for (const { ok, name, seconds } of ended.slice(shown)) {
      shown += 1;
      console.log(`${ok ? 'ok' : 'FAILED'}  ${String(shown).padStart(3)}  ${name} (${seconds} s)`);
    }
  };
  const timer = setInterval(show, 1000);
  return {
    end: () => {
      clearInterval(timer);
      show();
    },
  };
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What was not tried, by its reason: a part that is missing here must not go unnoticed. */
function showSkips(skips: readonly Skip[]): void {
  for (const reason of new Set(skips.map((skip) => skip.reason))) {
    const names = skips.filter((skip) => skip.reason === reason).map(({ name }) => name);
    console.log(`\nSKIPPED  ${reason}: ${names.length === 1 ? names[0] : `${names.length} tests`}`);
    if (names.length > 1) for (const name of names.slice(0, 5)) console.log(`    ${name}`);
  }
}

/** Runs a program of this project; its name is found in node_modules/.bin. */
async function run(command: string, parameters: readonly string[]): Promise<Ended> {
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
