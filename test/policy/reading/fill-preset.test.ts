/** Presets on a small schema: what is filled, what stays as it was, and where both are found again. */
import t from 'tap';
import type { Position } from '../../../src/policy/problem.ts';
import {
  type LocatedEntry,
  type LocatedMap,
  locate,
  locatedScalar,
} from '../../../src/policy/reading/document.ts';
import { asMapping, fillFromPreset } from '../../../src/policy/reading/fill-preset.ts';
import { createLocator } from '../../../src/policy/reading/locate-path.ts';
import { key, listOf, mapOf, object, text } from '../../../src/policy/schema/builder.ts';

const inner = object(
  { list: key(listOf(text()), { doc: 'x' }), other: key(text(), { doc: 'x' }) },
  { short: 'list' },
);
const { node } = object(
  {
    preset: key(text(), { doc: 'x' }),
    name: key(listOf(text()), { doc: 'x' }),
    url: key(text(), { doc: 'x' }),
    inner: key(inner, { doc: 'x' }),
    map: key(mapOf(text(), { placeholder: 'X' }), { doc: 'x' }),
    secret: key(text(), { doc: 'x', secret: true }),
  },
  {
    presets: {
      key: 'preset',
      placeholder: 'name',
      yields: [{ when: ['secret'], drop: ['url'] }],
      values: {
        one: {
          fills: { url: '{name}/a/{name}', inner: { other: 'filled' }, map: { a: '1', b: '2' } },
          examples: { name: 'n' },
        },
        short: { fills: { inner: 'filled' }, examples: {} },
      },
    },
  },
);

const written: Position = { file: 'f', line: 2, column: 5 };
const preset: Position = { file: 'f', line: 9, column: 13 };

/** Everything stands in line 2, but for the name of the preset. */
function mapping(values: Readonly<Record<string, unknown>>): LocatedMap {
  const tree = locate(values, written) as LocatedMap;
  const named = { keyAt: preset, value: locatedScalar(String(values.preset), preset) };
  return { ...tree, entries: new Map([...tree.entries, ['preset', named]]) };
}

/** Values by path, each with the line where it is found; only what is written has none of 9. */
function found(map: LocatedMap, paths: readonly string[]): readonly string[] {
  const { map: filled } = fillFromPreset(node, map);
  const locator = createLocator('f');
  const root: LocatedMap = { ...map, entries: new Map([['x', { keyAt: written, value: map }]]) };
  locator.setRoot(root);
  locator.standIn(map, filled);
  return paths.map((path) => {
    const steps = ['x', ...path.split('.')];
    const { position, path: spelt } = locator.locate(steps);
    return `${spelt.slice(1).join('.')} in ${position.line}${locator.isWritten(steps) ? ' written' : ''}`;
  });
}

t.test('what is written keeps its place; what is filled has that of the preset and is not written', (t) => {
  const map = mapping({ preset: 'one', name: 'n', inner: ['a', 'b'], map: { b: '3' } });
  t.strictSame(
    found(map, ['name', 'url', 'inner', 'inner.list', 'inner.other', 'map.a', 'map.b', 'preset']),
    [
      'name in 2 written',
      'url in 9',
      'inner in 2 written',
      'inner in 2 written',
      'inner.other in 9',
      'map.a in 9',
      'map.b in 2 written',
      'preset in 9 written',
    ],
  );
  t.end();
});

t.test('a short form is filled on either side', (t) => {
  const rows = [
    [mapping({ preset: 'short', inner: { other: 'own' } }), ['inner.list in 9', 'inner.other in 2 written']],
    [mapping({ preset: 'short', inner: 'own' }), ['inner in 2 written', 'inner in 2']],
    [mapping({ preset: 'short' }), ['inner in 9', 'inner in 9']],
  ] as const;
  for (const [map, places] of rows) t.strictSame(found(map, ['inner.list', 'inner.other']), places);
  t.end();
});

t.test('each placeholder is replaced, and is as secret and as unknown as what it stands for', (t) => {
  const urlOf = (map: LocatedMap) => fillFromPreset(node, map).map.entries.get('url')?.value;
  t.match(urlOf(mapping({ preset: 'one', name: 'n/' })), { value: 'n/a/n', sensitive: false, preset: 'one' });
  t.match(urlOf(mapping({ preset: 'one', name: ['n', 'm'] })), { value: 'n/a/n' });
  const map = mapping({ preset: 'one', name: 'n' });
  const named = (value: object) => {
    const entry = { keyAt: written, value: { ...locatedScalar('n', written), ...value } };
    return { ...map, entries: new Map<string, LocatedEntry>([...map.entries, ['name', entry]]) };
  };
  t.match(urlOf(named({ sensitive: true })), { value: 'n/a/n', sensitive: true });
  for (const unknown of [named({ value: null, opaque: true }), named({ value: 5 }), named({ value: '' })]) {
    t.match(urlOf(unknown), { value: null, opaque: true, sensitive: true });
  }
  t.match(urlOf(mapping({ preset: 'one' })), { value: null, opaque: true });
  t.end();
});

t.test('a key yields to another, also as a file; nothing changes what is written', (t) => {
  for (const name of ['secret', 'secret_file']) {
    const map = mapping({ preset: 'one', name: 'n', [name]: 's' });
    const before = JSON.stringify([...map.entries]);
    const { map: filled } = fillFromPreset(node, map);
    t.notOk(filled.entries.has('url'), name);
    t.ok(filled.entries.has('inner'));
    t.equal(JSON.stringify([...map.entries]), before);
  }
  t.end();
});

t.test('without a preset that is known the object is the very same', (t) => {
  const plain = locate({ name: 'n' }, written) as LocatedMap;
  t.strictSame(fillFromPreset(node, plain), { map: plain, uncertain: [], examples: {} });
  t.equal(fillFromPreset(node, plain).map, plain);
  for (const name of ['two', 'constructor', '']) {
    const map = mapping({ preset: name });
    const filled = fillFromPreset(node, map);
    t.equal(filled.map, map);
    t.ok(filled.uncertain.includes('url'), 'which may come from the preset that was meant');
  }
  t.end();
});

t.test('only an object with a short form stands for something that is no mapping', (t) => {
  const value = locatedScalar('a', written);
  t.equal(asMapping(node, value), null);
  t.match(asMapping(inner.node, value)?.entries.get('list'), { value, implied: true });
  t.end();
});
