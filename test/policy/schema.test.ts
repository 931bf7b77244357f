import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import t from 'tap';
import { stringify } from 'yaml';
import { generatedFiles } from '../../scripts/docs.ts';
import { createProblemList, formatProblem } from '../../src/policy/problem.ts';
import { readConfiguration } from '../../src/policy/read-policy.ts';
import { checkShape } from '../../src/policy/reading/check-shape.ts';
import { locate } from '../../src/policy/reading/document.ts';
import { createLocator } from '../../src/policy/reading/locate-path.ts';
import { jsonSchemaOf } from '../../src/policy/reference/json-schema.ts';
import { configurationSchema } from '../../src/policy/schema/configuration.ts';
import type { Key, Node, ObjectNode } from '../../src/policy/schema/node.ts';

const root: ObjectNode = configurationSchema.node;
const validate = new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(
  jsonSchemaOf(root),
);
const repository = new URL('../../', import.meta.url);

/** Problems of a document in our reader; files that it names hold a JSON object. */
function problemsOf(document: unknown, text = stringify(document, { lineWidth: 0 })) {
  const reading = readConfiguration({
    file: 'policy.yaml',
    text,
    environment: { JWT_SECRET: 'x', ADMIN_TOKEN: 'x' },
    readFile: () => '{"keys": []}',
  });
  return reading.problems.sorted();
}

type Values = Readonly<Record<string, unknown>>;

interface Spot {
  /** As it is printed, with names for maps and 0 for lists. */
  readonly path: string;
  readonly name: string;
  readonly key: Key;
  readonly owner: ObjectNode;
  /** A whole policy with this value for the key, and what must stand beside it. */
  readonly with: (value: unknown) => unknown;
}

/** Every key of the schema, also inside lists and maps. */
function* spotsOf(
  node: ObjectNode,
  path: string,
  wrap: (value: Values) => unknown,
): Generator<Spot, void, undefined> {
  for (const [name, key] of Object.entries(node.keys)) {
    const full = path === '' ? name : `${path}.${name}`;
    const withValue = (value: unknown) => wrap({ ...neededBeside(node, name), [name]: value });
    yield { path: full, name, key, owner: node, with: withValue };
    if (key.notYet === undefined) yield* innerSpots(key.node, full, withValue);
  }
}

function* innerSpots(
  node: Node,
  path: string,
  wrap: (value: unknown) => unknown,
): Generator<Spot, void, undefined> {
  if (node.kind === 'object') yield* spotsOf(node, path, wrap);
  if (node.kind === 'or-none') yield* innerSpots(node.inner, path, wrap);
  if (node.kind === 'scalar-or-mapping') yield* innerSpots(node.mapping, path, wrap);
  if (node.kind === 'list') yield* innerSpots(node.item, `${path}[0]`, (value) => wrap([value]));
  if (node.kind === 'map') yield* innerSpots(node.value, `${path}.some`, (value) => wrap({ some: value }));
}

/** Required keys, and one of each group of which one must be given, unless `name` is of the group. */
function neededBeside(node: ObjectNode, name: string): Values {
  const required = Object.entries(node.keys).filter(([other, key]) => key.required && other !== name);
  const groups = (node.exactlyOne ?? [])
    .filter((group) => !group.includes(name))
    .map((group) => group[0] ?? '');
  return Object.fromEntries([
    ...required.map(([other, key]) => [other, key.example] as const),
    ...groups.map((other) => [other, node.keys[other]?.example] as const),
  ]);
}

const spots = [...spotsOf(root, '', (value) => value)];
const supported = spots.filter(({ key }) => key.notYet === undefined);

/** Values that the node does not take, whatever else is right. */
function wrongValues(node: Node): unknown[] {
  switch (node.kind) {
    case 'text':
      return [5, true, null, '', [], { a: 1 }, ...(node.pattern ? [' \u0001'] : [])];
    case 'file':
      return [5, true, null, '', [], { a: 1 }];
    case 'boolean':
      return ['yes', 'off', 0, 1, null, '', [], { a: 1 }];
    case 'integer':
      return ['x', '5', 1.5, -1, true, null, '', [], { a: 1 }];
    case 'duration':
      return [30, 0, '30', '1d', '1.5s', 'soon', true, null, '', [], { a: 1 }];
    case 'size':
      return [30, 0, '30', '1KB', 'big', true, null, '', [], { a: 1 }];
    case 'choice':
      return ['nonsense', 77, true, null, '', [], { a: 1 }];
    case 'moment':
      return [2027, 'soon', '2027', true, null, '', [], { a: 1 }];
    case 'number':
      return ['x', true, null, [], { a: 1 }];
    case 'scalar':
      return [null, '', [], { a: 1 }];
    case 'json':
      return ['x', 5, true, null, []];
    default:
      return wrongContainers(node);
  }
}

function wrongContainers(node: Exclude<Node, { kind: 'text' | 'choice' | 'scalar' }>): unknown[] {
  switch (node.kind) {
    case 'object':
      return node.short === undefined ? ['x', 5, true, null, []] : [5, true, null];
    case 'map':
      return ['x', 5, true, null, []];
    case 'list': {
      const items = wrongValues(node.item).filter((item) => !Array.isArray(item) || item.length > 0);
      return [...items.map((item) => [item]), ...(node.single ? items : ['x', 5]), ...(node.min ? [[]] : [])];
    }
    case 'or-none':
      return wrongValues(node.inner).filter((value) => value !== false);
    case 'scalar-or-mapping':
      return wrongValues(node.scalar).filter((value) => typeof value !== 'object' || value === null);
    default:
      return [];
  }
}

t.test('the schema describes every key, and every example and default of it is taken', async (t) => {
  t.ok(supported.length > 150, `${supported.length} keys`);
  for (const { path, key, with: withValue } of supported) {
    t.match(key.doc, /^\S.*\.$|^[^.]+$/, `${path} is described`);
    t.ok(key.default !== undefined || key.example !== undefined, `${path} has a default or an example`);
    for (const value of [key.default, key.example].filter((value) => value !== undefined)) {
      const document = withValue(value);
      t.same(problemsOf(document).map(formatProblem), [], `${path}: ${JSON.stringify(value)} by the reader`);
      validate(document);
      t.same(validate.errors ?? [], [], `${path}: ${JSON.stringify(value)} by the editor schema`);
    }
  }
});

t.test('every wrong type is refused by the reader and by the editor schema', async (t) => {
  for (const { path, key, with: withValue } of supported) {
    for (const value of wrongValues(key.node)) {
      const document = withValue(value);
      const problems = problemsOf(document);
      t.ok(problems.length > 0, `${path}: ${JSON.stringify(value)} by the reader`);
      t.ok(problems.every(({ line, message }) => line > 0 && message.length > 10));
      t.notOk(validate(document), `${path}: ${JSON.stringify(value)} by the editor schema`);
    }
  }
});

t.test('an unknown key is refused in every object, by both', async (t) => {
  const owners = new Map(supported.map((spot) => [spot.owner, spot]));
  for (const [owner, { path, name, key, with: withValue }] of owners) {
    const value = key.default ?? key.example;
    const document = JSON.parse(JSON.stringify(withValue(value)), (_, member) =>
      isOwnerOf(member, owner, name) ? { ...member, unheard_of: 1 } : member,
    );
    t.match(
      problemsOf(document).map(({ code }) => code),
      ['unknown_key'],
      path,
    );
    t.notOk(validate(document), path);
  }
});

function isOwnerOf(member: unknown, owner: ObjectNode, name: string): boolean {
  if (typeof member !== 'object' || member === null || Array.isArray(member)) return false;
  return Object.hasOwn(member, name) && Object.keys(member).every((key) => Object.hasOwn(owner.keys, key));
}

t.test(
  'a key of a later version is refused as not_yet_supported, at its own place; none is taken',
  async (t) => {
    const later = spots.filter(({ key }) => key.notYet !== undefined);
    t.ok(later.length > 10, `${later.length} keys`);
    for (const { path, name, key, with: withValue } of later) {
      const problems = problemsOf(withValue({ anything: 1 }));
      t.same(
        problems.map(({ code }) => code),
        ['not_yet_supported'],
        path,
      );
      t.equal(
        problems[0]?.path
          .replaceAll(/\["?|"?\]/g, '.')
          .split('.')
          .at(-1),
        name,
        path,
      );
      t.notOk(validate(withValue({ anything: 1 })), path);
      if (key.node.kind !== 'or-none') {
        const codes = problemsOf(withValue('none')).map(({ code }) => code);
        t.same(codes, ['not_yet_supported'], `${path}: none`);
        continue;
      }
      for (const none of ['none', false]) {
        t.same(problemsOf(withValue(none)).map(formatProblem), [], `${path}: ${none}`);
        t.ok(validate(withValue(none)), `${path}: ${none}`);
      }
    }
  },
);

t.test('words and forms of a later version are refused so too', async (t) => {
  const at = { file: 'policy.yaml', line: 1, column: 1 };
  const nodes: readonly Node[] = [
    { kind: 'choice', values: ['compat'], notYet: ['later'] },
    { kind: 'text', notYet: { pattern: /^later$/, what: 'a later form' } },
  ];
  for (const node of nodes) {
    const locator = createLocator('policy.yaml');
    const problems = createProblemList(locator);
    const nothing = { readNamed: () => null, readTree: () => null, graft() {}, standIn() {} };
    const value = checkShape(node, locate('later', at), ['a'], { problems, check: checkShape, ...nothing });
    t.equal(value, undefined);
    t.match(problems.sorted(), [{ code: 'not_yet_supported', path: 'a', message: /not supported yet/ }]);
  }
});

t.test('the editor schema asks for what no preset fills, and for nothing that one does', async (t) => {
  const rows: readonly (readonly [entry: Record<string, unknown>, taken: boolean])[] = [
    [{ issuer: 'https://a', audience: 'b' }, true],
    [{ issuer: 'https://a' }, false],
    [{ audience: 'b' }, false],
    [{ preset: 'google', audience: 'b' }, true],
    [{ preset: 'google' }, false],
    [{ preset: 'supabase', issuer: 'https://a' }, true],
    [{ preset: 'supabase' }, false],
    [{ preset: 'keycloak', audience: 'b' }, false],
    [{ preset: 'cognito', issuer: 'https://a' }, false],
    [{ preset: 'nonsense', issuer: 'https://a', audience: 'b' }, false],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the value is a variable of the policy.
    [{ preset: '${PRESET}' }, true],
  ];
  for (const [entry, taken] of rows) {
    t.equal(validate({ issuers: { a: entry }, routes: [{ path: '/' }] }), taken, JSON.stringify(entry));
  }
});

t.test('a secret can be given as a file, and only once', async (t) => {
  const withFiles = supported.filter(({ key }) => key.secret === true || key.file !== undefined);
  t.ok(withFiles.length >= 4);
  for (const { path, name, key, with: withValue } of withFiles) {
    const both = JSON.parse(JSON.stringify(withValue(key.example)), (_, member) =>
      typeof member === 'object' && member !== null && Object.hasOwn(member, name)
        ? { ...member, [`${name}_file`]: 'f' }
        : member,
    );
    t.same(
      problemsOf(both).map(({ code }) => code),
      ['conflicting_keys'],
      path,
    );
    t.notOk(validate(both), path);
  }
});

t.test('the generated files are what the schema says; otherwise: npm run docs', async (t) => {
  const read = (path: string) => readFileSync(new URL(path, repository), 'utf8');
  for (const [path, text] of generatedFiles(read)) t.ok(read(path) === text, path);
});

t.test('the files of config/ are taken by the reader and by the editor schema', async (t) => {
  for (const name of ['reference', 'example', 'image']) {
    const text = readFileSync(new URL(`config/sallyport.${name}.yaml`, repository), 'utf8');
    const reading = readConfiguration({
      file: `sallyport.${name}.yaml`,
      text,
      environment: { SALLYPORT_UPSTREAM: 'http://a', SALLYPORT_ISSUER: 'https://b', SALLYPORT_AUDIENCE: 'c' },
      readFile: () => '',
    });
    t.same(reading.problems.sorted().map(formatProblem), [], name);
    const { parse } = await import('yaml');
    validate(parse(text));
    t.same(validate.errors ?? [], [], name);
  }
});

t.test('the reference file holds every key, and the page of the documentation too', async (t) => {
  const reference = readFileSync(new URL('config/sallyport.reference.yaml', repository), 'utf8');
  const page = readFileSync(new URL('docs/configuration.md', repository), 'utf8');
  for (const { path, name, key } of spots) {
    t.ok(page.includes(`\`${name}\``) || page.includes(`.${name}\``), `${path} in the documentation`);
    const inMatcher =
      /require_(?:claims|header)|claims\.some/.test(path) ||
      /headers\.some|token_sources\[0\]|rewrite\./.test(path);
    if (key.notYet !== undefined || inMatcher) continue;
    t.match(reference, new RegExp(`^[ #-]*${name}:`, 'm'), `${path} in the reference file`);
  }
});
