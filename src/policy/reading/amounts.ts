/** Durations, sizes and moments as they are written, and back again for messages. */

const DURATION = /^(\d{1,15})(ms|s|m|h)$/;
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SIZE = /^(\d{1,15})(B|Ki|KiB|Mi|MiB|Gi|GiB)$/;
const BYTES: Readonly<Record<string, number>> = { B: 1, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 };

/** `500ms`, `30s`, `5m`, `1h` in milliseconds; null for anything else. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text);
  const unit = MILLISECONDS[match?.[2] ?? ''];
  return match === null || unit === undefined ? null : safe(Number(match[1]) * unit);
}

/** `512B`, `64Ki`, `64KiB`, `10MiB`, `1GiB` in bytes; null for anything else. */
export function parseSize(text: string): number | null {
  const match = SIZE.exec(text);
  const unit = BYTES[match?.[2]?.replace(/(?<=i)B$/, '') ?? ''];
  return match === null || unit === undefined ? null : safe(Number(match[1]) * unit);
}

function safe(amount: number): number | null {
  return Number.isSafeInteger(amount) ? amount : null;
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** A date (its first moment, UTC) or an RFC 3339 section 5.6 time, in epoch milliseconds; null for anything else. */
export function parseMoment(text: string): number | null {
  const match = DATE.exec(text) ?? DATE_TIME.exec(text);
  if (match === null) return null;
  const [year, month, day, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  if (hour > 23 || minute > 59 || second > 59) return null;
  // Date.parse takes 30 February for 2 March, so the day is looked at again.
  const date = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day ?? 0));
  if (date.getUTCMonth() + 1 !== month || date.getUTCDate() !== day) return null;
  const moment = Date.parse(text.toUpperCase());
  return Number.isNaN(moment) ? null : moment;
}

/** `90s`, `5m`: the largest unit that needs no fraction. */
export function formatDuration(milliseconds: number): string {
  return withUnit(milliseconds, [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ]);
}

/** `64KiB`, `10MiB`: the largest unit that needs no fraction. */
export function formatSize(bytes: number): string {
  return withUnit(bytes, [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
    ['B', 1],
  ]);
}

function withUnit(amount: number, units: readonly (readonly [string, number])[]): string {
  for (const [unit, factor] of units) {
    if (amount >= factor && amount % factor === 0) return `${amount / factor}${unit}`;
  }
  return `0${units.at(-2)?.[0]}`;
}
