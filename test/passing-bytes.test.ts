import { PassThrough } from 'node:stream';
import t from 'tap';
import { bytesPassed, collectYoungAfter } from '../src/passing-bytes.ts';
import { discardBytes } from '../src/refusals/linger.ts';
import { TurnTaking } from '../src/turn-taking.ts';
import { Passage } from '../src/upstream/passage.ts';

t.test('nothing is collected where nobody said how', async (t) => {
  t.doesNotThrow(() => bytesPassed(2 ** 40));
});

t.test('each 1,000 bytes that passed are collected once, in pieces or in one', async (t) => {
  let collected = 0;
  const collect = (): void => {
    collected += 1;
  };
  collectYoungAfter(1, () => {});
  bytesPassed(1);
  collectYoungAfter(1000, collect);
  for (let piece = 0; piece < 9; piece += 1) bytesPassed(100);
  bytesPassed(99);
  t.equal(collected, 0);
  bytesPassed(1);
  t.equal(collected, 1);
  bytesPassed(999);
  t.equal(collected, 1);
  bytesPassed(100_000);
  t.equal(collected, 2, 'a collection finds all that is dead');
  bytesPassed(999);
  t.equal(collected, 2);
  collectYoungAfter(2000, collect);
  bytesPassed(1000);
  t.equal(collected, 2, 'what passed before counts');
  bytesPassed(1);
  t.equal(collected, 3);
});

t.test('what is passed on and what is thrown away counts', async (t) => {
  let collected = 0;
  collectYoungAfter(1, () => {});
  bytesPassed(1);
  collectYoungAfter(1000, () => {
    collected += 1;
  });
  new Passage(new TurnTaking(), 'a caller').passed(1000);
  t.equal(collected, 1);
  const connection = new PassThrough();
  const over = new Promise<void>((resolve) => discardBytes(connection, resolve));
  connection.end(Buffer.alloc(1000));
  await over;
  t.equal(collected, 2);
});
