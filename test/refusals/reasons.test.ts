/** The table of reasons in docs/refusals.md against the source: none is missing there, and none is there in vain. */
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { EXAMPLES } from '../fixtures/refusal-examples.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

const rows = [...read('docs/refusals.md').matchAll(/^\| ([^|`]+) \| (`\w+`[^|]*) \|[^|]+\|[^|]*\|$/gm)].map(
  ([, answer = '', reasons = '']) => ({
    answer,
    reasons: [...reasons.matchAll(/`(\w+)`/g)].map(([, reason = '']) => reason),
  }),
);
const documented = new Set(rows.flatMap(({ reasons }) => reasons));

/** Where refusals are made; the policy and the commands have reasons of another sort. */
const PLACES = [
  'authorization',
  'credentials',
  'gate',
  'keys',
  'refusals',
  'resource',
  'tokens',
  'upstream',
  'wire',
];
/** Why a member of a key set is passed over, and what an upstream's 101 lacks: causes, not reasons. */
const OTHER_REASONS = new Set(['src/keys/admit-key.ts', 'src/upstream/switching-protocols.ts']);

const files = [
  'src/gate.ts',
  ...PLACES.flatMap((place) =>
    readdirSync(new URL(`src/${place}/`, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `src/${place}/${name}`),
  ),
].filter((path) => !OTHER_REASONS.has(path));

/** How a reason is given: as a member, to a function that makes a refusal, or as what a check returns. */
const GIVEN = [
  /\breason: '(\w+)'/g,
  /\breason: [^'\n]*\? '(\w+)' : '\w+'/g,
  /\breason: [^'\n]*'\w+' \? '(\w+)' : '(\w+)'/g,
  /\b(?:absent|flaw|refuse|refused|badRequest|forbidden|malformed|tooLarge|turnedAway|invalidToken)\(\s*'(\w+)'/g,
  /\binvalidCredential\(\s*(?:'\w+'|[\w.]+),\s*'(\w+)'/g,
];
const RETURNED: Readonly<Record<string, RegExp>> = {
  'src/gate/guard-wire.ts': /'(host_\w+)'/g,
  'src/tokens/parse-token.ts': /return '(\w+_\w+)'/g,
  'src/wire/canonical-path.ts': /'(path_\w+)'/g,
  'src/upstream/errors.ts': /^ {2}[A-Z0-9_]+: '(\w+)',$|: '(\w+_failed)';$/gm,
};

function reasonsOf(path: string): string[] {
  const text = read(path);
  const patterns = [...GIVEN, ...(RETURNED[path] === undefined ? [] : [RETURNED[path]])];
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].flatMap(([, ...words]) => words.filter((word) => word !== undefined)),
  );
}

t.test('every reason in the source is in the table', async (t) => {
  const found = new Map(files.flatMap((path) => reasonsOf(path).map((reason) => [reason, path] as const)));
  t.ok(found.size > 90, `${found.size} reasons were found`);
  for (const [reason, path] of found) t.ok(documented.has(reason), `${reason} of ${path}`);
});

t.test('every reason in the table is in the source', async (t) => {
  t.ok(documented.size > 90, `${documented.size} reasons are documented`);
  const text = files.map(read).join('\n');
  const prefixes = [...text.matchAll(/`(\w+_)\$\{/g)].map(([, prefix = '']) => prefix);
  for (const reason of documented) {
    const made = text.includes(`'${reason}'`) || prefixes.some((prefix) => reason.startsWith(prefix));
    t.ok(made, reason);
  }
});

t.test('every answer of the table has its example above', async (t) => {
  for (const { answer } of rows) t.ok(answer in EXAMPLES, answer);
});
