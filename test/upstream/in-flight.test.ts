/** Places, turns and refusals. */
import t from 'tap';
import { InFlight, type Waiter } from '../../src/upstream/in-flight.ts';

function waiter(name: string, heard: string[]): Waiter {
  return {
    admitted: () => heard.push(`${name} in`),
    turnedAway: (reason) => heard.push(`${name} ${reason}`),
  };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test(
  'those who find a place are in at once, the next wait in turn, the rest are turned away',
  async (t) => {
    const heard: string[] = [];
    const places = new InFlight({ inFlight: 2, queue: 2, queueTimeout: 60_000 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) places.enter(waiter(name, heard));
    t.strictSame(heard, ['a in', 'b in', 'e queue_full']);
    t.match(places, { running: 2, waiting: 2 });
    places.leave();
    t.match(places, { running: 2, waiting: 1 }, 'the place is taken before anybody else can have it');
    places.enter(waiter('f', heard));
    await turn();
    t.strictSame(heard.slice(3), ['c in']);
    for (let i = 0; i < 2; i += 1) places.leave();
    await turn();
    t.strictSame(heard.slice(4), ['d in', 'f in']);
    for (let i = 0; i < 2; i += 1) places.leave();
    t.match(places, { running: 0, waiting: 0 });
  },
);

t.test('a wait is bounded', async (t) => {
  const heard: string[] = [];
  const places = new InFlight({ inFlight: 1, queue: 9, queueTimeout: 10 });
  places.enter(waiter('a', heard));
  const late = new Promise<string>((resolve) =>
    places.enter({ admitted: () => resolve('in'), turnedAway: resolve }),
  );
  t.equal(await late, 'queue_timeout');
  t.match(places, { running: 1, waiting: 0 });
});

t.test('who abandons is not called', async (t) => {
  const heard: string[] = [];
  const places = new InFlight({ inFlight: 1, queue: 9, queueTimeout: Number.POSITIVE_INFINITY });
  places.enter(waiter('a', heard));
  const leaving = waiter('b', heard);
  places.enter(leaving);
  places.enter(waiter('c', heard));
  places.abandon(leaving);
  places.leave();
  await turn();
  t.strictSame(heard, ['a in', 'c in']);
});

t.test('wider bounds admit those who wait, narrower ones let those in flight end', async (t) => {
  const heard: string[] = [];
  const places = new InFlight({ inFlight: 1, queue: 9, queueTimeout: 60_000 });
  for (const name of ['a', 'b', 'c']) places.enter(waiter(name, heard));
  places.rebound({ inFlight: 2, queue: 9, queueTimeout: 60_000 });
  await turn();
  t.strictSame(heard, ['a in', 'b in']);
  places.rebound({ inFlight: 1, queue: 9, queueTimeout: 60_000 });
  places.leave();
  await turn();
  t.strictSame(heard, ['a in', 'b in']);
  places.leave();
  await turn();
  t.strictSame(heard, ['a in', 'b in', 'c in']);
});

t.test('no queue at all', async (t) => {
  const heard: string[] = [];
  const places = new InFlight({ inFlight: 1, queue: 0, queueTimeout: 60_000 });
  for (const name of ['a', 'b']) places.enter(waiter(name, heard));
  t.strictSame(heard, ['a in', 'b queue_full']);
});
