/** Rates as they are written, `100/1m`: so many in a time. A budget of that many, which fills up again within that time. */
import { formatDuration, parseDuration } from './reading/amounts.ts';

export interface Rate {
  /** How many there may be at once. */
  readonly count: number;
  /** Milliseconds in which as many come back. */
  readonly period: number;
}

/** Bounds of both parts. */
export const RATE_BOUNDS = { count: [1, 1_000_000], period: [1000, 24 * 3_600_000] } as const;

const RATE = /^(\d{1,15})\/(\d{1,15}(?:ms|s|m|h))$/;

/** `100/1m` or `5/10s`, whatever its bounds; null for anything else. */
export function parseRate(text: string): Rate | null {
  const [, count = '', time = ''] = RATE.exec(text) ?? [];
  const period = parseDuration(time);
  return count === '' || period === null ? null : { count: Number(count), period };
}

/** The rate as one would write it. */
export function formatRate({ count, period }: Rate): string {
  return `${count}/${formatDuration(period)}`;
}
