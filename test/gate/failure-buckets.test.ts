import t from 'tap';
import { FailureBuckets } from '../../src/gate/failure-buckets.ts';

const START = 1_800_000_000_000;
const rate = { count: 5, period: 10_000 };

/** Takes so many, and says how often that was news. */
function takeMany(buckets: FailureBuckets, peer: string, times: number, now = START): number {
  let news = 0;
  for (let i = 0; i < times; i += 1) if (buckets.take(peer, now)) news += 1;
  return news;
}

t.test('a bucket holds as many as the rate counts, each peer its own', async (t) => {
  const buckets = new FailureBuckets(rate);
  t.equal(buckets.someEmpty(START), false);
  t.equal(takeMany(buckets, 'a', 4), 0);
  t.equal(buckets.wait('a', START), 0);
  t.equal(buckets.someEmpty(START), false, 'nobody is asked who they are while none is empty');
  t.equal(takeMany(buckets, 'a', 1), 1);
  t.equal(buckets.wait('a', START), 2000);
  t.equal(buckets.someEmpty(START), true);
  t.equal(buckets.wait('b', START), 0);
  t.equal(buckets.size, 1);
});

t.test('one comes back after its share of the time, all after the whole', async (t) => {
  const buckets = new FailureBuckets(rate);
  takeMany(buckets, 'a', 5);
  t.equal(Math.round(buckets.wait('a', START + 1999)), 1);
  t.equal(buckets.wait('a', START + 2000), 0);
  t.equal(buckets.someEmpty(START + 2000), false);
  buckets.take('a', START + 2000);
  t.equal(buckets.wait('a', START + 2000), 2000, 'that one only');
  t.equal(takeMany(buckets, 'a', 4, START + 12_000), 0);
  t.equal(buckets.wait('a', START + 12_000), 0);
});

t.test('shares that are no whole milliseconds come back too', async (t) => {
  for (const count of [3, 7, 60, 999]) {
    const buckets = new FailureBuckets({ count, period: 10_000 });
    t.equal(takeMany(buckets, 'a', count - 1), 0);
    t.equal(buckets.wait('a', START), 0, `${count - 1} of ${count}`);
    buckets.take('a', START);
    const wait = buckets.wait('a', START);
    t.ok(Math.abs(wait - 10_000 / count) < 0.01, `${wait}`);
    t.equal(buckets.wait('a', START + Math.ceil(wait)), 0);
  }
});

t.test('what was under way when it emptied is made up for, but not without end', async (t) => {
  const buckets = new FailureBuckets(rate);
  takeMany(buckets, 'a', 5 + 66);
  t.equal(buckets.wait('a', START), 67 * 2000, 'in the long run as many as the rate says');
  takeMany(buckets, 'a', 10_000);
  t.equal(buckets.wait('a', START), 129 * 2000);
  const wide = new FailureBuckets({ count: 1000, period: 60_000 });
  takeMany(wide, 'a', 5000);
  t.equal(wide.wait('a', START), 1001 * 60, 'never more than twice the period for wide ones');
});

t.test('that it is empty is news once, until it has been full', async (t) => {
  const buckets = new FailureBuckets(rate);
  t.equal(takeMany(buckets, 'a', 20), 1);
  let now = START + 40_000;
  for (let i = 0; i < 50; i += 1) {
    t.equal(buckets.take('a', now), false);
    now += 2000;
  }
  now += 20_000;
  t.equal(takeMany(buckets, 'a', 5, now), 1);
});

t.test('a clock that is set does no harm', async (t) => {
  const buckets = new FailureBuckets(rate);
  takeMany(buckets, 'a', 5);
  const back = START - 86_400_000;
  t.equal(buckets.wait('a', back), 2000, 'back: no time has passed');
  t.equal(buckets.wait('a', back + 2000), 0);
  buckets.take('a', back + 2000);
  t.equal(buckets.wait('a', START * 2), 0, 'on: as if it had passed');
  t.equal(buckets.someEmpty(START * 2), false);
  takeMany(buckets, 'b', 5, START);
  t.equal(buckets.someEmpty(START), true);
  t.equal(buckets.wait('b', START), 2000);
});

t.test('D9 the table is bounded, and 50,000 peers do not make it forget an empty bucket', async (t) => {
  const buckets = new FailureBuckets({ count: 5, period: 3_600_000 });
  for (let i = 0; i < 20; i += 1) takeMany(buckets, `attacker-${i}`, 5);
  for (let i = 0; i < 50_000; i += 1) {
    buckets.take(`peer-${i}`, START + i);
    if (i % 1000 === 0) t.ok(buckets.size <= 10_000, `${buckets.size}`);
  }
  t.equal(buckets.size, 10_000);
  const now = START + 50_000;
  for (let i = 0; i < 20; i += 1) t.ok(buckets.wait(`attacker-${i}`, now) > 0, `attacker-${i}`);
  t.equal(buckets.wait('peer-1', now), 0);
});

t.test('the one that nobody took from for the longest goes, empty ones last', async (t) => {
  const buckets = new FailureBuckets(rate, 3);
  takeMany(buckets, 'empty', 5);
  takeMany(buckets, 'old', 4);
  takeMany(buckets, 'older', 4);
  buckets.take('new', START);
  t.equal(buckets.size, 3);
  t.ok(buckets.wait('empty', START) > 0, 'kept');
  buckets.take('older', START);
  t.ok(buckets.wait('older', START) > 0, 'kept');
  buckets.take('old', START);
  t.equal(buckets.wait('old', START), 0, 'gone, and so full again');
});

t.test('one that holds something again is kept no longer than others', async (t) => {
  const buckets = new FailureBuckets(rate, 3);
  takeMany(buckets, 'a', 5);
  takeMany(buckets, 'b', 5);
  const later = START + 4000;
  takeMany(buckets, 'c', 1, later);
  for (const peer of ['d', 'e', 'f']) buckets.take(peer, later);
  t.equal(buckets.size, 3);
  takeMany(buckets, 'a', 4, later);
  t.equal(buckets.wait('a', later), 0, 'gone');
});

t.test('where all are empty, the oldest of them goes', async (t) => {
  const buckets = new FailureBuckets(rate, 3);
  for (const peer of ['a', 'b', 'c', 'd']) takeMany(buckets, peer, 6);
  t.equal(buckets.size, 3);
  t.equal(['a', 'b', 'c', 'd'].filter((peer) => buckets.wait(peer, START) > 0).length, 3);
  t.ok(buckets.wait('d', START) > 0);
});

t.test('D9 with ten thousand empty buckets a newcomer costs no more than with ten', async (t) => {
  const few = new FailureBuckets(rate, 10);
  const many = new FailureBuckets(rate);
  for (let i = 0; i < 10; i += 1) takeMany(few, `peer-${i}`, 5);
  for (let i = 0; i < 10_000; i += 1) takeMany(many, `peer-${i}`, 5);
  const looksOf = (buckets: FailureBuckets) => looksDuring(() => buckets.take('newcomer', START));
  const looks = looksOf(few);
  t.ok(looks > 0 && looks < 10, `${looks}`);
  t.equal(looksOf(many), looks);
});

/** How many entries of maps are looked at in turn while something is done. */
function looksDuring(deed: () => unknown): number {
  const iterator = Object.getPrototypeOf(new Map().entries());
  const { next } = iterator;
  let looks = 0;
  iterator.next = function (this: MapIterator<unknown>) {
    looks += 1;
    return next.call(this);
  };
  try {
    deed();
  } finally {
    iterator.next = next;
  }
  return looks;
}
