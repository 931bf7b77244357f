import t from 'tap';
import { measureFile } from '../../scripts/measure-source.ts';
import { createTapReader, describeFailure, describeSkips, type EndedFile } from '../../scripts/tap-report.ts';

t.test('lines, branches, nesting and parameters are counted', async (t) => {
  const { lines, functions } = measureFile(`import type { A } from './a.ts';
function outer(a: A, b: number): void {
  if (a && b) {
    for (const x of []) {
      if (x) x();
    }
  } else if (b) {
    (() => (b ? 1 : 2))();
  }
}
const short = (): number => 1;
`);
  t.equal(lines, 11);
  t.match(functions, [
    { name: 'outer', line: 2, lines: 9, branches: 6, nesting: 3, parameters: 2 },
    { name: '(anonymous)', line: 8, branches: 2, nesting: 0, parameters: 0 },
    { name: 'short', line: 11, lines: 1, branches: 1 },
  ]);
});

t.test('a switch counts once, whatever its cases', async (t) => {
  const { functions } = measureFile(
    'function f(a) { switch (a) { case 1: return 1; case 2: return 2; default: return 3; } }',
  );
  t.match(functions, [{ branches: 2, nesting: 1 }]);
});

t.test('what is forbidden is found in code and not in texts and comments', async (t) => {
  const measure = measureFile(`// any: any
const a: any = 1;
const b = 'x as any';
const c = b as unknown as number;
const d: Map<string, any> = new Map();
// ${'@ts-'}ignore
const company = many(a);
/** Documented. */
export const e = 1;
export function f() {}
export interface G {}
`);
  t.match(measure, { anys: [2, 5], doubleCasts: [4], silencers: [6], undocumented: [10] });
});

/** The events of a run: a failing case, skips of three kinds, and a file that crashed behind a passing case. */
const EVENTS = [
  ['start', { name: 'TAP Tests', level: 0 }],
  ['start', { name: 'a.test.ts', level: 1 }],
  ['start', { name: 'inner', level: 2 }],
  ['pass', { ok: true, fullname: 'a.test.ts > inner > is one' }],
  [
    'fail',
    {
      ok: false,
      fullname: 'a.test.ts > inner > is two',
      diag: { at: { fileName: 'a.test.ts', lineNumber: 3 }, diff: '-1\n+2' },
    },
  ],
  ['end', { name: 'inner', level: 2, ok: false }],
  ['skip', { ok: true, fullname: 'a.test.ts > behind nginx', skip: 'nginx is not installed' }],
  ['skip', { ok: true, fullname: 'a.test.ts > before nginx', skip: 'nginx is not installed' }],
  ['skip', { ok: true, fullname: 'a.test.ts > silent', skip: true }],
  ['todo', { ok: true, fullname: 'a.test.ts > open', todo: 'later' }],
  ['end', { fullname: 'a.test.ts', level: 1, ok: false, assertions: 6, time: 1234.5 }],
  ['start', { name: 'b.test.ts', level: 1 }],
  ['pass', { ok: true, fullname: 'b.test.ts > is one' }],
  ['end', { fullname: 'b.test.ts', level: 1, ok: false, assertions: 1, time: 10, diag: { exitCode: 1 } }],
  ['end', { name: 'TAP Tests', level: 0, ok: false }],
];

function readEvents(lines: readonly string[]) {
  const files: EndedFile[] = [];
  const reader = createTapReader((file) => files.push(file));
  for (const line of lines) reader.line(line);
  return { ...reader.report(), endedFiles: files };
}

t.test('a run is counted by its leaves, and a suite that fails without one counts too', async (t) => {
  const report = readEvents(EVENTS.map((event) => JSON.stringify(event)));
  t.match(report, { ended: true, files: 2, tally: { passed: 2, failed: 2, skipped: 4 } });
  t.same(
    report.failures.map(({ name }) => name),
    ['a.test.ts > inner > is two', 'b.test.ts'],
  );
  const [first] = report.failures;
  if (first !== undefined)
    t.equal(describeFailure(first), 'FAILED  a.test.ts > inner > is two (a.test.ts:3)\n    -1\n    +2');
});

t.test('each file is reported at its end, with its assertions and its time', async (t) => {
  t.same(readEvents(EVENTS.map((event) => JSON.stringify(event))).endedFiles, [
    { name: 'a.test.ts', ok: false, assertions: 6, milliseconds: 1234.5 },
    { name: 'b.test.ts', ok: false, assertions: 1, milliseconds: 10 },
  ]);
});

t.test('skipped tests are listed by reason, and missing real parts are named', async (t) => {
  t.equal(
    describeSkips(readEvents(EVENTS.map((event) => JSON.stringify(event))).skips),
    `SKIPPED  2: nginx is not installed
    a.test.ts > behind nginx
    a.test.ts > before nginx
SKIPPED  1: no reason given
    a.test.ts > silent
SKIPPED  1: to do: later
    a.test.ts > open
NOT TESTED with these real parts, which are missing: nginx`,
  );
  t.equal(describeSkips([]), '');
});

t.test('a stream that breaks off has not ended, and other text is passed over', async (t) => {
  const lines = EVENTS.slice(0, 4).map((event) => JSON.stringify(event));
  t.match(readEvents(lines), { ended: false, files: 0, tally: { passed: 1, failed: 0 } });
  for (const text of ['', 'no tests', '{}', 'null', '[]', '["pass"]', '["pass",null]'])
    t.match(readEvents([text]), { ended: false, tally: { passed: 0 } }, text);
});
