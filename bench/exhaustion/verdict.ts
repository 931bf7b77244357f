/** What is asked of the gateway under attack, and whether it was so. */
import type { Served } from './caller.ts';
import type { Played } from './play.ts';

const MIB = 1024 * 1024;
/** Connections to the upstream and of probes that may be left open for a while. */
const LEFT_DESCRIPTORS = 64;
/** `refresh.cooldown` in seconds, and the look-ups that may follow each other at once (src/keys/look-up-grants.ts). */
const COOLDOWN = 10;
const LOOK_UPS = 4;

/** The line of the table, and what was not as asked for. */
export interface Verdict {
  readonly name: string;
  readonly what: string;
  readonly unit: string;
  readonly count: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly good: { readonly sent: number; readonly good: number; readonly failures: Served['failures'] };
  /** Milliseconds. */
  readonly p99: { readonly quiet: number; readonly attacked: number; readonly ratio: number };
  readonly p50: { readonly quiet: number; readonly attacked: number };
  readonly mebibytes: {
    readonly before: number;
    readonly most: number;
    readonly after: number | null;
    readonly bound: number;
  };
  readonly descriptors: {
    readonly before: number;
    readonly most: number;
    readonly after: number | null;
    readonly bound: number;
  };
  readonly cpuMicrosecondsPerUnit: number;
  readonly probes: { readonly asked: number; readonly failed: number; readonly slowest: number };
  readonly fetches: { readonly counted: number; readonly bound: number };
  readonly violations: readonly string[];
}

/** @param factor how many times its quiet value the good caller's 99th percentile may be */
export function judge(played: Played, factor: number): Verdict {
  const { attack, attacked, during, before, after, watched, sizeBefore, sizeAfter } = played;
  const quiet = [...before.times, ...after.times].sort((one, other) => one - other);
  const p99 = { quiet: rank(quiet, 0.99), attacked: rank(during.times, 0.99) };
  const ratio = p99.attacked / p99.quiet;
  const mebibytes = {
    before: toMebibytes(sizeBefore.bytes),
    most: toMebibytes(watched.mostBytes),
    after: sizeAfter === null ? null : toMebibytes(sizeAfter.bytes),
    bound: toMebibytes(sizeBefore.bytes) + attack.mostMebibytes,
  };
  const descriptors = {
    before: sizeBefore.descriptors,
    most: watched.mostDescriptors,
    after: sizeAfter?.descriptors ?? null,
    bound: sizeBefore.descriptors + attack.mostDescriptors,
  };
  const fetches = { counted: played.fetches, bound: LOOK_UPS + Math.ceil(played.seconds / COOLDOWN) };
  const windows = [before, during, after];
  const problems = {
    'the process ended': !played.alive,
    'it wrote to standard error': played.complaints !== '',
    'the good caller was not served': windows.some(({ sent, good }) => good < sent || sent === 0),
    'the good caller waited too long': !(ratio <= factor),
    'too much memory': mebibytes.most > mebibytes.bound,
    'too many descriptors': descriptors.most > descriptors.bound,
    'descriptors were not given back': (descriptors.after ?? 0) > sizeBefore.descriptors + LEFT_DESCRIPTORS,
    'the probe did not answer': watched.failedProbes > 0 || watched.probes === 0,
    'keys were fetched too often': fetches.counted > fetches.bound,
    'there was no attack': attacked.count === 0 || attack.expects.some((what) => !(what in attacked.answers)),
  };
  return {
    name: attack.name,
    what: attack.what,
    unit: attack.unit,
    count: attacked.count,
    answers: attacked.answers,
    good: {
      sent: windows.reduce((sum, { sent }) => sum + sent, 0),
      good: windows.reduce((sum, { good }) => sum + good, 0),
      failures: during.failures,
    },
    p99: { quiet: rounded(p99.quiet), attacked: rounded(p99.attacked), ratio: rounded(ratio) },
    p50: { quiet: rounded(rank(quiet, 0.5)), attacked: rounded(rank(during.times, 0.5)) },
    mebibytes,
    descriptors,
    cpuMicrosecondsPerUnit: rounded(played.cpuPerUnit),
    probes: { asked: watched.probes, failed: watched.failedProbes, slowest: rounded(watched.slowestProbe) },
    fetches,
    violations: Object.entries(problems).flatMap(([name, found]) => (found ? [name] : [])),
  };
}

/** Of numbers in order; NaN of none, which is within no bound. */
function rank(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

function toMebibytes(bytes: number): number {
  return Math.round(bytes / MIB);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
