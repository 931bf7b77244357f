import t from 'tap';
import { isNestedDeeper } from '../../src/keys/nesting.ts';

t.test('objects and lists are counted, texts are not', async (t) => {
  const vectors: readonly (readonly [string, number])[] = [
    ['', 0],
    ['1', 0],
    ['"[[[["', 0],
    ['[]', 1],
    ['[[],[],{}]', 2],
    ['{"a":{"b":[]},"c":[]}', 3],
    ['["\\"[[[", []]', 2],
    ['["\\\\", [[]]]', 3],
    ['["]]", [[]]]', 3],
    ['{"[":"{"}', 1],
    ['["\\u005b[", []]', 2],
    ['[[[', 3],
  ];
  for (const [text, depth] of vectors) {
    t.equal(isNestedDeeper(text, depth), false, text);
    if (depth > 0) t.equal(isNestedDeeper(text, depth - 1), true, text);
  }
});

t.test('a text of half a megabyte is read once', async (t) => {
  t.equal(isNestedDeeper('['.repeat(524_288), 64), true);
  t.equal(isNestedDeeper('[],'.repeat(170_000), 64), false);
  t.equal(isNestedDeeper(`"${'\\"'.repeat(260_000)}"`, 0), false);
});
