/** The tables of README.md against the test names: a rule that says it is proved has a test of its id, and none is lost. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const directory = new URL('./', import.meta.url);
const root = new URL('../../', import.meta.url);
const readme = readFileSync(new URL('README.md', directory), 'utf8');
const files = readdirSync(fileURLToPath(directory)).filter((name) => name.endsWith('.test.ts'));
const texts = new Map(files.map((name) => [name, readFileSync(new URL(name, directory), 'utf8')]));

interface Row {
  readonly id: string;
  readonly proof: string;
}
const rows: Row[] = [...readme.matchAll(/^\| ([A-Z]{1,2}\d\d) \|.*\| ([^|]+) \|$/gm)].map(
  ([, id = '', proof = '']) => ({
    id,
    proof,
  }),
);

t.test('the tables hold all rules', async (t) => {
  const counts = new Map<string, number>();
  for (const { id } of rows) counts.set(id.slice(0, -2), (counts.get(id.slice(0, -2)) ?? 0) + 1);
  t.strictSame(Object.fromEntries(counts), {
    F: 20,
    A: 22,
    B: 6,
    M: 23,
    T: 49,
    K: 23,
    Z: 18,
    S: 7,
    H: 18,
    G: 19,
    WS: 9,
    X: 12,
    P: 19,
    Q: 18,
  });
  t.equal(new Set(rows.map(({ id }) => id)).size, rows.length, 'each once');
});

t.test('a rule that names a test has one there, under its id', async (t) => {
  for (const { id, proof } of rows) {
    for (const [, file = ''] of proof.matchAll(/\]\(([^)]+)\)/g)) {
      t.match(
        texts.get(file) ?? '',
        new RegExp(`['"\`](?:[A-Z]{1,2}\\d{1,2} )*${id}[ '"\`]`),
        `${id} in ${file}`,
      );
    }
  }
});

t.test('a rule without a test of its own says why, or where else', async (t) => {
  for (const { id, proof } of rows.filter((row) => !row.proof.includes(']('))) {
    t.ok(proof.length > 15, `${id}: ${proof}`);
    for (const [, path = ''] of proof.matchAll(/`(test\/[^`]+)`/g))
      t.ok(existsSync(new URL(path, root)), path);
  }
});

t.test('a rule proved somewhere is not called out of scope', async (t) => {
  const everything = [...texts].filter(([name]) => name !== 'traceability.test.ts').map(([, text]) => text);
  for (const { id } of rows.filter((row) => !row.proof.includes(']('))) {
    t.notMatch(everything.join('\n'), new RegExp(`test\\(\\s*['"\`]${id} `), id);
  }
});
