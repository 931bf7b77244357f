import t from 'tap';
import { createBucket, freshFor, maxAgeOf, pauseAfter } from '../../src/keys/schedule.ts';
import { refreshDefaults } from '../fixtures/issuer-policy.ts';

t.test('S20 what an answer says of its age is read, and clamped between cooldown and interval', async (t) => {
  const vectors: readonly (readonly [string | null, string | null, number | null])[] = [
    [null, null, null],
    ['max-age=60', null, 60_000],
    ['public, Max-Age=60, must-revalidate', null, 60_000],
    ['max-age="60"', null, 60_000],
    ['max-age=60', '20', 40_000],
    ['max-age=60', '90', 0],
    ['max-age=60', 'soon', 60_000],
    ['max-age=60', '20 or so', 60_000],
    ['max-age=60', 'about 20', 60_000],
    ['max-age=60', '-20', 60_000],
    ['max-age=0', null, 0],
    ['no-cache', null, 0],
    ['max-age=60, no-store', null, 0],
    ['max-age=-5', null, null],
    ['max-age=garbage', null, null],
    ['s-maxage=60', null, null],
    ['max-age=31536000', null, 31_536_000_000],
    ['max-age=99999999999999999999', null, null],
  ];
  for (const [cacheControl, age, expected] of vectors) {
    t.equal(maxAgeOf(cacheControl, age), expected, `${cacheControl} ${age}`);
  }
  t.equal(freshFor(null, refreshDefaults, 0), 600_000);
  t.equal(freshFor(60_000, refreshDefaults, 0), 60_000);
  t.equal(freshFor(0, refreshDefaults, 0), 60_000, 'what forbids caching is not asked for every ten seconds');
  t.equal(freshFor(1000, refreshDefaults, 0), 10_000);
  t.equal(freshFor(0, { ...refreshDefaults, interval: 30_000 }, 0), 30_000);
  t.equal(freshFor(31_536_000_000, refreshDefaults, 0), 600_000);
  t.equal(freshFor(60_000, refreshDefaults, 1), 54_000, 'spread downwards only');
});

t.test('pauses double within bounds', async (t) => {
  const pauses = (held: boolean): number[] =>
    [1, 2, 3, 4, 5, 6, 100].map((failures) => pauseAfter(failures, refreshDefaults, held, 0.5));
  t.same(pauses(false), [1000, 2000, 4000, 5000, 5000, 5000, 5000]);
  t.same(pauses(true), [10_000, 20_000, 40_000, 60_000, 60_000, 60_000, 60_000]);
  t.equal(pauseAfter(1, refreshDefaults, true, 0), 7500);
  t.equal(pauseAfter(1, refreshDefaults, true, 1), 12_500);
  t.equal(pauseAfter(9, { ...refreshDefaults, interval: 5000, cooldown: 20_000 }, true, 0.5), 20_000);
});

t.test('a bucket grants four at once and one back each ten seconds', async (t) => {
  const bucket = createBucket(4, 10_000);
  const taken = (now: number): number => {
    let count = 0;
    while (bucket.take(now)) count += 1;
    return count;
  };
  t.equal(taken(1_000_000), 4);
  t.equal(bucket.wait(1_000_000), 10_000);
  t.equal(bucket.wait(1_009_000), 1000);
  t.equal(taken(1_009_999), 0);
  t.equal(taken(1_010_000), 1);
  t.equal(taken(1_029_000), 1);
  t.equal(bucket.wait(1_029_000), 1000, 'the part of a period that passed is kept');
  t.equal(taken(9_000_000), 4, 'never more than four');
});

t.test(
  'a period begins when the first is taken from a full bucket, and what is given back is one',
  async (t) => {
    const bucket = createBucket(2, 10_000);
    t.ok(bucket.take(1_004_000));
    t.ok(bucket.take(1_004_000));
    t.equal(bucket.wait(1_004_000), 10_000);
    bucket.giveBack();
    t.equal(bucket.wait(1_004_000), 0);
    t.ok(bucket.take(1_004_000));
    t.notOk(bucket.take(1_004_000), 'one was given back, not all');
    bucket.giveBack();
    bucket.giveBack();
    bucket.giveBack();
    t.ok(bucket.take(1_004_000));
    t.ok(bucket.take(1_004_000));
    t.notOk(bucket.take(1_004_000), 'never more than it holds');
  },
);

t.test('J47 a clock that jumps back grants nothing and locks nobody out', async (t) => {
  const bucket = createBucket(1, 10_000);
  t.ok(bucket.take(10_000_000));
  t.notOk(bucket.take(6_400_000));
  t.equal(bucket.wait(6_400_000), 10_000);
  t.ok(bucket.take(6_410_000));
});
