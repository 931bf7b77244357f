/** How deeply YAML may be nested, and that no more is read of what is nested deeper. */
import t from 'tap';
import { LineCounter } from 'yaml';
import { parseYaml } from '../../../src/policy/reading/parse-yaml.ts';

/** What opens a collection within the one before it, each with a line of its own. */
const OPENINGS = ['[\n', '{\n', '[a,\n', '{a:\n', '{"a":\n', '[[],\n', '[? [\n', '&a [\n', '[{a: b},\n'];

t.test('as many collections as no policy needs are read', async (t) => {
  for (const text of [`${'['.repeat(100)}${']'.repeat(100)}`, `${'{a: '.repeat(100)}1${'}'.repeat(100)}`]) {
    const parsed = parseYaml(text, new LineCounter());
    t.match(parsed, { ok: true }, text.slice(0, 10));
    if (parsed.ok) t.strictSame(parsed.document.errors, []);
  }
});

t.test('what is nested deeper is read no further, however much of it there is', async (t) => {
  for (const opening of OPENINGS) {
    const read = [1_000, 100_000].map((times) => {
      const lines = new LineCounter();
      const parsed = parseYaml(opening.repeat(times), lines);
      t.equal(parsed.ok, false, opening);
      return { lines: lines.lineStarts.length, parsed };
    });
    // Lines are counted as they are read: the same few of the longer text.
    t.strictSame(read[1], read[0], opening);
    t.ok((read[0]?.lines ?? 0) <= 251, `${opening} ${read[0]?.lines}`);
  }
});
