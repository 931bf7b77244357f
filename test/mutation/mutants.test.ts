/** The mutants of a few lines, and that the lists of modules and of equivalent mutants speak of what is there. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { EQUIVALENT } from './equivalent.ts';
import { MODULES, testsOf } from './modules.ts';
import { mutantsOf } from './mutants.ts';

const TABLE: readonly (readonly [source: string, changes: readonly string[]])[] = [
  ['if (a) b();', ['a → true', 'a → false', 'b(); → ;']],
  ['const x = !a;', ['!a → (a)']],
  ['const x = a < b;', ['< → <=']],
  ['const x = a === b;', ['=== → !==']],
  ["const x = a === 'b';", ['=== → !==', "'b' → ''"]],
  ["const x = '' === a;", ['=== → !==', "'' → 'x'"]],
  ['const x = a && b;', ['&& → ||']],
  ['const x = a ?? b;', ['a ?? b → (a)', '?? → &&']],
  ["const x = a[0] ?? '';", []],
  ['const x = a + b;', ['+ → -']],
  ["const x = a + 'b' + c;", []],
  ['const x = a?.b;', ['?. → .']],
  ['const x = a?.[b];', ['?. → nothing']],
  ['const x = true;', ['true → false']],
  ["const x = { kind: 'a', reason: 'b' };", ["'a' → ''"]],
  ["const x = a.includes('b');", ["'b' → ''"]],
  ['const x = a.every(b);', ['every → some']],
  ['const x = a.toString(b);', []],
  ['const x = a.filter(b);', ['a.filter(b) → a']],
  ['const x = [a];', ['[a] → []']],
  ['const x = (): B => a;', ['a → null']],
  ['const x = (): B => null;', []],
  ['function f(): A { return a; }', ['a → null']],
  ['function f(): A { return null; }', []],
  ['function f(a: A) { switch (a) { case b: return null; } }', ['return null; → nothing']],
  ['for (let i = 0; i < n; i += 1) continue;', ['i < n → false', '< → <=', 'continue; → ;']],
  ['const x = /^[^a]b+$/;', ['/^[^a]b+$/ → /[^a]b+$/', '→ /^[^a]b+/', '→ /^[a]b+$/', '→ /^[^a]b*$/']],
  ["import a from 'a';", []],
];

t.test('each operator makes its changes, and no other is made', async (t) => {
  for (const [source, changes] of TABLE) {
    const found = mutantsOf(source).map(({ change }) => change);
    t.equal(found.length, changes.length, `${source}: ${found.join(', ')}`);
    for (const change of changes)
      t.ok(
        found.some((each) => each.endsWith(change)),
        `${source}: ${change} of ${found.join(', ')}`,
      );
  }
});

t.test('a mutant is the whole source with one change, its types gone and its lines kept', async (t) => {
  const [first] = mutantsOf('\nconst x: boolean = a <   b;\n// end\n');
  t.same(first, {
    line: 2,
    text: 'const x = a < b;',
    change: '< → <=',
    source: '\nconst x          = a <=   b;\n// end\n',
  });
});

t.test('every module is there, and is tested by files that are there', async (t) => {
  for (const module of Object.keys(MODULES)) {
    t.ok(existsSync(`src/${module}.ts`), module);
    const tests = testsOf(module);
    t.ok(tests.length > 0, `${module} is tested`);
    for (const [file] of tests) t.ok(existsSync(file), `${module}: ${file}`);
  }
});

t.test('what is said to be equivalent is a mutant still', async (t) => {
  const byModule = Map.groupBy(EQUIVALENT, ({ module }) => module);
  for (const [module, entries] of byModule) {
    t.ok(module in MODULES, module);
    const mutants = mutantsOf(readFileSync(`src/${module}.ts`, 'utf8'));
    for (const { text, change, why } of entries) {
      t.ok(why.length > 10, `${module}: ${change} has a reason`);
      t.ok(
        mutants.some((mutant) => mutant.text === text && mutant.change === change),
        `${module}: ${change} in ${text}`,
      );
    }
  }
});
