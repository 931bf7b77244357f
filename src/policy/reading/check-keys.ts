/** The keys of an object as such: unknown ones, those that exclude each other, and those that are missing. */
import { writeValue } from '../reference/write-value.ts';
import type { Key, ObjectNode } from '../schema/node.ts';
import type { CheckContext, Path } from './check-context.ts';
import type { LocatedMap } from './document.ts';
import { suggest } from './suggest.ts';

/** An object whose keys are looked at. */
export interface KeyPlace {
  readonly path: Path;
  readonly context: CheckContext;
  /** Keys that unknown ones were probably meant to be. */
  readonly misspelt: ReadonlySet<string>;
  /** What to write for keys that are missing, where more is known than the schema's own example. */
  readonly examples: Readonly<Record<string, unknown>>;
}

/** Whether `NAME_file` stands beside the key. */
export function hasFile(key: Key): boolean {
  return key.secret === true || key.file !== undefined;
}

/** Reports keys that the object does not know. Returns those that were probably meant, which are not missing then. */
export function reportUnknownKeys(
  node: ObjectNode,
  map: LocatedMap,
  path: Path,
  context: CheckContext,
): ReadonlySet<string> {
  const meant = new Set<string>();
  for (const [name, { keyAt }] of map.entries) {
    if (isKnown(node, name)) continue;
    const near = nearestKeys(node, name);
    const [nearest = null] = near;
    const question = nearest === null ? '' : `; did you mean ${near.join(' or ')}?`;
    if (nearest !== null && !map.entries.has(nearest)) meant.add(nearest);
    const finding = {
      path: [...path, name],
      code: 'unknown_key',
      message: `is no key that is known here${question}`,
    };
    context.problems.reportAt(keyAt, nearest === null ? finding : { ...finding, nearest });
  }
  return meant;
}

/** By spelling; else one that lies deeper; else those of which it is the end, as `timeout` is of `response_timeout`. */
function nearestKeys(node: ObjectNode, name: string): readonly string[] {
  const nearest = suggest(name, namesOf(node)) ?? innerKey(node, name);
  return nearest === null ? namesOf(node).filter((known) => known.endsWith(`_${name}`)) : [nearest];
}

function isKnown(node: ObjectNode, name: string): boolean {
  if (Object.hasOwn(node.keys, name)) return true;
  const key = name.endsWith('_file') ? keyOf(node, name.slice(0, -'_file'.length)) : undefined;
  return key !== undefined && hasFile(key);
}

function keyOf(node: ObjectNode, name: string): Key | undefined {
  return Object.hasOwn(node.keys, name) ? node.keys[name] : undefined;
}

function namesOf(node: ObjectNode): string[] {
  return Object.entries(node.keys).flatMap(([name, key]) => (hasFile(key) ? [name, `${name}_file`] : [name]));
}

/** A key that belongs one level deeper: `scopes` on a route is `require.scopes`. */
function innerKey(node: ObjectNode, name: string): string | null {
  for (const [outer, key] of Object.entries(node.keys)) {
    const inner = key.node.kind === 'or-none' ? key.node.inner : key.node;
    if (inner.kind === 'object' && Object.hasOwn(inner.keys, name)) return `${outer}.${name}`;
  }
  return null;
}

/** Reports keys that exclude each other, and groups of which none is given. */
export function reportRules(node: ObjectNode, map: LocatedMap, place: KeyPlace): void {
  const { path, context, misspelt } = place;
  for (const name of map.entries.keys()) {
    const key = keyOf(node, name);
    if (key && hasFile(key)) reportAtMostOne([name, `${name}_file`], map, path, context);
  }
  for (const group of node.atMostOne ?? []) {
    reportAtMostOne(withFiles(node, group), map, path, context);
  }
  for (const group of node.exactlyOne ?? []) {
    const names = withFiles(node, group);
    reportAtMostOne(names, map, path, context);
    if (names.some((name) => map.entries.has(name) || misspelt.has(name))) continue;
    const offered = names.filter((name) => keyOf(node, name)?.notYet === undefined);
    const [first = ''] = offered;
    const start = offered.length === 1 ? 'is incomplete' : `needs one of ${offered.join(', ')}`;
    const message = `${start}; ${adviceToAdd(first, keyOf(node, first)?.example)}`;
    context.problems.reportAt(map.at, { path, code: 'required', message });
  }
}

/** How one writes a key that is missing. */
export function adviceToAdd(name: string, example: unknown): string {
  if (example === undefined) return `add ${name}`;
  return `add e.g. ${writeValue({ [name]: example }).replace(/^\{(.*)\}$/s, '$1')}`;
}

/** A group of keys, with their `NAME_file`. */
export function withFiles(node: ObjectNode, group: readonly string[]): readonly string[] {
  return group.flatMap((name) => {
    const key = keyOf(node, name);
    return key && hasFile(key) ? [name, `${name}_file`] : [name];
  });
}

function reportAtMostOne(names: readonly string[], map: LocatedMap, path: Path, context: CheckContext): void {
  const given = names.filter((name) => map.entries.has(name));
  const [first, second] = given;
  const entry = second === undefined ? undefined : map.entries.get(second);
  if (first === undefined || second === undefined || entry === undefined) return;
  const message = `cannot stand beside ${first}; give one of them`;
  context.problems.reportAt(entry.keyAt, { path: [...path, second], code: 'conflicting_keys', message });
}
