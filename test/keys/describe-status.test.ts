import t from 'tap';
import { describeStatus } from '../../src/keys/describe-status.ts';
import { createTally, type KeySetStatus } from '../../src/keys/key-set-status.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const status = (changes: Partial<KeySetStatus>): KeySetStatus => ({
  name: 'corp',
  ready: true,
  state: 'fresh',
  keys: 2,
  obtainedAt: NOW - 123_000,
  usableUntil: NOW + 60_000,
  failures: 0,
  cause: null,
  failure: null,
  nextTryAt: NOW + 10_000,
  counts: { ...createTally(), attempts: 3 },
  ...changes,
});
const counters = (attempts: number, failed: number): string =>
  `attempts ${attempts}, failed ${failed}, look-ups 0, unknown ids 0, judged stale 0, withdrawn 0`;
const failing = { failures: 1, cause: 'https://issuer.test/jwks answered with status 500' };

const LINES: readonly [name: string, changes: Partial<KeySetStatus>, line: string][] = [
  ['fresh', {}, `fresh, 2 keys, obtained 123 s ago, next try in 10 s; ${counters(3, 0)}`],
  [
    'stale',
    { ...failing, state: 'stale' },
    `stale, 2 keys, obtained 123 s ago, next try in 10 s; 1 failed attempt: ${failing.cause}; held until 2026-05-01T12:01:00.000Z; ${counters(3, 0)}`,
  ],
  [
    'stale for as long as it takes',
    { ...failing, state: 'stale', usableUntil: Number.POSITIVE_INFINITY },
    `stale, 2 keys, obtained 123 s ago, next try in 10 s; 1 failed attempt: ${failing.cause}; ${counters(3, 0)}`,
  ],
  [
    'without keys',
    { ...failing, failures: 2, state: 'waiting', keys: 0, obtainedAt: null },
    `waiting, 0 keys, next try in 10 s; 2 failed attempts: ${failing.cause}; ${counters(3, 0)}`,
  ],
  [
    'after a step of the clock',
    { obtainedAt: NOW + 5000, nextTryAt: NOW - 5000 },
    `fresh, 2 keys, obtained 0 s ago, next try in 0 s; ${counters(3, 0)}`,
  ],
  ['nothing planned', { nextTryAt: null }, `fresh, 2 keys, obtained 123 s ago; ${counters(3, 0)}`],
];
for (const [name, changes, line] of LINES) {
  t.test(name, async (t) => {
    t.equal(describeStatus(status(changes), NOW), line);
  });
}

t.test('it is one line, whatever a provider answered', async (t) => {
  const line = describeStatus(status({ failures: 1, cause: 'a\r\n[+]corp fresh\u2028\u0007b' }), NOW);
  t.match(line, /: a \[\+\]corp fresh b; /);
  t.notMatch(line, /[\r\n\u2028]/);
});
