/** Sees that no number of these lists of attacks is forgotten, and none is played that the lists do not have. */
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';

const LISTS = { J: 77, S: 22, P: 45, H: 30, R: 30 } as const;
const here = new URL('.', import.meta.url);
const tests = readdirSync(here)
  .filter((name) => /^[jsphr]-.*\.test\.ts$/.test(name))
  .map((name) => readFileSync(new URL(name, here), 'utf8'))
  .concat(readFileSync(new URL('../fixtures/hostile-answers.ts', here), 'utf8'))
  .join('\n');
/** Numbers at the beginning of a name: 'J5', or 'S6 K07 a flood', or of a list of cases: `P1: [`. */
const played = new Set(
  [...tests.matchAll(/(?:['"`]|^ {2})((?:[A-Z]\d+ ?)+)/gm)].flatMap(([, ids = '']) => ids.trim().split(' ')),
);
const elsewhere = new Set(
  [...readFileSync(new URL('README.md', here), 'utf8').matchAll(/^\| ([JSPHR]\d+) \|/gm)].map(
    ([, id = '']) => id,
  ),
);

for (const [letter, last] of Object.entries(LISTS)) {
  t.test(`every attack of list ${letter} is played here or said to be elsewhere`, async (t) => {
    const numbers = Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);
    t.strictSame(
      numbers.filter((id) => !played.has(id) && !elsewhere.has(id)),
      [],
    );
    t.strictSame(
      [...elsewhere].filter((id) => played.has(id)),
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
