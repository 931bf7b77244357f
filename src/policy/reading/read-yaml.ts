/**
 * YAML 1.2 text to a tree that knows its places. Refuses everything of YAML that changes meaning behind one's
 * back: tags, merge keys, `%YAML 1.1`, a second document, duplicate keys, aliases that lead nowhere or multiply.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import type { Position, ProblemList } from '../problem.ts';
import type { Located, LocatedEntry, LocatedMap, LocatedScalar } from './document.ts';
import { resolveScalar } from './resolve-scalar.ts';
import { substitute } from './substitute.ts';
import {
  adviseOnAlias,
  adviseOnComment,
  adviseOnSyntax,
  adviseOnTag,
  plainSyntaxMessage,
} from './yaml-advice.ts';

/** More nodes than this may not come out of aliases: a few lines could stand for billions. */
const MOST_ALIASED_NODES = 100_000;

export interface YamlOptions {
  /** As it is to be called in problems. */
  readonly file: string;
  /** Null: variables are not substituted. */
  readonly environment: Readonly<Record<string, string | undefined>> | null;
  /** An undefined variable is a value that is not known yet, not a problem. */
  readonly detached: boolean;
  readonly problems: ProblemList;
}

/** The tree, or null when the text is no YAML at all; problems are in the list then. */
export function readYaml(text: string, options: YamlOptions): Located | null {
  const control = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.exec(text);
  if (control) {
    return refuse(options, place(text, control.index), 'holds a control character; YAML text may not');
  }
  const lines = new LineCounter();
  const document = parse(text, lines);
  if (document === null) return refuse(options, { line: 1, column: 1 }, 'is nested too deeply');
  const reader = new TreeReader(text, lines, options);
  if (!reader.takeSyntaxErrors(document.errors)) return null;
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2') {
    return refuse(options, { line: 1, column: 1 }, 'is read as YAML 1.2; take the %YAML line out');
  }
  return document.contents === null ? null : reader.read(document.contents);
}

function parse(text: string, lineCounter: LineCounter) {
  try {
    return parseDocument(text, {
      lineCounter,
      version: '1.2',
      schema: 'core',
      merge: false,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
    });
  } catch (error) {
    // The parser recurses: thousands of "[" exhaust the stack.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function place(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

function refuse(options: YamlOptions, at: { line: number; column: number }, message: string): null {
  options.problems.reportAt({ file: options.file, ...at }, { path: [], code: 'yaml_syntax', message });
  return null;
}

interface SyntaxError {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

/** Walks the parser's nodes once; `path` is that of the value in hand. */
class TreeReader {
  readonly #text: string;
  readonly #lines: LineCounter;
  readonly #options: YamlOptions;
  readonly #anchors = new Map<string, { readonly tree: Located; readonly nodes: number } | null>();
  /** Lines that the parser could not read, until something on them is met whose path can be told. */
  readonly #brokenLines = new Map<number, { readonly at: Position; message: string | null }>();
  #nodes = 0;
  #aliasedNodes = 0;

  constructor(text: string, lines: LineCounter, options: YamlOptions) {
    this.#text = text;
    this.#lines = lines;
    this.#options = options;
  }

  /** Keeps one error for each line; false, and all told, when the rest of the tree cannot be trusted. */
  takeSyntaxErrors(errors: readonly SyntaxError[]): boolean {
    let trusted = true;
    for (const error of errors) {
      const at = this.#position(error.pos[0]);
      if (this.#brokenLines.has(at.line)) continue;
      const advice = adviseOnSyntax(this.#lineText(at.line));
      trusted &&= advice?.contained ?? false;
      const message = advice?.message ?? plainSyntaxMessage(error.code, error.message);
      this.#brokenLines.set(at.line, { at, message });
    }
    if (!trusted) this.#tellBrokenLines();
    return trusted;
  }

  read(root: ParsedNode): Located {
    const tree = this.#node(root, []);
    this.#tellBrokenLines();
    return tree;
  }

  #tellBrokenLines(): void {
    for (const line of this.#brokenLines.keys()) this.#tellBroken(line, []);
  }

  /** What the parser made of a broken line means nothing: it is told once and taken as unknown. */
  #tellBroken(line: number, path: readonly (string | number)[]): void {
    const broken = this.#brokenLines.get(line);
    if (broken === undefined || broken.message === null) return;
    this.#report(broken.at, path, 'yaml_syntax', broken.message);
    broken.message = null;
  }

  #node(node: ParsedNode, path: readonly (string | number)[]): Located {
    this.#nodes += 1;
    const at = this.#position(node.range[0]);
    if (this.#brokenLines.has(at.line) && !isBlockCollection(node)) {
      this.#tellBroken(at.line, path);
      return opaque(at);
    }
    if (isAlias(node)) return this.#alias(node.source, at, path);
    if (node.tag !== undefined) return this.#tag(node.tag, at, path);
    const { anchor } = node;
    const before = this.#nodes;
    if (anchor !== undefined) this.#anchors.set(anchor, null);
    const tree = this.#untagged(node, at, path);
    if (anchor !== undefined) this.#anchors.set(anchor, { tree, nodes: this.#nodes - before + 1 });
    return tree;
  }

  #untagged(node: ParsedNode, at: Position, path: readonly (string | number)[]): Located {
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.#node(item as ParsedNode, [...path, index]));
      return { kind: 'list', at, items };
    }
    if (isMap(node)) return this.#map(node, at, path);
    return isScalar(node) ? this.#scalar(node, at, path) : opaque(at);
  }

  #map(
    node: ParsedNode & { items: unknown[] },
    at: Position,
    path: readonly (string | number)[],
  ): LocatedMap {
    const entries = new Map<string, LocatedEntry>();
    for (const pair of node.items as { key: ParsedNode | null; value: ParsedNode | null }[]) {
      const name = this.#keyName(pair.key, at, path);
      if (name === null || pair.key === null) continue;
      const keyAt = this.#position(pair.key.range[0]);
      const earlier = entries.get(name);
      if (earlier) {
        const message = `is given twice; it stands in line ${earlier.keyAt.line} already`;
        this.#report(keyAt, [...path, name], 'duplicate_key', message);
        continue;
      }
      entries.set(name, { keyAt, value: this.#value(pair.value, keyAt, [...path, name]) });
    }
    return { kind: 'map', at, flow: 'flow' in node && node.flow === true, entries };
  }

  #value(node: ParsedNode | null, keyAt: Position, path: readonly (string | number)[]): Located {
    if (this.#brokenLines.has(keyAt.line)) {
      this.#tellBroken(keyAt.line, path);
      return opaque(keyAt);
    }
    return node === null ? known(null, keyAt, false) : this.#node(node, path);
  }

  /** The text of a key as it is written, or null after reporting why it is none. */
  #keyName(key: ParsedNode | null, mapAt: Position, path: readonly (string | number)[]): string | null {
    if (key === null || !isScalar(key)) {
      const at = key === null ? mapAt : this.#position(key.range[0]);
      this.#report(at, path, 'yaml_key', 'has a key that is no plain text');
      return null;
    }
    const at = this.#position(key.range[0]);
    const name = key.type === 'PLAIN' ? (key.source ?? '') : String(key.value);
    if (key.tag !== undefined || key.anchor !== undefined) {
      this.#report(at, [...path, name], 'yaml_key', 'a key may have neither tag nor anchor');
      return null;
    }
    if (name === '<<' && key.type === 'PLAIN') {
      this.#report(
        at,
        path,
        'yaml_merge_key',
        'merge keys (`<<`) are not taken; write the keys out, or use `defaults`',
      );
      return null;
    }
    if (name === '') this.#report(at, path, 'yaml_key', 'has an empty key');
    return name === '' ? null : name;
  }

  #scalar(
    node: { value: unknown; type?: string | undefined; source?: string; comment?: string | null | undefined },
    at: Position,
    path: readonly (string | number)[],
  ): LocatedScalar {
    const plain = node.type === 'PLAIN';
    const written = plain ? (node.source ?? '') : String(node.value);
    if (plain && node.comment !== undefined && path.at(-1) === 'when') {
      const message = adviseOnComment(written);
      if (message !== null) {
        this.#report(at, path, 'yaml_syntax', message);
        return opaque(at);
      }
    }
    const { environment } = this.#options;
    if (environment === null) return known(plain ? resolveScalar(written) : written, at, false);
    const { text, substituted, errors } = substitute(written, environment);
    for (const error of errors) {
      if (this.#options.detached && error.code === 'undefined_variable') continue;
      this.#report(at, path, error.code, error.message);
    }
    if (errors.length > 0) return opaque(at);
    if (substituted && text === '') return known('', at, true);
    return known(plain ? resolveScalar(text) : text, at, substituted);
  }

  #tag(tag: string, at: Position, path: readonly (string | number)[]): LocatedScalar {
    this.#report(at, path, 'yaml_tag', adviseOnTag(tag, path.at(-1) === 'when'));
    return opaque(at);
  }

  #alias(name: string, at: Position, path: readonly (string | number)[]): Located {
    const anchor = this.#anchors.get(name);
    if (!anchor) {
      const message = anchor === null ? `the alias *${name} stands for itself` : adviseOnAlias(name);
      this.#report(at, path, 'yaml_alias', message);
      return opaque(at);
    }
    this.#nodes += anchor.nodes;
    this.#aliasedNodes += anchor.nodes;
    if (this.#aliasedNodes <= MOST_ALIASED_NODES) return anchor.tree;
    this.#report(at, path, 'yaml_alias', `aliases stand for more than ${MOST_ALIASED_NODES} nodes in all`);
    return opaque(at);
  }

  #report(at: Position, path: readonly (string | number)[], code: string, message: string): void {
    this.#options.problems.reportAt(at, { path, code, message });
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#options.file, line: Math.max(1, line), column: Math.max(1, col) };
  }

  #lineText(line: number): string {
    const start = this.#lines.lineStarts[line - 1] ?? 0;
    const end = this.#lines.lineStarts[line] ?? this.#text.length;
    return this.#text.slice(start, end).trimEnd();
  }
}

/** A block mapping or list begins on the line of its first entry: only that entry is broken. */
function isBlockCollection(node: ParsedNode): boolean {
  return (isMap(node) || isSeq(node)) && node.flow !== true;
}

function known(value: string | number | boolean | null, at: Position, sensitive: boolean): LocatedScalar {
  return { kind: 'scalar', at, value, sensitive, opaque: false };
}

function opaque(at: Position): LocatedScalar {
  return { kind: 'scalar', at, value: null, sensitive: true, opaque: true };
}
