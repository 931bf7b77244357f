/**
 * One line about a key set for `/readyz?verbose`: may name the provider's addresses, since only operators see it, and
 * holds no line break, whatever a provider answered.
 */
import type { KeySetStatus } from './key-set-status.ts';

/** State, keys and their age, trouble and when it is tried again, then all counters. */
export function describeStatus(status: KeySetStatus, now: number): string {
  const { state, keys, obtainedAt, nextTryAt, counts } = status;
  const parts = [
    state,
    `${keys} keys`,
    ...(obtainedAt === null ? [] : [`obtained ${seconds(now - obtainedAt)} s ago`]),
    ...(nextTryAt === null ? [] : [`next try in ${seconds(nextTryAt - now)} s`]),
  ];
  const text = `${parts.join(', ')}${troubleOf(status)}; ${countersOf(counts)}`;
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

function troubleOf({ state, failures, cause, usableUntil }: KeySetStatus): string {
  if (failures === 0 || cause === null) return '';
  const until =
    state === 'stale' && Number.isFinite(usableUntil)
      ? `; held until ${new Date(usableUntil).toISOString()}`
      : '';
  return `; ${failures} failed ${failures === 1 ? 'attempt' : 'attempts'}: ${cause}${until}`;
}

function countersOf(counts: KeySetStatus['counts']): string {
  const { attempts, failures, lookUps, unknown, stale, withdrawn } = counts;
  return `attempts ${attempts}, failed ${failures}, look-ups ${lookUps}, unknown ids ${unknown}, judged stale ${stale}, withdrawn ${withdrawn}`;
}

function seconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds / 1000));
}
