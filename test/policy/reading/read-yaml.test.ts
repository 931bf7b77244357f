// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policy files are what is tested.
import t from 'tap';
import { createProblemList, formatProblem } from '../../../src/policy/problem.ts';
import { plainValue } from '../../../src/policy/reading/document.ts';
import { readYaml } from '../../../src/policy/reading/read-yaml.ts';

const environment = { NAME: 'value', PORT: '8080', TRICK: 'a: [b]', YES: 'true', NOTHING: 'null' };

function read(text: string, options: { environment?: typeof environment | null; detached?: boolean } = {}) {
  const problems = createProblemList({
    locate: (path) => ({ position: { file: 'f', line: 1, column: 1 }, path, secret: null }),
  });
  const tree = readYaml(text, { file: 'f', environment, detached: false, problems, ...options });
  return {
    value: tree === null ? null : plainValue(tree),
    problems: problems.sorted().map(formatProblem),
    tree,
  };
}

interface Refused {
  readonly name: string;
  readonly text: string;
  readonly problems: readonly RegExp[];
}

const refused: readonly Refused[] = [
  { name: 'a tag', text: 'a: !x 1', problems: [/^f:1:4 {2}a .*tags are not taken.*\(yaml_tag\)$/] },
  { name: 'a core tag', text: 'a: !!str 5', problems: [/f:1:4 .*yaml_tag/] },
  { name: 'a tag on a mapping', text: 'a: !m {b: 1}', problems: [/f:1:4 .*yaml_tag/] },
  { name: 'a merge key', text: 'x: &x {a: 1}\ny:\n  <<: *x', problems: [/^f:3:3 {2}y .*yaml_merge_key/] },
  {
    name: 'an alias without anchor',
    text: 'a: *b',
    problems: [/^f:1:4 {2}a {2}the alias that stands here has no anchor.*yaml_alias/],
  },
  { name: 'an alias in itself', text: 'a: &x [*x]', problems: [/f:1:8 .*stands for itself.*yaml_alias/] },
  {
    name: 'a host that is an alias',
    text: 'host: *.example.com',
    problems: [/f:1:7 .*"\*\.example\.com".*yaml_alias/],
  },
  {
    name: 'a duplicate key',
    text: 'a: 1\nb: 2\na: 3',
    problems: [/^f:3:1 {2}a {2}is given twice.*line 1.*duplicate_key/],
  },
  { name: 'a duplicate key in quotes', text: 'a: 1\n"a": 3', problems: [/^f:2:1 .*duplicate_key/] },
  { name: 'a second document', text: 'a: 1\n---\nb: 2', problems: [/f:2:1 .*second document/] },
  { name: 'YAML 1.1', text: '%YAML 1.1\n---\na: yes', problems: [/take the %YAML line out/] },
  { name: 'a list as a key', text: '? [a]\n: b', problems: [/f:1:3 .*yaml_key/] },
  { name: 'no key', text: ': x', problems: [/yaml_key/] },
  { name: 'a tagged key', text: '!x a: 1', problems: [/yaml_key/] },
  { name: 'tabs', text: 'a:\n\tb: 1', problems: [/f:2:1 .*tabs cannot indent/] },
  { name: 'a reserved beginning', text: 'a: @b', problems: [/f:1:4 .*must stand in quotes/] },
  {
    name: 'an entry that is indented less',
    text: 'a:\n  - b: 1\n c: 2',
    problems: [/^f:3:1 .*does not line up with the lines above; indent .*yaml_syntax/],
  },
  {
    name: 'a key that is indented less',
    text: 'a:\n  - b: 1\n    c: 1\n  d: 2',
    problems: [/does not line up with the lines above.*yaml_syntax/],
  },
  { name: 'an open quote', text: 'a: "x', problems: [/^f:1:4 .*quote that opens here.*yaml_syntax/] },
  { name: 'an open quote above keys', text: 'a: "x\nb: 1', problems: [/^f:1:4 .*quote that opens here/] },
  { name: 'an open quote above another', text: 'a: "x\nb: "y"', problems: [/^f:1:4 .*quote that opens/] },
  { name: 'a good long text', text: 'a: "x\n  y"\nb: @c', problems: [/^f:3:4 .*begins with @/] },
  { name: 'a star', text: 'path: *', problems: [/^f:1:7 .*begins with \* must stand in quotes/] },
  {
    name: 'a star in a flow mapping',
    text: 'cors: { origins: * }',
    problems: [/^f:1:18 .*begins with \* must stand in quotes/],
  },
  {
    name: 'an expression in a flow mapping',
    text: 'require: { when: "admin" in roles }',
    problems: [/^f:1:26 .*block, and in it `when: >-`/],
  },
  {
    name: 'a key that is indented too far',
    text: 'a:\n  b: 1\n    c: 2',
    problems: [/^f:3:5 .*indented further than the key above/],
  },
  {
    name: 'an ampersand',
    text: 'realm: &x\nb: 1',
    problems: [/^f:1:8 {2}realm {2}a text that begins with & must stand in quotes.*yaml_syntax/],
  },
  {
    name: 'an ampersand alone',
    text: 'realm: & x',
    problems: [/^f:1:8 .*begins with & must stand in quotes/],
  },
  { name: 'an ampersand in a list', text: 'a: [&b, c]', problems: [/^f:1:5 {2}a\[0\] {2}.*begins with &/] },
  {
    name: 'a text behind an ampersand',
    text: 'a: 1\nrealm: &x y',
    problems: [/^f:2:8 {2}realm {2}.*begins with &.*or it is taken for an anchor/],
  },
  {
    name: 'an anchor that is given again unused',
    text: 'a: &x b\nc: &x d\ne: *x',
    problems: [/^f:1:4 {2}a {2}.*begins with &/],
  },
  {
    name: 'an anchor of nothing that is used',
    text: 'a: &x\nb: *x',
    problems: [/^f:1:4 {2}a {2}.*begins with &/],
  },
  {
    name: 'when that begins with &',
    text: 'when: &a == 1',
    problems: [/^f:1:7 {2}when {2}the expression begins with &.*write `when: >-`/],
  },
  {
    name: 'a greater sign',
    text: 'realm: > 5\nb: 1',
    problems: [/^f:1:8 {2}realm {2}a text that begins with > must stand in quotes.*line below its >/],
  },
  {
    name: 'a greater sign and an equals sign',
    text: 'a:\n  - b: >=1\n    c: 1',
    problems: [/^f:2:8 {2}a\[0\]\.b {2}.*begins with >/],
  },
  { name: 'a bar', text: 'realm: |x\nb: 1', problems: [/^f:1:8 {2}realm {2}.*begins with \| must stand/] },
  {
    name: 'a text with : on the line of its block',
    text: 'a: >- x: y',
    problems: [/^f:1:4 {2}a {2}.*line below its >/],
  },
  {
    name: 'an expression on the line of its block',
    text: 'when: >- a == b',
    problems: [/^f:1:7 {2}when {2}.*the text of a block begins on the line below its >/],
  },
  { name: 'a bar in a list', text: 'a: [|b]', problems: [/^f:1:5 .*begins with \| must stand in quotes/] },
  { name: 'a greater sign in a mapping', text: 'a: {b: >c}', problems: [/^f:1:8 .*begins with > must/] },
  {
    name: 'an open list',
    text: 'a:\n  roles: [a, b\n  c: 1\nd: 2',
    problems: [/^f:2:10 .*the \[ that opens here is not closed; write \]/],
  },
  {
    name: 'an open list in a mapping',
    text: 'a: {b: [c, d}\ne: 1',
    problems: [/^f:1:8 .*the \[ that opens/],
  },
  { name: 'an open mapping', text: '- {b: c\n- d', problems: [/^f:1:3 .*the \{ that opens here.*write \}/] },
  { name: 'a bracket too many', text: 'a: [x]]\nb: 1', problems: [/^f:1:7 .*this \] closes nothing/] },
  { name: 'a brace too many', text: 'a: {x: 1}}\nb: 1', problems: [/^f:1:10 .*this \} closes nothing/] },
  {
    name: 'a text behind a quoted one',
    text: `a: 'it's'\nb: 1`,
    problems: [/^f:1:8 .*inside '\.\.\.' twice/],
  },
  { name: 'a list on the line of its key', text: 'a: - b', problems: [/^f:1:4 .*begins on the line below/] },
  { name: 'no space behind the colon', text: 'a:b\nc: 1', problems: [/^f:1:1 .*a space behind the colon/] },
  {
    name: 'a colon in a flow list',
    text: 'a: [b c: d: e]',
    problems: [/^f:1:10 .*`: ` must stand in quotes/],
  },
  { name: 'a NUL', text: 'a: 1\nb: \0', problems: [/^f:2:4 .*control character/] },
  { name: 'an escape', text: 'a: \x1b[0m', problems: [/control character/] },
  ...['[', '{a: ', '[{a: ', '- ', '? '].map((open) => ({
    name: `a hundred thousand times ${open}`,
    text: open.repeat(100_000),
    problems: [/^f:1:\d+ .*nested too deeply from here on/],
  })),
  {
    name: 'one line too deep',
    text: `a:\n${' [\n'.repeat(300)}`,
    problems: [/^f:250:2 .*too deeply from here/],
  },
  {
    name: 'when that begins with a quote',
    text: 'x: 1\nwhen: "a" in roles',
    problems: [/^f:2:11 {2}when {2}the expression begins with "; write `when: >-`.*yaml_syntax/],
  },
  {
    name: "when that begins with '",
    text: "when: 'a' in roles",
    problems: [/begins with '; write `when: >-`/],
  },
  {
    name: 'when that begins with [',
    text: 'when: ["a"] == roles',
    problems: [/begins with \[; write `when: >-`/],
  },
  {
    name: 'when that begins with {',
    text: 'when: {} == claims',
    problems: [/begins with \{; write `when: >-`/],
  },
  {
    name: 'when that begins with !',
    text: 'when: !has(claims.x)',
    problems: [/f:1:7 {2}when {2}the expression begins with !.*write `when: >-`.*yaml_tag/],
  },
  {
    name: 'when with : ',
    text: '- when: a ? b : c',
    problems: [/\[0\]\.when {2}the expression holds.*write `when: >-`/],
  },
  {
    name: 'when cut by #',
    text: 'when: claims.a == "x #1"',
    problems: [/when {2}the expression ends at " #".*`when: >-`/],
  },
  {
    name: 'a variable in {}',
    text: 'a: {b: ${NAME}}',
    problems: [/f:1:9 .*inside \{...\} or \[...\] must stand in quotes/],
  },
  { name: 'a variable in []', text: 'a: [${NAME}]', problems: [/must stand in quotes/] },
  {
    name: 'a parameter in {}',
    text: 'a: {path: /x/{id}}',
    problems: [/f:1:14 .*`\{name\}` must stand in quotes/],
  },
  { name: 'a parameter in []', text: 'a: [/x/{id}, y]', problems: [/`\{name\}` must stand in quotes/] },
  { name: 'a parameter first', text: 'path: {name}/x', problems: [/`\{name\}` must stand in quotes/] },
  { name: 'a text with : ', text: 'a: b: c', problems: [/`: ` must stand in quotes/] },
  {
    name: 'an undefined variable',
    text: 'a: ["${MISSING}"]',
    problems: [/^f:1:5 {2}a\[0\] .*MISSING.*undefined_variable/],
  },
  { name: 'another ${', text: 'a: "${x-y}"', problems: [/invalid_substitution/] },
];

t.test('refuses what YAML would take in another sense, with its place and what to write', async (t) => {
  for (const { name, text, problems } of refused) {
    const found = read(text).problems;
    t.equal(found.length, problems.length, `${name}: ${found.join(' | ')}`);
    for (const [index, expected] of problems.entries()) t.match(found[index], expected, name);
  }
});

const taken: readonly (readonly [string, unknown])[] = [
  ['a: yes', { a: 'yes' }],
  ['a: 1\n...\n', { a: 1 }],
  ['%YAML 1.2\n---\na: 1', { a: 1 }],
  ['x: &x [1, 2]\ny: *x', { x: [1, 2], y: [1, 2] }],
  ['x: &x y\nz: [*x, *x]', { x: 'y', z: ['y', 'y'] }],
  ['x: &x "y"\nz: &z [1]', { x: 'y', z: [1] }],
  ['when: a == 1 # only these', { when: 'a == 1' }],
  ['when: a == "b" # it\'s fine', { when: 'a == "b"' }],
  ["note: it's cut # here", { note: "it's cut" }],
  ['when: >-\n  "a" in roles ? b : c', { when: '"a" in roles ? b : c' }],
  ['404: x', { 404: 'x' }],
  ['"<<": 1', { '<<': 1 }],
  ['__proto__: 1', JSON.parse('{"__proto__": 1}')],
  ['a: ${NAME}', { a: 'value' }],
  ['a: ${PORT}', { a: 8080 }],
  ['a: ":${PORT}"', { a: ':8080' }],
  ['a: "${PORT}"', { a: '8080' }],
  ["a: '${PORT}'", { a: '8080' }],
  ['a: ${YES}', { a: true }],
  ['a: ${TRICK}', { a: 'a: [b]' }],
  ['a: ${NOTHING}', { a: null }],
  ['a: ${MISSING:-}', { a: '' }],
  ['a: ${MISSING:-30s}', { a: '30s' }],
  ['a: |\n  x ${NAME}\n', { a: 'x value\n' }],
  ['${NAME}: 1', { '${NAME}': 1 }],
  ['a: ["${NAME}", {b: "${NAME}"}]', { a: ['value', { b: 'value' }] }],
  ['a: $${NAME}', { a: '${NAME}' }],
];

t.test('takes the rest, with variables in values only and their types found afterwards', async (t) => {
  for (const [text, value] of taken) {
    const result = read(text);
    t.same(result.problems, [], text);
    t.strictSame(result.value, value, text);
  }
});

t.test('a file that is named by a policy has no variables', async (t) => {
  t.same(read('a: ${NAME}', { environment: null }).value, { a: '${NAME}' });
});

t.test('detached, an undefined variable is a value that nobody knows, and still no other ${', async (t) => {
  t.same(read('a: ${MISSING}', { detached: true }).problems, []);
  t.equal(read('a: ${MISSING}', { detached: true }).value, undefined);
  t.match(read('a: ${MISSING} ${x-}', { detached: true }).problems, [/invalid_substitution/]);
});

t.test('no message repeats a value, which may be a secret', async (t) => {
  for (const text of [
    '*hunter2',
    '!hunter2',
    '&hunter2',
    '@hunter2',
    '%hunter2',
    '`hunter2',
    '|hunter2',
    '>hunter2',
    '"hunter2',
    "'hunter2",
    '"a" hunter2',
    '[hunter2',
    '{hunter2',
    ']hunter2',
    '}hunter2',
    'hunter2: hunter2',
    '- hunter2',
    '? hunter2',
    '"\\hunter2"',
    '&a hunter2',
    '&a *hunter2',
    '!!binary hunter2',
    '[hunter2: hunter2: hunter2]',
    '{hunter2, hunter2: [}',
  ]) {
    const { problems } = read(`a: b\nsecret: ${text}\nc: d\n`);
    t.notMatch(problems.join('\n'), 'hunter2', text);
    if (!/^[{'"[]hunter2$/.test(text)) continue;
    t.not(problems.length, 0, text);
  }
});

t.test('a trap spoils its own line only', async (t) => {
  const { value, problems, tree } = read('routes:\n  - when: "a" == b\n    path: /a\n  - path: !x\n');
  t.equal(value, undefined, 'what stood there is not known');
  t.equal(problems.length, 2);
  t.equal(tree?.kind, 'map');
});

t.test('a file that does not parse has no tree, and its problems have no echoes', async (t) => {
  const { problems, tree } = read('g: @h\na: {b: ${NAME}}\nc: [d]\ne: {f: "${NAME}"}\n');
  t.match(problems, [/^f:1:4 .*must stand in quotes/, /^f:2:9 .*must stand in quotes/]);
  t.equal(problems.length, 2);
  t.equal(tree, null);
});

t.test(
  'all errors that do not come of one another are told, the last with what was not checked',
  async (t) => {
    const { problems } = read(
      [
        'a: *',
        'b: c: d',
        'e:',
        '  - path: /x',
        '     f: 1',
        '  - path: g: h',
        '    auth: none',
        'i: {h: *}',
        'j: [1, 2',
        'k: `',
      ].join('\n'),
    );
    const NOT_CHECKED = /what the file means is not checked until it can be read {2}\(yaml_syntax\)$/;
    const places = ['f:1:4', 'f:2:4', 'f:5:6', 'f:6:11', 'f:8:8', 'f:9:4', 'f:10:4'];
    t.strictSame(
      problems.map((problem) => problem.split(' ', 1)[0]),
      places,
    );
    t.strictSame(
      problems.filter((problem) => NOT_CHECKED.test(problem)),
      problems.slice(-1),
    );
  },
);

t.test('an open quote is the last that is told, and alone where it comes first', async (t) => {
  t.match(read('a: @b\nc: "x\nd: @e\n').problems, [/^f:1:4 /, /^f:2:4 .*quote that opens here/]);
  t.equal(read('a: @b\nc: "x\nd: @e\n').problems.length, 2);
  t.equal(read('c: "x\nd: @e\na: b: c\n').problems.length, 1);
});

t.test('lines that do not line up are told once for all that stand beside them', async (t) => {
  t.match(read('  a: 1\nb: 2\nc: 3\nd: {e: 4}\n').problems, [/^f:2:1 .*does not line up/]);
  t.equal(read('  a: 1\nb: 2\nc: 3\nd: {e: 4}\n').problems.length, 1);
  const { problems } = read('a: 1\nb:\n  c: 1\n    d: 2\n    e: 3\n    f: 4\ng: @h\n');
  t.match(problems, [/^f:4:5 .*further than the key above/, /^f:7:4 /]);
  t.equal(problems.length, 2);
});

t.test('what stands below a broken entry comes of it', async (t) => {
  const { problems } = read('a:\n  - b: c: d\n    e:\n      f: 1\n  - g: @h\n');
  t.match(problems, [/^f:2:8 /, /^f:5:8 /]);
  t.equal(problems.length, 2);
});

t.test('a large text is not read again and again: what one reading shows is told', async (t) => {
  const filling = Array.from({ length: 20_000 }, (_, index) => `f${index}: some value`).join('\n');
  const first = read(`a: b: c\nd: e: f\n${filling}`).problems;
  t.match(first, [/^f:1:4 .*there may be more, and what the file means is not checked/]);
  t.equal(first.length, 1);
  const contained = read(`a: b: c\nd: @e\nf: \`g\n${filling}`).problems;
  t.match(contained, [/^f:1:4 /, /^f:2:4 /, /^f:3:4 .*there may be more/]);
  t.equal(contained.length, 3);
});

t.test('of many errors ten are told', async (t) => {
  const { problems } = read(Array.from({ length: 40 }, (_, index) => `k${index}: @x`).join('\n'));
  t.equal(problems.length, 10);
  t.match(problems[9], /^f:10:.*there may be more/);
});

t.test('what stands behind an ampersand is not repeated, for it may be a secret', async (t) => {
  for (const text of ['secret: &hunter2', 'secret: &hunter2 hunter3']) {
    const { problems } = read(text);
    t.equal(problems.length, 1);
    t.notMatch(problems[0], 'hunter');
  }
});

t.test('an anchor is not said to be of no use where an alias may not have been read', async (t) => {
  const { problems } = read('a: &x b\nc: 1\nc: *x\nwhen: "a" == *x\n');
  t.equal(problems.length, 2);
  t.notMatch(problems.join(), 'anchor');
});

t.test('text on the line of its block leaves the rest to be judged', async (t) => {
  const { problems, tree } = read('a: >5 x\nb: !x 1\n');
  t.match(problems, [/^f:1:4 /, /^f:2:4 .*yaml_tag/]);
  t.equal(tree?.kind, 'map');
});

t.test('of a duplicate key the first value stays', async (t) => {
  t.strictSame(read('a: 1\na: 2\n').value, { a: 1 });
});

t.test('aliases cannot multiply without bound', async (t) => {
  const levels = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 12; level++) {
    const before = String.fromCharCode(96 + level);
    const name = String.fromCharCode(97 + level);
    levels.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(', ')}]`);
  }
  const { problems } = read(levels.join('\n'));
  t.match(problems[0], /stand for more than 100000 nodes/);
});

t.test('positions are those of the value, in lines and columns from 1, also after a variable', async (t) => {
  const { tree } = read('a:\n  ü: ["${NAME}", b]\n');
  const inner = tree?.kind === 'map' ? tree.entries.get('a')?.value : undefined;
  const list = inner?.kind === 'map' ? inner.entries.get('ü') : undefined;
  t.same(list?.keyAt, { file: 'f', line: 2, column: 3 });
  t.same(list?.value.at, { file: 'f', line: 2, column: 6 });
  const items = list?.value.kind === 'list' ? list.value.items : [];
  t.same(items[1]?.at, { file: 'f', line: 2, column: 18 });
});
