/** The resident size of a process over time, and how fast it grows. */
import { readFileSync } from 'node:fs';

const MIB = 1024 * 1024;

/** A resident size, and when it was read. */
export interface Sample {
  /** Milliseconds since the start of the run. */
  readonly at: number;
  readonly bytes: number;
}

/** Resident bytes of a process (Linux). */
export function residentBytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kilobytes) * 1024;
}

/** Growth in MiB per minute by least squares over the samples from `since` on; null for fewer than three. */
export function slopeOf(samples: readonly Sample[], since: number): number | null {
  const points = samples
    .filter(({ at }) => at >= since)
    .map(({ at, bytes }) => [at / 60_000, bytes / MIB] as const);
  if (points.length < 3) return null;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
}
