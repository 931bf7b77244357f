/**
 * The size budget of `src`, as data, and its measurement: `npm run budget`. A tree that stays within it can be
 * read in an evening. Fails with the places that break it; the numbers are changed here or nowhere.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { type FileMeasure, measureFile, type Place, typeScriptFiles } from './measure-source.ts';

/** Upper bounds; a bound that is not named is not set. */
interface Bound {
  readonly median?: number;
  /** Nine of ten are at or below it. */
  readonly p90?: number;
  readonly most?: number;
}

/** What may be how large. */
const BUDGET = {
  'lines of a file': { median: 100, p90: 220, most: 300 },
  'lines of a function': { median: 10, p90: 30, most: 60 },
  'branches of a function (cyclomatic, a switch counts once)': { p90: 8, most: 12 },
  'nesting in a function': { most: 3 },
  'parameters of a function': { most: 4 },
} satisfies Record<string, Bound>;

/** What may not be there at all. */
const FORBIDDEN: Readonly<Record<string, (measure: FileMeasure) => readonly number[]>> = {
  '`any`': (measure) => measure.anys,
  'a directive against the type checker': (measure) => measure.silencers,
  '`as unknown as`': (measure) => measure.doubleCasts,
  'an exported function, class or constant without a doc comment': (measure) => measure.undocumented,
};

/** Columns for the names in the table. */
const WIDTH = 64;

// stripTypeScriptTypes tells at every start that it is experimental.
process.removeAllListeners('warning');

const root = new URL('..', import.meta.url).pathname;
const files = typeScriptFiles(`${root}src`);
const measures = files.map((file) => ({
  file: relative(root, file),
  ...measureFile(readFileSync(file, 'utf8')),
}));
const functions = measures.flatMap(({ file, functions: own }) =>
  own.map((measured) => ({ ...measured, place: `${file}:${measured.line} ${measured.name}` })),
);

const failures = [
  checkSizes(
    'lines of a file',
    measures.map(({ file, lines }) => ({ place: file, size: lines })),
  ),
  checkSizes(
    'lines of a function',
    functions.map(({ place, lines }) => ({ place, size: lines })),
  ),
  checkSizes(
    'branches of a function (cyclomatic, a switch counts once)',
    functions.map(({ place, branches }) => ({ place, size: branches })),
  ),
  checkSizes(
    'nesting in a function',
    functions.map(({ place, nesting }) => ({ place, size: nesting })),
  ),
  checkSizes(
    'parameters of a function',
    functions.map(({ place, parameters }) => ({ place, size: parameters })),
  ),
  ...Object.entries(FORBIDDEN).map(([what, find]) => checkAbsence(what, find)),
].flat();

const lines = measures.reduce((sum, measure) => sum + measure.lines, 0);
console.log(`${files.length} files, ${functions.length} functions, ${lines} lines in src`);
for (const failure of failures) console.error(`over budget: ${failure}`);
process.exitCode = failures.length > 0 || files.length === 0 ? 1 : 0;

function checkSizes(what: keyof typeof BUDGET, places: readonly Place[]): readonly string[] {
  const bound: Bound = BUDGET[what];
  const sorted = places.toSorted((left, right) => left.size - right.size);
  const rank = (share: number) => sorted[Math.ceil(sorted.length * share) - 1]?.size ?? 0;
  const found = { median: rank(0.5), p90: rank(0.9), most: rank(1) };
  const shown = (['median', 'p90', 'most'] as const).map((name) =>
    `${name} ${found[name]}${bound[name] === undefined ? '' : ` of ${bound[name]}`}`.padEnd(18),
  );
  console.log(`${what.padEnd(WIDTH)}${shown.join('')}`.trimEnd());
  const spread = (['median', 'p90'] as const)
    .filter((name) => found[name] > (bound[name] ?? Number.POSITIVE_INFINITY))
    .map((name) => `${what}: ${name} is ${found[name]}, at most ${bound[name]}`);
  const single = sorted
    .filter(({ size }) => size > (bound.most ?? Number.POSITIVE_INFINITY))
    .map(({ place, size }) => `${place}: ${what}: ${size}, at most ${bound.most}`);
  return [...spread, ...single];
}

function checkAbsence(what: string, find: (measure: FileMeasure) => readonly number[]): readonly string[] {
  const found = measures.flatMap((measure) =>
    find(measure).map((line) => `${measure.file}:${line}: ${what}`),
  );
  console.log(`${what.padEnd(WIDTH)}${found.length} of 0`);
  return found;
}
