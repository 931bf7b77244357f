import t from 'tap';
import { someAtATime } from '../src/some-at-a-time.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test(
  'D1 what comes all at once is done some at a time, in order, with turns for others in between',
  async (t) => {
    const hand = someAtATime(50);
    const done: number[] = [];
    for (let work = 0; work < 120; work += 1) hand(() => done.push(work));
    t.equal(done.length, 0, 'nothing at once');
    const counts: number[] = [];
    while (done.length < 120) {
      await turn();
      counts.push(done.length);
    }
    t.strictSame(counts, [50, 100, 120]);
    t.strictSame(
      done,
      Array.from({ length: 120 }, (_, work) => work),
    );
  },
);

t.test('work that makes work, and work that comes later, is done', async (t) => {
  const hand = someAtATime(2);
  const done: string[] = [];
  hand(() => {
    done.push('first');
    hand(() => done.push('from the first'));
  });
  await turn();
  await turn();
  t.strictSame(done, ['first', 'from the first']);
  hand(() => done.push('later'));
  await turn();
  t.strictSame(done, ['first', 'from the first', 'later']);
});
