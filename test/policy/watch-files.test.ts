/** Real files, real directories: the ways in which editors and Kubernetes change a file. */
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { fingerprintOf, watchFiles } from '../../src/policy/watch-files.ts';

/** Counts calls and lets a test wait for the next one. */
function changes() {
  let count = 0;
  let waiting: (() => void) | undefined;
  return {
    count: () => count,
    onChange: () => {
      count += 1;
      waiting?.();
    },
    next: () =>
      new Promise<void>((resolve) => {
        waiting = resolve;
      }),
  };
}

const neverPoll = { settle: 20, poll: 60_000 };

function setUp(t: Test, timing = neverPoll) {
  const directory = t.testdir({ 'a.yaml': 'one', 'b.json': 'two' });
  const a = join(directory, 'a.yaml');
  const b = join(directory, 'b.json');
  const seen = changes();
  const prints = new Map([
    [a, fingerprintOf('one')],
    [b, fingerprintOf('two')],
  ]);
  const watch = watchFiles(prints, seen.onChange, timing);
  // Nothing else holds the process while a watch is awaited.
  const hold = setInterval(() => {}, 1000);
  t.teardown(() => {
    clearInterval(hold);
    watch.close();
  });
  return { directory, a, b, seen, watch };
}

t.test('a file written in place is told once', async (t) => {
  const { a, seen } = setUp(t);
  const told = seen.next();
  writeFileSync(a, 'on');
  writeFileSync(a, 'one and more');
  await told;
  t.equal(seen.count(), 1);
});

t.test('a file replaced by rename is told', async (t) => {
  const { directory, b, seen } = setUp(t);
  const told = seen.next();
  writeFileSync(join(directory, '.b.swp'), 'other');
  renameSync(join(directory, '.b.swp'), b);
  await told;
  t.equal(seen.count(), 1);
});

t.test('a Kubernetes ..data swap is told', async (t) => {
  const directory = t.testdir({ '..1': { 'p.yaml': 'one' }, '..2': { 'p.yaml': 'two' } });
  symlinkSync('..1', join(directory, '..data'));
  symlinkSync('..data/p.yaml', join(directory, 'p.yaml'));
  const seen = changes();
  const watch = watchFiles(
    new Map([[join(directory, 'p.yaml'), fingerprintOf('one')]]),
    seen.onChange,
    neverPoll,
  );
  t.teardown(() => watch.close());
  const told = seen.next();
  symlinkSync('..2', join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
  const hold = setInterval(() => {}, 1000);
  await told;
  clearInterval(hold);
  t.equal(seen.count(), 1);
});

t.test('a link to a file elsewhere tells when that file changes', async (t) => {
  const directory = t.testdir({ conf: {}, store: { real: 'one' } });
  const link = join(directory, 'conf', 'p.yaml');
  symlinkSync(join(directory, 'store', 'real'), link);
  const seen = changes();
  const watch = watchFiles(new Map([[link, fingerprintOf('one')]]), seen.onChange, { settle: 20, poll: 50 });
  t.teardown(() => watch.close());
  const hold = setInterval(() => {}, 1000);
  const told = seen.next();
  writeFileSync(join(directory, 'store', 'real'), 'two');
  await told;
  clearInterval(hold);
  t.pass('told');
});

t.test('a file that goes and one that comes are told', async (t) => {
  const { a, seen } = setUp(t);
  const gone = seen.next();
  rmSync(a);
  await gone;
  const back = seen.next();
  writeFileSync(a, 'one');
  await back;
  t.equal(seen.count(), 2);
});

t.test('a change between reading and watching is found', async (t) => {
  const directory = t.testdir({ p: 'new' });
  const seen = changes();
  const told = seen.next();
  const watch = watchFiles(new Map([[join(directory, 'p'), fingerprintOf('old')]]), seen.onChange, neverPoll);
  t.teardown(() => watch.close());
  const hold = setInterval(() => {}, 1000);
  await told;
  clearInterval(hold);
  t.equal(seen.count(), 1);
});

t.test('a touched file with equal content is not told, and a real change after it is', async (t) => {
  const { a, b, seen } = setUp(t);
  utimesSync(a, new Date(0), new Date(0));
  writeFileSync(a, 'one');
  const told = seen.next();
  writeFileSync(b, 'changed');
  await told;
  t.equal(seen.count(), 1);
});

t.test('the poll finds what no event tells', async (t) => {
  const directory = t.testdir({});
  const seen = changes();
  const missing = join(directory, 'later', 'p.yaml');
  const watch = watchFiles(new Map([[missing, '']]), seen.onChange, { settle: 20, poll: 30 });
  t.teardown(() => watch.close());
  const hold = setInterval(() => {}, 1000);
  const told = seen.next();
  mkdirSync(join(directory, 'later'));
  writeFileSync(missing, 'here');
  await told;
  clearInterval(hold);
  t.equal(seen.count(), 1);
});

t.test('follow takes other files, and close ends all calls', async (t) => {
  const { directory, a, b, seen, watch } = setUp(t, { settle: 20, poll: 30 });
  const c = join(directory, 'c');
  writeFileSync(c, 'three');
  watch.follow(new Map([[c, fingerprintOf('three')]]));
  const told = seen.next();
  writeFileSync(a, 'no longer ours');
  writeFileSync(c, 'four');
  await told;
  t.equal(seen.count(), 1);
  watch.close();
  writeFileSync(c, 'five');
  writeFileSync(b, 'six');
  watch.follow(new Map([[c, '']]));
  await new Promise((resolve) => setTimeout(resolve, 120));
  t.equal(seen.count(), 1);
});
