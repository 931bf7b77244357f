/** A configuration as it was written: a tree in which everything knows its place. Knows nothing of YAML or of keys. */
import type { Position } from '../problem.ts';

export type Located = LocatedScalar | LocatedList | LocatedMap;

export interface LocatedScalar {
  readonly kind: 'scalar';
  readonly at: Position;
  readonly value: string | number | boolean | null;
  /** Came from the environment or is a secret: no message repeats it. */
  readonly sensitive: boolean;
  /** Nobody knows its value yet: an undefined variable while reading detached. */
  readonly opaque: boolean;
  /** The preset that says so, for messages; absent when it is written. */
  readonly preset?: string;
}

export interface LocatedList {
  readonly kind: 'list';
  readonly at: Position;
  readonly items: readonly Located[];
}

export interface LocatedMap {
  readonly kind: 'map';
  readonly at: Position;
  /** Written as `{...}`. */
  readonly flow: boolean;
  readonly entries: ReadonlyMap<string, LocatedEntry>;
}

export interface LocatedEntry {
  /** Where the key stands. */
  readonly keyAt: Position;
  readonly value: Located;
  /** Nobody wrote it: a preset says so. Its place is that of the preset's name. */
  readonly filled?: true;
  /** The key is not spelt: the value stands for the whole object. */
  readonly implied?: true;
}

/** A scalar that is known, at a place. */
export function locatedScalar(value: string | number | boolean | null, at: Position): LocatedScalar {
  return { kind: 'scalar', at, value, sensitive: false, opaque: false };
}

/** The tree of a JavaScript value as one would write it in the file: for defaults and other values of our own. */
export function locate(value: unknown, at: Position): Located {
  if (Array.isArray(value)) return { kind: 'list', at, items: value.map((item) => locate(item, at)) };
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      ([name, member]) => [name, { keyAt: at, value: locate(member, at) }] as const,
    );
    return { kind: 'map', at, flow: false, entries: new Map(entries) };
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return locatedScalar(value, at);
  }
  return locatedScalar(null, at);
}

/** The plain value of a tree, as JSON has it; undefined when something in it is not known yet. */
export function plainValue(located: Located): unknown {
  if (located.kind === 'scalar') return located.opaque ? undefined : located.value;
  if (located.kind === 'list') {
    const items = located.items.map(plainValue);
    return items.includes(undefined) ? undefined : items;
  }
  const members = [...located.entries].map(([name, entry]) => [name, plainValue(entry.value)] as const);
  return members.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(members);
}
