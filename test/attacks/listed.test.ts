/** Sees that no number of these lists of attacks is forgotten, and none is played that the lists do not have. */
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';

const LISTS = { J: 77, S: 22, P: 45, H: 30, R: 30, K: 21, W: 18, C: 13, D: 20, L: 14, T: 10 } as const;
const here = new URL('.', import.meta.url);
const fixtures = ['../fixtures/hostile-answers.ts'] as const;
/** The tests of one list, whose names begin with its letter. */
const testsOf = (letter: string): string =>
  readdirSync(here)
    .filter((name) => name.startsWith(`${letter.toLowerCase()}-`) && name.endsWith('.test.ts'))
    .concat(letter === 'S' ? fixtures : [])
    .map((name) => readFileSync(new URL(name, here), 'utf8'))
    .join('\n');
/** Numbers at the beginning of a name: 'J5', or 'S6 K07 a flood', or of a list of cases: `P1: [`. */
const playedIn = (text: string): ReadonlySet<string> =>
  new Set(
    [...text.matchAll(/(?:['"`]|^ {2})((?:[A-Z]\d+ ?)+)/gm)].flatMap(([, ids = '']) => ids.trim().split(' ')),
  );
const elsewhere = new Set(
  [...readFileSync(new URL('README.md', here), 'utf8').matchAll(/^\| ([A-Z]\d+) \|/gm)].map(
    ([, id = '']) => id,
  ),
);

for (const [letter, last] of Object.entries(LISTS)) {
  t.test(`every attack of list ${letter} is played here or said to be elsewhere`, async (t) => {
    const played = playedIn(testsOf(letter));
    const numbers = Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);
    t.strictSame(
      numbers.filter((id) => !played.has(id) && !elsewhere.has(id)),
      [],
    );
    t.strictSame(
      [...elsewhere].filter((id) => id.startsWith(letter) && played.has(id)),
      [],
      'none is said to be elsewhere that is here',
    );
    const known = new Set(numbers);
    t.strictSame(
      [...played].filter((id) => id.startsWith(letter) && !known.has(id)),
      [],
    );
  });
}
