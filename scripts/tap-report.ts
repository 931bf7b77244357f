/** Reads what `tap --reporter=jsonstream` writes: one JSON event per line, suites nested by `start` and `end`. */

/** How many cases ended how. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A case, or a suite that failed without a failing case (a crash, a timeout, a broken plan). */
export interface Failure {
  readonly name: string;
  readonly diagnostics: Readonly<Record<string, unknown>>;
}

/** A case that was not tried, and why. */
export interface Skip {
  readonly name: string;
  readonly reason: string;
}

/** The whole run. */
export interface TapReport {
  readonly ended: boolean;
  readonly files: number;
  readonly tally: Tally;
  readonly skips: readonly Skip[];
  readonly failures: readonly Failure[];
  readonly skips: readonly Skip[];
}

interface Entry {
  readonly level?: number;
  readonly ok?: boolean;
  readonly fullname?: string;
  readonly name?: string;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
  readonly diag?: Readonly<Record<string, unknown>>;
  readonly time?: number;
  readonly assertions?: number;
}

/** Takes the lines of the stream in their order; `onFile` hears of each test file at its end. */
export function createTapReader(onFile: (file: EndedFile) => void) {
  const failures: Failure[] = [];
  const skips: Skip[] = [];
  const tally = { passed: 0, failed: 0, skipped: 0 };
  const visit = (suite: Entry): void => {
    const before = tally.failed;
    for (const inner of suite.suites ?? []) visit(inner);
    for (const one of suite.cases ?? []) {
      if (one.skip || one.todo) skip(one);
      else if (one.ok) tally.passed += 1;
      else fail(one);
    }
    if (suite.ok === false && tally.failed === before) fail(suite);
  };
  const skip = (entry: Entry): void => {
    tally.skipped += 1;
    const reason = [entry.skip, entry.todo].find((each) => typeof each === 'string') ?? 'no reason is given';
    skips.push({ name: entry.fullname ?? entry.name ?? '(no name)', reason: String(reason) });
  };
  const fail = (entry: Entry): void => {
    failures.push({ name: nameOf(entry), diagnostics: entry.diag ?? {} });
  };
  visit(root);
  return { files: root.suites?.length ?? 0, tally, skips, failures };
}

/** A test file that ended. */
export interface EndedFile {
  readonly ok: boolean;
  readonly name: string;
  readonly seconds: string;
}

/**
 * The files that ended, from the TAP of a run that goes on: `ok 3 - test/a.test.ts # time=12.3ms` at the beginning of a line.
 * @param text without the line that is not whole yet
 */
export function endedFiles(text: string): readonly EndedFile[] {
  const line = /^(not )?ok \d+ - (test\/\S+)(?: # time=([\d.]+)ms)?/gm;
  return [...text.matchAll(line)].map(([, not, name = '', time = '0']) => ({
    ok: not === undefined,
    name,
    seconds: (Number(time) / 1000).toFixed(1),
  }));
}

/** A failure for people: its name, where it is, and what differs. */
export function describeFailure({ name, diagnostics }: Failure): string {
  const { at, source, diff, ...rest } = diagnostics;
  const shown = Object.entries(rest)
    .filter(([key]) => !HIDDEN.has(key))
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value.trimEnd() : JSON.stringify(value)}`);
  const texts = [source, diff].filter((text) => typeof text === 'string').map((text) => text.trimEnd());
  const body = [...texts, ...shown].join('\n').replace(/^/gm, '    ');
  return `FAILED  ${name}${placeOf(at)}\n${body}`;
}

/** Diagnostics that say how tap works, not what went wrong. */
const HIDDEN = new Set(['stdio', 'cwd', 'externalID', 'command', 'args', 'jobId', 'compare']);

function placeOf(at: unknown): string {
  if (typeof at !== 'object' || at === null || !('fileName' in at) || !('lineNumber' in at)) return '';
  return ` (${at.fileName}:${at.lineNumber})`;
}

function nameOf({ fullname, name = '(no name)' }: Entry): string {
  return fullname ?? name;
}

function reasonOf({ skip, todo }: Entry): string {
  if (typeof skip === 'string') return skip;
  if (todo === undefined) return 'no reason given';
  return typeof todo === 'string' ? `to do: ${todo}` : 'to do';
}

function parseEvent(text: string): [kind: string, entry: Entry] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && typeof value[0] === 'string' && isEntry(value[1]))
      return [value[0], value[1]];
  } catch {
    // Text of another source, for example a warning.
  }
  return ['', {}];
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null;
}
