/** Sees that no number of the two lists of attacks is forgotten, and none is played that the lists do not have. */
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';

const LISTS = { J: 77, S: 22 } as const;
const here = new URL('.', import.meta.url);
const tests = readdirSync(here)
  .filter((name) => /^[js]-.*\.test\.ts$/.test(name))
  .map((name) => readFileSync(new URL(name, here), 'utf8'))
  .concat(readFileSync(new URL('../fixtures/hostile-answers.ts', here), 'utf8'))
  .join('\n');
/** Numbers at the beginning of a name: 'J5', or 'S6 K07 a flood'. */
const played = new Set(
  [...tests.matchAll(/['"`]((?:[A-Z]+\d+ ?)+)/g)].flatMap(([, ids = '']) => ids.trim().split(' ')),
);
const elsewhere = new Set(
  [...readFileSync(new URL('README.md', here), 'utf8').matchAll(/^\| ([JS]\d+) \|/gm)].map(
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
