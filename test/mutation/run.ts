/**
 * `npm run mutate -- [MODULE ...] --sample N --seed S`: breaks the modules that decide, one small change at a time, in a
 * copy of the tree, and sees that a test notices. Ends with 1 when fewer than 85 of 100 are noticed, or a module's
 * tests fail as it is. Of a module with more mutants than the sample, so many are chosen by the seed.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '../fuzz/random.ts';
import { EQUIVALENT } from './equivalent.ts';
import { MODULES, type Program, testsOf } from './modules.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { type Ended, run } from './try-mutant.ts';

const WANTED = 0.85;
/** Milliseconds that a test may take at least, however fast it is otherwise: others use the machine too. */
const LEAST_TIME = 15_000;
const LONGEST_CLEAN_RUN = 300_000;

interface Tally {
  readonly tried: number;
  readonly killed: number;
  readonly late: number;
  readonly equivalent: number;
  readonly survived: readonly string[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    list: { type: 'boolean', default: false },
  },
});
const root = new URL('../..', import.meta.url).pathname;
process.chdir(root);
process.removeAllListeners('warning');
setPriority(10);
const chosen = Object.keys(MODULES).filter((name) => positionals.length === 0 || positionals.includes(name));
const directory = values.list ? '' : copyOfTree();
/** Milliseconds by test, 0 for one that fails as it is; a test is measured once, when it is first needed. */
const limits = new Map<string, number>();
const total = { killed: 0, tried: 0 };
const survivors: string[] = [];

console.log(`${'module'.padEnd(32)}mutants  tried  killed (late)  survived  equivalent`);
for (const module of chosen) await mutateModule(module);
if (directory !== '') rmSync(directory, { recursive: true, force: true });
const share = total.tried === 0 ? 0 : total.killed / total.tried;
console.log(
  `\n${total.killed} of ${total.tried} killed, ${(share * 100).toFixed(1)} % (at least ${WANTED * 100} %)`,
);
console.log(`seed ${values.seed}, at most ${values.sample} mutants of a module, equivalent ones not counted`);
if (survivors.length > 0) console.log(`\nsurvived:\n${survivors.join('\n')}`);
process.exitCode = values.list || (share >= WANTED && ![...limits.values()].includes(0)) ? 0 : 1;

async function mutateModule(module: string): Promise<void> {
  const file = `src/${module}.ts`;
  const all = mutantsOf(readFileSync(join(directory === '' ? root : directory, file), 'utf8'));
  const mutants = sampleOf(all, module);
  if (values.list) {
    for (const { line, text, change } of mutants) console.log(`${file}:${line}  ${change}  in  ${text}`);
    return;
  }
  const tally = await tryAll(module, mutants);
  const { tried, killed, late, equivalent, survived } = tally;
  total.tried += tried;
  total.killed += killed;
  survivors.push(...survived);
  const columns = [all.length, tried, `${killed} (${late})`, survived.length, equivalent];
  const widths = [7, 7, 15, 10, 12];
  console.log(module.padEnd(32) + columns.map((each, i) => String(each).padStart(widths[i] ?? 0)).join(''));
  for (const each of survived) console.log(`  ${each}`);
}

async function tryAll(module: string, mutants: readonly Mutant[]): Promise<Tally> {
  const file = `src/${module}.ts`;
  const tests = testsOf(module);
  const tally = { tried: 0, killed: 0, late: 0, equivalent: 0, survived: [] as string[] };
  for (const mutant of mutants) {
    if (isEquivalent(module, mutant)) {
      tally.equivalent += 1;
      continue;
    }
    tally.tried += 1;
    const ended = await tryMutant(file, mutant.source, tests);
    if (ended === 'passed')
      tally.survived.push(`${file}:${mutant.line}  ${mutant.change}  in  ${mutant.text}`);
    else tally.killed += 1;
    if (ended === 'timed out') tally.late += 1;
  }
  return tally;
}

async function tryMutant(file: string, source: string, tests: readonly Program[]): Promise<Ended> {
  const place = join(directory, file);
  for (const test of tests) {
    const limit = await limitOf(test);
    if (limit === 0) continue;
    writeFileSync(place, source);
    const ended = await run(directory, test, limit);
    cpSync(join(directory, 'original', file), place);
    if (ended !== 'passed') return ended;
  }
  return 'passed';
}

/** Measures a test in the tree as it is. */
async function limitOf(test: Program): Promise<number> {
  const name = test.join(' ');
  const known = limits.get(name);
  if (known !== undefined) return known;
  const started = performance.now();
  const ended = await run(directory, test, LONGEST_CLEAN_RUN);
  const limit = ended === 'passed' ? Math.max(LEAST_TIME, 3 * (performance.now() - started)) : 0;
  if (limit === 0) console.log(`${name} is left out: it ${ended} without a change`);
  limits.set(name, limit);
  return limit;
}

function isEquivalent(module: string, { text, change }: Mutant): boolean {
  return EQUIVALENT.some((one) => one.module === module && one.text === text && one.change === change);
}

/** So many of a module, and the same ones for the same seed. */
function sampleOf(mutants: readonly Mutant[], module: string): readonly Mutant[] {
  const size = Number(values.sample);
  const ofModule = [...module].reduce((sum, character) => Math.imul(sum, 31) + character.charCodeAt(0), 0);
  const random = createRandom(Number(values.seed) ^ ofModule);
  const left = [...mutants];
  const sample: Mutant[] = [];
  while (sample.length < size && left.length > 0) sample.push(...left.splice(random.below(left.length), 1));
  return sample.sort((one, other) => one.line - other.line);
}

/** What git knows of, and what lies beside it unignored; the packages are linked. */
function copyOfTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'sallyport-mutants-'));
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', list, { encoding: 'utf8' }).split('\0');
  for (const file of files) if (file !== '' && existsSync(file)) cpSync(file, join(copy, file));
  cpSync('src', join(copy, 'original/src'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}
