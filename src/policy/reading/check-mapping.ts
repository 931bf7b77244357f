/** Mappings: objects with the keys of the schema, and maps with names of the operator's choosing. */

import { foldHeaderName } from '../../wire/fold-header-name.ts';
import type { Key, MapNode, ObjectNode } from '../schema/node.ts';
import { type CheckContext, type CheckValue, type Path, wrongType } from './check-context.ts';
import { adviceToAdd, hasFile, type KeyPlace, reportRules, reportUnknownKeys } from './check-keys.ts';
import { type Located, type LocatedEntry, type LocatedMap, locate } from './document.ts';
import { asMapping, fillFromPreset } from './fill-preset.ts';

/** An object with the keys that are well; never undefined, so that what it holds can be judged further. */
export function checkObject(
  node: ObjectNode,
  located: Located,
  path: Path,
  context: CheckContext,
): Record<string, unknown> {
  const written = asMapping(node, located);
  if (written === null) {
    wrongType(node, located, path, context);
    return defaultsOf(node, context.check);
  }
  const { map, uncertain, examples } = fillFromPreset(node, written);
  if (map !== written) context.standIn(located, map);
  const misspelt = reportUnknownKeys(node, map, path, context);
  const place = { path, context, misspelt: new Set([...misspelt, ...uncertain]), examples };
  reportRules(node, map, place);
  return valuesOf(node, map, place);
}

function valuesOf(node: ObjectNode, map: LocatedMap, place: KeyPlace): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(node.keys)) {
    values[name] = keyValue(name, key, map, place);
  }
  return values;
}

function keyValue(name: string, key: Key, map: LocatedMap, place: KeyPlace): unknown {
  const { context } = place;
  const { check } = context;
  const entry = map.entries.get(name);
  if (key.notYet !== undefined) {
    if (entry) reportNotYet(name, key, entry, place);
    return undefined;
  }
  if (entry) return givenValue(name, key, entry, place);
  if (hasFile(key) && map.entries.has(`${name}_file`)) return valueFromFile(name, key, map, place);
  if (key.required === true && !place.misspelt.has(name)) {
    const message = `is missing; ${adviceToAdd(name, place.examples[name] ?? key.example)}`;
    const finding = { path: [...place.path, name], code: 'required', message };
    context.problems.reportAt(map.at, finding);
  }
  return fallback(key, check);
}

function givenValue(name: string, key: Key, { value, implied }: LocatedEntry, place: KeyPlace): unknown {
  const { check } = place.context;
  const located = key.secret === true || key.concealed === true ? concealed(value) : value;
  const path = implied === true ? place.path : [...place.path, name];
  const checked = check(key.node, located, path, place.context);
  return checked === undefined ? fallback(key, check) : overDefault(key, checked, check);
}

function fallback(key: Key, check: CheckValue): unknown {
  return key.inherited === true ? undefined : defaultOf(key, check);
}

/** Lays a map over its default where the schema says so. Names are header names: compared as headers are folded. */
function overDefault(key: Key, value: unknown, check: CheckValue): unknown {
  const base = key.node.kind === 'map' && key.node.overDefault === true ? defaultOf(key, check) : null;
  if (!(value instanceof Map) || !(base instanceof Map)) return value;
  const written = new Set([...value.keys()].map(foldHeaderName));
  const kept = [...base].filter(([name]) => !written.has(foldHeaderName(name)));
  return new Map([...kept, ...value]);
}

function concealed(located: Located): Located {
  return located.kind === 'scalar' ? { ...located, sensitive: true } : located;
}

function reportNotYet(name: string, key: Key, entry: LocatedEntry, place: KeyPlace): void {
  const { value } = entry;
  const saysNone = value.kind === 'scalar' && (value.value === 'none' || value.value === false);
  if (key.node.kind === 'or-none' && saysNone) return;
  const message = 'is not supported yet; take it out, since it would have no effect';
  place.context.problems.reportAt(entry.keyAt, {
    path: [...place.path, name],
    code: 'not_yet_supported',
    message,
  });
}

function valueFromFile(name: string, key: Key, map: LocatedMap, place: KeyPlace): unknown {
  const { context } = place;
  const { check } = context;
  const value = map.entries.get(`${name}_file`)?.value;
  if (value === undefined) return fallback(key, check);
  const path = [...place.path, `${name}_file`];
  const fileName = check({ kind: 'text' }, value, path, context);
  if (typeof fileName !== 'string' || value.kind !== 'scalar') return defaultOf(key, check);
  if (key.file !== undefined) {
    const tree = context.readTree(fileName, value, path, key.file);
    if (tree === null) return defaultOf(key, check);
    context.graft(map, name, tree);
    return check(key.node, tree, [...place.path, name], context);
  }
  const text = context.readNamed(fileName, value, path, true)?.text.replace(/\r?\n$/, '');
  if (text === undefined) return defaultOf(key, check);
  if (text !== '') return text;
  context.problems.reportAt(value.at, { path, code: 'empty', message: 'names an empty file' });
  return defaultOf(key, check);
}

const cachedDefaults = new WeakMap<Key, unknown>();

/** The value of a key that nobody wrote; shared by all, and never to be changed. */
export function defaultOf(key: Key, check: CheckValue): unknown {
  if (key.default === undefined) return undefined;
  if (!cachedDefaults.has(key)) {
    const at = { file: 'default', line: 0, column: 0 };
    cachedDefaults.set(key, check(key.node, locate(key.default, at), [], { ...SILENT, check }));
  }
  return cachedDefaults.get(key);
}

/** An object of which nothing is known. */
export function defaultsOf(node: ObjectNode, check: CheckValue): Record<string, unknown> {
  return Object.fromEntries(Object.entries(node.keys).map(([name, key]) => [name, fallback(key, check)]));
}

/** Defaults are ours: a test shows that none of them has a problem, and none names a file. */
const SILENT: Omit<CheckContext, 'check'> = {
  problems: {
    report() {},
    reportAt(_, finding) {
      throw new Error(`a default is wrong: ${finding.message}`);
    },
    positionOf: () => ({ file: 'default', line: 0, column: 0 }),
    count: 0,
    sorted: () => [],
  },
  readNamed: () => null,
  readTree: () => null,
  graft() {},
  standIn() {},
};

/** A map with the entries that are well, in the order of the file; undefined when it is no mapping at all. */
export function checkMap(node: MapNode, located: Located, path: Path, context: CheckContext): unknown {
  if (located.kind !== 'map') return wrongType(node, located, path, context);
  const values = new Map<string, unknown>();
  for (const [name, entry] of located.entries) {
    if (node.name && !node.name.pattern.test(name)) {
      const message = `must be ${node.name.expected}`;
      context.problems.reportAt(entry.keyAt, { path: [...path, name], code: 'invalid_name', message });
      continue;
    }
    const value = context.check(node.value, entry.value, [...path, name], context);
    if (value !== undefined) values.set(name, value);
  }
  return values;
}
