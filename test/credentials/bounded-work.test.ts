import t from 'tap';
import { BoundedWork } from '../../src/credentials/bounded-work.ts';

/** Work that ends when it is told to. */
function piece() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const state = { begun: false };
  const work = () => {
    state.begun = true;
    return promise;
  };
  return { state, work, resolve, reject };
}

t.test('so many at once, so many waiting, and a no beyond', async (t) => {
  const bounded = new BoundedWork({ atOnce: 2, waiting: 1 });
  const [one, two, three, four, five] = [piece(), piece(), piece(), piece(), piece()];
  const first = bounded.run(one.work);
  const second = bounded.run(two.work);
  const third = bounded.run(three.work);
  t.equal(bounded.run(four.work), null);
  t.strictSame(
    [one, two, three, four].map((each) => each.state.begun),
    [true, true, false, false],
  );
  one.resolve('one');
  t.equal(await first, 'one');
  three.resolve('three');
  // Whoever comes while a place is handed over waits: it is not free.
  const fifth = bounded.run(five.work);
  t.equal(five.state.begun, false);
  t.equal(await third, 'three');
  two.resolve('two');
  five.resolve('five');
  t.strictSame(await Promise.all([second, fifth]), ['two', 'five']);
});

t.test('work that fails gives its place back', async (t) => {
  const bounded = new BoundedWork({ atOnce: 1, waiting: 1 });
  const [one, two] = [piece(), piece()];
  const first = bounded.run(one.work);
  const second = bounded.run(two.work);
  one.reject(new Error('broken'));
  two.resolve('two');
  await t.rejects(async () => first, { message: 'broken' });
  t.equal(await second, 'two');
  const three = piece();
  three.resolve('three');
  t.equal(await bounded.run(three.work), 'three');
});
