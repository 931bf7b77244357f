/**
 * The words in which the configuration is described, once: each shape is plain data that the checker, the
 * JSON Schema, the reference and the documentation walk, and carries the TypeScript type of what it yields.
 */
import type { Rate } from '../rate.ts';
import type { Key, Node, ObjectNode, Scalar } from './node.ts';

declare const output: unique symbol;
declare const merged: unique symbol;

/** A description of values; `T` is what a checked value becomes. */
export interface Shape<out T> {
  readonly node: Node;
  readonly [output]?: () => T;
}

/** A key of an object with the type that it yields: `undefined` stands for "not given" and for "already reported". */
export interface KeyOf<out T> extends Key {
  readonly [output]?: () => T;
}

/** What a shape yields. */
export type Infer<S> = S extends { readonly [output]?: () => infer T } ? T : never;

/** Options of a key. */
export interface KeyOptions {
  /** Behaviour, unit, bounds, RFC: the published documentation, in Markdown. */
  readonly doc: string;
  /** As one would write it in the file. */
  readonly default?: unknown;
  /** The default in words, where it is no fixed value. */
  readonly defaultText?: string;
  readonly required?: boolean;
  /** As one would write it in the file. */
  readonly example?: unknown;
  /** The value is never shown; `NAME_file` is added as its sibling, of which exactly one may be given. */
  readonly secret?: boolean;
  /** No message repeats the value, since somebody may put a secret there by mistake. */
  readonly concealed?: boolean;
  /** The reference file gives the example although there is no default, since it would not hold together without. */
  readonly live?: boolean;
  /** Adds `NAME_file` for a value that is not secret: the file holds the value as YAML or JSON, or as JSON only. */
  readonly file?: 'document' | 'json';
  /** Refused as `not_yet_supported`; says what it will be for. */
  readonly notYet?: string;
}

type KeyType<T, O extends KeyOptions> = O extends { readonly default: unknown } ? T : T | undefined;

/**
 * One key. With a `default` its value is always there; otherwise it is `undefined` when it is not given, and
 * when it was required or wrong and has been reported.
 */
export function key<T, const O extends KeyOptions>(shape: Shape<T>, options: O): KeyOf<KeyType<T, O>> {
  return { node: shape.node, ...options };
}

/** A key that `defaults` may hold for all routes: nothing is filled in until the two have been merged. */
export interface InheritedKeyOf<out T, out M> extends KeyOf<T | null | undefined> {
  readonly [merged]?: () => M;
}

/**
 * A key of `routes[]` and of `defaults`. What the route says wins, then what `defaults` says, then the default
 * here; `none` (null) on the route leaves out `defaults`. A time or size keeps its own meaning of `none`.
 */
export function inherited<T, const O extends KeyOptions>(
  shape: Shape<T>,
  options: O,
): InheritedKeyOf<T, KeyType<T, O>> {
  const { node } = shape;
  const ownNone = node.kind === 'duration' || node.kind === 'size';
  return { node: ownNone ? node : { kind: 'or-none', inner: node }, ...options, inherited: true };
}

/** What the keys of a route yield once `defaults` has been merged in. */
export type InferMerged<K extends Keys> = {
  readonly [P in keyof K]: K[P] extends { readonly [merged]?: () => infer M } ? M : Infer<K[P]>;
};

type Keys = Readonly<Record<string, KeyOf<unknown>>>;
type ObjectOf<K extends Keys> = { readonly [P in keyof K]: Infer<K[P]> };

/** Rules on the keys of an object, checked by what is written, not by defaults. */
export type ObjectRules = Omit<ObjectNode, 'kind' | 'keys'>;

/** A mapping with these keys and no others. */
export function object<K extends Keys>(
  keys: K,
  rules: ObjectRules = {},
): Shape<ObjectOf<K>> & { readonly node: ObjectNode } {
  return { node: { kind: 'object', keys, ...rules } };
}

/** Text, never empty, without unfilled placeholders unless it is `verbatim`. `pattern` with what it asks for in words, and `advice` for something else that was written. */
export function text(
  rules: {
    pattern?: RegExp;
    expected?: string;
    advice?: string;
    notYet?: { pattern: RegExp; what: string };
    mistake?: { pattern: RegExp; code: string; message: string };
    verbatim?: boolean;
  } = {},
): Shape<string> {
  return { node: { kind: 'text', ...rules } };
}

/** `true` or `false`. */
export function boolean(): Shape<boolean> {
  return { node: { kind: 'boolean' } };
}

/** A number, as a claim may hold one. */
export function number(): Shape<number> {
  return { node: { kind: 'number' } };
}

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** A whole number within bounds; `none: true` allows `none`, which becomes Infinity. */
export function integer(bounds: Bounds & { none?: boolean } = {}): Shape<number> {
  return { node: { kind: 'integer', ...bounds } };
}

/** A time such as `500ms`, `30s`, `5m`, `1h`, in milliseconds; bounds too. `none: true` allows `none` (Infinity). */
export function duration(bounds: Bounds & { none?: boolean } = {}): Shape<number> {
  return { node: { kind: 'duration', ...bounds } };
}

/** A size such as `512B`, `64KiB`, `64Ki`, `10MiB`, in bytes; bounds too. `none: true` allows `none` (Infinity). */
export function size(bounds: Bounds & { none?: boolean } = {}): Shape<number> {
  return { node: { kind: 'size', ...bounds } };
}

/** A date (its first moment, UTC) or an RFC 3339 time, in epoch milliseconds; `none` is Infinity. */
export function moment(): Shape<number> {
  return { node: { kind: 'moment' } };
}

/** So many in a time, such as `100/1m`; bounds are those of `RATE_BOUNDS`. */
export function rate(): Shape<Rate> {
  return { node: { kind: 'rate' } };
}

/** One of these. `notYet` are words that later versions will know. */
export function choice<const V extends string | number>(
  values: readonly V[],
  rules: { notYet?: readonly string[] } = {},
): Shape<V> {
  return { node: { kind: 'choice', values, ...rules } };
}

/** Name of a file, relative to the file that names it; read at load. */
export interface NamedFile {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

/** A file whose text is read at load, and again when it changes. */
export function file(): Shape<NamedFile> {
  return { node: { kind: 'file', content: true } };
}

/** A file that is only known to be readable; whoever uses it reads it. Yields its absolute path. */
export function filePath(): Shape<string> {
  return { node: { kind: 'file', content: false } };
}

interface ListRules {
  readonly min?: number;
  /** `none` stands for the empty list. */
  readonly none?: boolean;
}

/** A list; one value that is no list stands for a list of one. */
export function listOf<T>(item: Shape<T>, rules: ListRules = {}): Shape<readonly T[]> {
  return { node: { kind: 'list', item: item.node, single: true, ...rules } };
}

/** A list, and nothing else: for lists of mappings, where a short form would hide a forgotten dash. */
export function strictListOf<T>(item: Shape<T>, rules: ListRules = {}): Shape<readonly T[]> {
  return { node: { kind: 'list', item: item.node, single: false, ...rules } };
}

interface MapRules {
  /** What names must look like, and that in words. */
  readonly name?: { readonly pattern: RegExp; readonly expected: string };
  /** How names are called in the documentation: `NAME`, `HEADER`. */
  readonly placeholder: string;
  /** What is written is laid over the default, name by name, instead of replacing it. */
  readonly overDefault?: boolean;
}

/** A mapping from names of the operator's choosing. In the order of the file. */
export function mapOf<T>(value: Shape<T>, rules: MapRules): Shape<ReadonlyMap<string, T>> {
  return { node: { kind: 'map', value: value.node, ...rules } };
}

/** `none` (or `false`) beside the shape; yields null. */
export function orNone<T>(shape: Shape<T>): Shape<T | null> {
  return { node: { kind: 'or-none', inner: shape.node } };
}

/** One of two forms: anything but a mapping, or a mapping. */
export function scalarOrMapping<S, M>(scalar: Shape<S>, mapping: Shape<M>): Shape<S | M> {
  return { node: { kind: 'scalar-or-mapping', scalar: scalar.node, mapping: mapping.node } };
}

/** A string, number or boolean, as a claim may be. */
export function scalar(): Shape<Scalar> {
  return { node: { kind: 'scalar' } };
}

/** Any JSON value, taken as it is: for key sets, whose members their own RFC describes. */
export function json(): Shape<unknown> {
  return { node: { kind: 'json' } };
}

/**
 * A key that the product will know and refuses until then as `not_yet_supported`. With `none: true` the value
 * `none` is taken, since that is what holds.
 */
export function later(doc: string, options: { none?: boolean } = {}): KeyOf<undefined> {
  const node: Node = options.none ? { kind: 'or-none', inner: { kind: 'json' } } : { kind: 'json' };
  return { node, doc, notYet: doc };
}
