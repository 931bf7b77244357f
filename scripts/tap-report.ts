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

/** A test that did not run, and the reason it gave. */
export interface Skip {
  readonly name: string;
  readonly reason: string;
}

/** A test file that has ended. */
export interface EndedFile {
  readonly name: string;
  readonly ok: boolean;
  readonly assertions: number;
  readonly milliseconds: number;
}

/** The whole run so far; `ended` is false until tap has reported the end of the run. */
export interface TapReport {
  readonly ended: boolean;
  readonly files: number;
  readonly tally: Tally;
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
  /** The number of failures at the start of each suite that is open. */
  const open: number[] = [];
  let passed = 0;
  let files = 0;
  let ended = false;
  const fail = (entry: Entry): void => {
    failures.push({ name: nameOf(entry), diagnostics: entry.diag ?? {} });
  };
  const skip = (entry: Entry): void => {
    skips.push({ name: nameOf(entry), reason: reasonOf(entry) });
  };
  const end = (entry: Entry): void => {
    if (entry.ok === false && failures.length === open.pop()) fail(entry);
    if (entry.level === 0) ended = true;
    if (entry.level !== 1) return;
    files += 1;
    const { ok = true, assertions = 0, time = 0 } = entry;
    onFile({ name: nameOf(entry), ok, assertions, milliseconds: time });
  };
  const events: Record<string, (entry: Entry) => void> = {
    start: () => open.push(failures.length),
    pass: () => {
      passed += 1;
    },
    fail,
    skip,
    todo: skip,
    end,
  };
  return {
    /** Takes one line; what is no event of tap's is passed over. */
    line(text: string): void {
      const [kind, entry] = parseEvent(text);
      events[kind]?.(entry);
    },
    report(): TapReport {
      return {
        ended,
        files,
        tally: { passed, failed: failures.length, skipped: skips.length },
        failures,
        skips,
      };
    },
  };
}

/** Programs the tests use when they are installed; without them a real part goes untested. */
const REAL_PARTS = [
  'nginx',
  'chromium',
  'redis-server',
  'dockerd',
  'mmdebstrap',
  'docker-compose',
  'haproxy',
  'curl',
  'older Node',
];

/** The skipped tests by reason, then the real parts that were missing; empty without any. */
export function describeSkips(skips: readonly Skip[]): string {
  const lines: string[] = [];
  for (const [reason, group] of Map.groupBy(skips, (skip) => skip.reason)) {
    lines.push(`SKIPPED  ${group.length}: ${reason}`);
    for (const { name } of group) lines.push(`    ${name}`);
  }
  const missing = REAL_PARTS.filter((part) => skips.some(({ reason }) => reason.includes(part)));
  if (missing.length > 0)
    lines.push(`NOT TESTED with these real parts, which are missing: ${missing.join(', ')}`);
  return lines.join('\n');
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
