import t from 'tap';
import { visibleText } from '../../src/observe/visible-text.ts';

t.test('L3 what a terminal acts on, what turns a line round and what nobody sees is an escape', async (t) => {
  for (const [name, characters] of [
    ['DEL', '\x7f'],
    ['C1, of which one begins an escape and one ends a line', '\x80\x85\x9b\x9d\x9f'],
    ['separators', '\u2028\u2029'],
    ['directions', '\u061c\u200e\u200f\u202a\u202e\u2066\u2069'],
    ['nothing to see', '\u00ad\u180e\u200b\u200d\u2060\ufeff\ufe0f\u3164'],
    ['tags', '\u{e0001}\u{e0041}'],
  ] as const) {
    for (const character of characters) {
      const shown = visibleText(JSON.stringify(`a${character}b`));
      t.match(shown, /^"a(?:\\u[0-9a-f]{4}){1,2}b"$/, name);
      t.equal(JSON.parse(shown), `a${character}b`, name);
    }
  }
});

t.test('everything else stays as it is, and all of it reads back', async (t) => {
  for (const text of ['{"a":"b"}\n', '"é漢😀\u00a0ﷺ"', '"\\u001b[31m"', '""'])
    t.equal(visibleText(text), text);
  const all = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));
  t.strictSame(
    all.filter((each) => JSON.parse(visibleText(JSON.stringify(each))) !== each),
    [],
  );
});
