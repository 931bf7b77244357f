import t from 'tap';
import { VerifiedPasswords } from '../../src/credentials/verified-passwords.ts';

t.test('a pair is remembered for a minute, and not before it was good', async (t) => {
  const memory = new VerifiedPasswords<string>();
  const tag = memory.tagOf({ username: 'u', password: 'p' });
  t.equal(memory.find(tag, 0), undefined);
  memory.remember(tag, 'who', 1000);
  t.equal(memory.find(tag, 1000), 'who');
  t.equal(memory.find(tag, 60_999), 'who');
  t.equal(memory.find(tag, 61_000), undefined);
  t.equal(memory.find(tag, 1000), undefined, 'gone for good');
  memory.remember(tag, 'who', 1000);
  t.equal(memory.find(tag, 999), undefined, 'a clock that was set back');
});

t.test('tags depend on both parts, on where they part, and on the memory', async (t) => {
  const memory = new VerifiedPasswords<string>();
  const tags = [
    { username: 'u', password: 'p' },
    { username: 'u', password: 'q' },
    { username: 'up', password: '' },
    { username: '', password: 'up' },
  ].map((pair) => memory.tagOf(pair));
  t.equal(new Set(tags).size, tags.length);
  t.equal(memory.tagOf({ username: 'u', password: 'p' }), tags[0]);
  t.not(new VerifiedPasswords<string>().tagOf({ username: 'u', password: 'p' }), tags[0]);
  for (const tag of tags) t.equal(Buffer.from(tag, 'base64').length, 32);
});

t.test('the oldest goes when there are too many', async (t) => {
  const memory = new VerifiedPasswords<number>();
  for (let index = 0; index < 1001; index += 1) memory.remember(String(index), index, 0);
  t.equal(memory.find('0', 0), undefined);
  t.equal(memory.find('1', 0), 1);
  t.equal(memory.find('1000', 0), 1000);
});

t.test('a name picks the same number each time, and names pick all of them', async (t) => {
  const memory = new VerifiedPasswords<number>();
  const names = Array.from({ length: 200 }, (_, index) => `user-${index}`);
  const picked = names.map((name) => memory.pick(name, 3));
  t.strictSame(
    names.map((name) => memory.pick(name, 3)),
    picked,
  );
  t.strictSame([...new Set(picked)].sort(), [0, 1, 2]);
  const other = new VerifiedPasswords<number>();
  t.notSame(
    names.map((name) => other.pick(name, 3)),
    picked,
    'another process picks otherwise',
  );
});
