import t from 'tap';
import { TurnTaking } from '../src/turn-taking.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Turns whose clock moves only when a piece of work says that it took time. */
function begin() {
  let clock = 0;
  const turns = new TurnTaking(() => clock);
  const done: string[] = [];
  const bring = (peer: string, name: string, milliseconds = 0): void =>
    turns.take(peer, () => {
      clock += milliseconds;
      done.push(name);
    });
  const pass = (milliseconds: number): void => {
    clock += milliseconds;
  };
  return { bring, done, pass };
}

const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `a${from + index}`);

t.test('a peer has four begun at once, and what is more in the next turn, in order', async (t) => {
  const { bring, done } = begin();
  for (const name of numbered(10)) bring('a', name);
  t.strictSame(done, numbered(4));
  await turn();
  t.strictSame(done, numbered(10));
});

t.test('each turn grants four again', async (t) => {
  const { bring, done } = begin();
  for (const name of numbered(4)) bring('a', name);
  await turn();
  for (const name of numbered(4, 4)) bring('a', name);
  t.strictSame(done, numbered(8));
});

t.test('whoever brings little does not wait for whoever brings much', async (t) => {
  const { bring, done } = begin();
  for (const name of numbered(1000)) bring('a', name, 0.25);
  t.equal(done.length, 4);
  await turn();
  t.equal(done.length, 8, 'a share of the turn');
  bring('b', 'b0');
  t.equal(done.at(-1), 'b0', 'at once');
  await turn();
  t.equal(done.at(-1), 'a11', 'and the other one goes on');
});

t.test('D2 in a turn whose share is used up everybody waits, and they take turns', async (t) => {
  const { bring, done } = begin();
  bring('a', 'a0', 5);
  for (const name of ['a1', 'a2', 'a3']) bring('a', name);
  for (const name of ['b0', 'b1']) bring('b', name);
  bring('c', 'c0');
  t.strictSame(done, ['a0']);
  await turn();
  t.strictSame(done, ['a0', 'a1', 'b0', 'c0', 'a2', 'b1', 'a3']);
});

t.test('what a peer brings while some of it waits comes behind that', async (t) => {
  const { bring, done } = begin();
  for (const name of numbered(12)) bring('a', name, 0.5);
  t.equal(done.length, 2, 'the first two used the share up');
  await turn();
  t.equal(done.length, 4);
  bring('a', 'a12', 0.5);
  t.equal(done.length, 4, 'though nothing was begun in this turn');
  while (done.length < 13) await turn();
  t.strictSame(done, numbered(13));
});

t.test('work that brings work, and a long line, come to their end in order', async (t) => {
  const { bring, done } = begin();
  const turns = new TurnTaking(() => 0);
  const nested: string[] = [];
  turns.take('a', () => {
    nested.push('outer');
    turns.take('a', () => nested.push('inner'));
  });
  t.strictSame(nested, ['outer', 'inner']);
  for (const name of numbered(5000)) bring('a', name, 0.01);
  while (done.length < 5000) await turn();
  t.strictSame(done, numbered(5000));
});

t.test('a peer that is alone does not wait, until there is another one', async (t) => {
  const { bring, done, pass } = begin();
  bring('a', 'a0');
  await turn();
  pass(999);
  for (const name of numbered(9, 1)) bring('a', name);
  t.equal(done.length, 5, 'somebody else may have been here');
  await turn();
  await turn();
  pass(1);
  for (const name of numbered(20, 10)) bring('a', name);
  t.strictSame(done, numbered(30), 'all at once');
  bring('b', 'b0');
  for (const name of numbered(10, 30)) bring('a', name);
  t.equal(done.length, 35, 'it has four again');
  await turn();
  t.strictSame(
    done.filter((name) => name !== 'b0'),
    numbered(40),
  );
});

t.test('what waits is not passed by what comes when its peer is alone again', async (t) => {
  const { bring, done, pass } = begin();
  for (const name of numbered(6)) bring('a', name);
  pass(1001);
  bring('a', 'a6');
  t.equal(done.length, 4);
  while (done.length < 7) await turn();
  t.strictSame(done, numbered(7));
});
