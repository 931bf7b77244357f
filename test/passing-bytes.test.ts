import t from 'tap';
import { bytesPassed, collectBy } from '../src/passing-bytes.ts';

const MIB = 1024 * 1024;

t.test('each 3 MiB that passed are collected once, in pieces or in one', async (t) => {
  let collected = 0;
  collectBy(() => {
    collected += 1;
  });
  t.teardown(() => collectBy(null));
  for (let piece = 0; piece < 47; piece += 1) bytesPassed(MIB / 16);
  bytesPassed(MIB / 16 - 1);
  t.equal(collected, 0);
  bytesPassed(1);
  t.equal(collected, 1);
  bytesPassed(2 * MIB);
  t.equal(collected, 1);
  bytesPassed(100 * MIB);
  t.equal(collected, 2, 'a collection finds all that is dead');
  bytesPassed(2 * MIB);
  t.equal(collected, 2);
});

t.test('nothing is collected where nobody said how', async (t) => {
  collectBy(null);
  t.doesNotThrow(() => bytesPassed(100 * MIB));
});
