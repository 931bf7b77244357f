/** The data behind the schema's words, as a closed union that every reader of the schema walks. */

/** What a YAML scalar may be once null is refused. */
export type Scalar = string | number | boolean;

export type Node =
  | TextNode
  | AmountNode
  | ChoiceNode
  | FileNode
  | ListNode
  | MapNode
  | ObjectNode
  | OrNoneNode
  | ScalarOrMappingNode
  | { readonly kind: 'boolean' | 'number' | 'moment' | 'rate' | 'scalar' | 'json' };

export interface TextNode {
  readonly kind: 'text';
  readonly pattern?: RegExp;
  /** The pattern in words, as the end of "must be ...". */
  readonly expected?: string;
  /** What to write instead of something else, for messages only. */
  readonly advice?: string;
  /** A form that is not built yet. */
  readonly notYet?: { readonly pattern: RegExp; readonly what: string };
  /** A form that is refused, be it text or a number, with a code and a message of its own. */
  readonly mistake?: { readonly pattern: RegExp; readonly code: string; readonly message: string };
  /** Any text may be meant, also what looks like a placeholder. */
  readonly verbatim?: boolean;
}

export interface AmountNode {
  readonly kind: 'integer' | 'duration' | 'size';
  /** In milliseconds or bytes. */
  readonly min?: number;
  readonly max?: number;
  readonly none?: boolean;
}

export interface ChoiceNode {
  readonly kind: 'choice';
  readonly values: readonly (string | number)[];
  readonly notYet?: readonly string[];
}

export interface FileNode {
  readonly kind: 'file';
  /** False: only that it can be read is checked, and the path is the value. */
  readonly content: boolean;
}

export interface ListNode {
  readonly kind: 'list';
  readonly item: Node;
  readonly single: boolean;
  readonly min?: number;
  readonly none?: boolean;
}

export interface MapNode {
  readonly kind: 'map';
  readonly value: Node;
  readonly placeholder: string;
  readonly name?: { readonly pattern: RegExp; readonly expected: string };
  readonly overDefault?: boolean;
}

export interface ObjectNode {
  readonly kind: 'object';
  readonly keys: Readonly<Record<string, Key>>;
  /** The key for which a value that is no mapping stands. */
  readonly short?: string;
  /** Of each group exactly one key must be given. */
  readonly exactlyOne?: readonly (readonly string[])[];
  /** Of each group at most one key may be given. */
  readonly atMostOne?: readonly (readonly string[])[];
  readonly presets?: Presets;
}

/** Sets of values of which one may stand for what is not written in an object. */
export interface Presets {
  /** The key that names one. */
  readonly key: string;
  readonly values: Readonly<Record<string, Preset>>;
  /** The key whose first value stands for `{KEY}` in texts of a preset, without its final slash. */
  readonly placeholder: string;
  /** When one of `when` is written, none of `drop` is filled. */
  readonly yields: readonly { readonly when: readonly string[]; readonly drop: readonly string[] }[];
}

/** Both as one would write them in the file. */
export interface Preset {
  readonly fills: Readonly<Record<string, unknown>>;
  /** What is left to write, for messages and the documentation. */
  readonly examples: Readonly<Record<string, unknown>>;
}

export interface OrNoneNode {
  readonly kind: 'or-none';
  readonly inner: Node;
}

export interface ScalarOrMappingNode {
  readonly kind: 'scalar-or-mapping';
  readonly scalar: Node;
  readonly mapping: Node;
}

/** One key of an object; see `KeyOptions` for the fields. */
export interface Key {
  readonly node: Node;
  readonly doc: string;
  readonly default?: unknown;
  readonly defaultText?: string;
  readonly required?: boolean;
  readonly example?: unknown;
  readonly secret?: boolean;
  readonly concealed?: boolean;
  readonly live?: boolean;
  readonly file?: 'document' | 'json';
  readonly notYet?: string;
  /** The default counts only after `defaults` has been merged into the route. */
  readonly inherited?: boolean;
}
