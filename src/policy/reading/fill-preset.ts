/**
 * Puts what a preset says where nothing is written, before anything is checked: so the same checks, defaults and
 * files hold for both. Never changes what is written, and guesses nothing when the preset is not known.
 */
import type { Node, ObjectNode, Presets } from '../schema/node.ts';
import { withFiles } from './check-keys.ts';
import { type Located, type LocatedEntry, type LocatedMap, type LocatedScalar, locate } from './document.ts';

/** An object as it counts, and what is known of the keys that are missing in it. */
export interface FilledObject {
  /** The very object that was given when no preset counts. */
  readonly map: LocatedMap;
  /** Keys that nobody may call missing, because the name of the preset is wrong or not known yet. */
  readonly uncertain: readonly string[];
  /** What is left to write with this preset. */
  readonly examples: Readonly<Record<string, unknown>>;
}

/** Fills an object from the preset that it names. */
export function fillFromPreset(node: ObjectNode, written: LocatedMap): FilledObject {
  const { presets } = node;
  const named = presets && written.entries.get(presets.key)?.value;
  if (presets === undefined || named === undefined) return { map: written, uncertain: [], examples: {} };
  const name = named.kind === 'scalar' && typeof named.value === 'string' ? named.value : '';
  const preset = Object.hasOwn(presets.values, name) ? presets.values[name] : undefined;
  if (preset === undefined || named.kind !== 'scalar') {
    const fillable = Object.values(presets.values).flatMap(({ fills }) => Object.keys(fills));
    return { map: written, uncertain: fillable, examples: {} };
  }
  const dropped = droppedKeys(node, presets, written);
  const kept = Object.entries(preset.fills).filter(([key]) => !dropped.has(key));
  const tree = locate(Object.fromEntries(kept), named.at);
  const first = firstText(written.entries.get(presets.placeholder) ?? entryOf(tree, presets.placeholder));
  const origin = { name, placeholder: `{${presets.placeholder}}`, first };
  return { map: fillObject(node, written, settle(tree, origin)), uncertain: [], examples: preset.examples };
}

/** The object that a value stands for: itself, or its one key that the short form means; null when it is neither. */
export function asMapping(node: ObjectNode, located: Located): LocatedMap | null {
  if (located.kind === 'map') return located;
  if (node.short === undefined) return null;
  const { at } = located;
  const entry = { keyAt: at, value: located, implied: true } as const;
  return { kind: 'map', at, flow: false, entries: new Map([[node.short, entry]]) };
}

function droppedKeys(node: ObjectNode, { yields }: Presets, { entries }: LocatedMap): ReadonlySet<string> {
  const dropped = yields.filter(({ when }) => withFiles(node, when).some((key) => entries.has(key)));
  return new Set(dropped.flatMap(({ drop }) => drop));
}

function fillObject(node: ObjectNode, written: LocatedMap, preset: Located): LocatedMap {
  const base = asMapping(node, preset);
  if (base === null) return written;
  const entries = new Map<string, LocatedEntry>();
  for (const [name, { keyAt, value }] of base.entries) {
    if (!written.entries.has(name)) entries.set(name, { keyAt, value, filled: true });
  }
  for (const [name, entry] of written.entries) {
    const below = node.keys[name]?.node;
    const own = base.entries.get(name)?.value;
    const value = own && below ? fillValue(below, entry.value, own) : entry.value;
    entries.set(name, value === entry.value ? entry : { ...entry, value });
  }
  return { ...written, entries };
}

/** Objects are filled key by key and maps name by name; anything else that is written stands alone. */
function fillValue(node: Node, written: Located, preset: Located): Located {
  if (node.kind === 'object') {
    const own = asMapping(node, written);
    return own === null ? written : fillObject(node, own, preset);
  }
  if (node.kind !== 'map' || written.kind !== 'map' || preset.kind !== 'map') return written;
  const filled = [...preset.entries].map(
    ([name, entry]) => [name, { ...entry, filled: true as const }] as const,
  );
  return { ...written, entries: new Map<string, LocatedEntry>([...filled, ...written.entries]) };
}

interface Origin {
  readonly name: string;
  readonly placeholder: string;
  /** What the placeholder stands for; null when that is wrong or missing. */
  readonly first: LocatedScalar | null;
}

/** The tree of a preset with its placeholders replaced; a text is unknown where what it needs is. */
function settle(located: Located, origin: Origin): Located {
  if (located.kind === 'list')
    return { ...located, items: located.items.map((item) => settle(item, origin)) };
  if (located.kind === 'map') {
    const entries = [...located.entries].map(
      ([name, entry]) => [name, { ...entry, value: settle(entry.value, origin) }] as const,
    );
    return { ...located, entries: new Map(entries) };
  }
  const { name: preset, placeholder, first } = origin;
  if (typeof located.value !== 'string' || !located.value.includes(placeholder))
    return { ...located, preset };
  if (first === null) return { ...located, preset, value: null, opaque: true, sensitive: true };
  const stem = String(first.value).replace(/\/$/, '');
  // A function, since `$&` in a replacement would have a meaning of its own.
  const value = located.value.replaceAll(placeholder, () => stem);
  return { ...located, preset, value, sensitive: first.sensitive };
}

function entryOf(tree: Located, name: string): LocatedEntry | undefined {
  return tree.kind === 'map' ? tree.entries.get(name) : undefined;
}

/** The first text of a list, or the one that stands for it. */
function firstText(entry: LocatedEntry | undefined): LocatedScalar | null {
  const first = entry?.value.kind === 'list' ? entry.value.items[0] : entry?.value;
  return first?.kind === 'scalar' && typeof first.value === 'string' && first.value !== '' ? first : null;
}
