/**
 * YAML 1.2 text to a tree that knows its places. Refuses everything of YAML that changes meaning behind one's
 * back: tags, merge keys, `%YAML 1.1`, a second document, duplicate keys, aliases that lead nowhere or multiply.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, type Scalar } from 'yaml';
import type { ConfigurationPath, Position, ProblemList } from '../problem.ts';
import { BrokenLines } from './broken-lines.ts';
import {
  type Located,
  type LocatedEntry,
  type LocatedMap,
  type LocatedScalar,
  locatedScalar,
} from './document.ts';
import { parseYaml } from './parse-yaml.ts';
import { opaqueScalar, readScalar } from './read-scalar.ts';
import { adviseOnAlias, adviseOnAnchor, adviseOnComment, adviseOnTag } from './yaml-advice.ts';

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
  /** Whether something else takes the place of the value at a path: its variables need not be defined. */
  readonly isReplaced?: (path: ConfigurationPath) => boolean;
}

/** The tree, or null when the text is no YAML at all; problems are in the list then. */
export function readYaml(text: string, options: YamlOptions): Located | null {
  const control = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.exec(text);
  if (control) {
    return refuse(options, place(text, control.index), 'holds a control character; YAML text may not');
  }
  const lines = new LineCounter();
  const parsed = parseYaml(text, lines);
  if (!parsed.ok) return refuse(options, place(text, parsed.offset), 'is nested too deeply from here on');
  const { document } = parsed;
  const broken = new BrokenLines(options);
  if (!broken.take({ text, lines, document })) return null;
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2') {
    return refuse(options, { line: 1, column: 1 }, 'is read as YAML 1.2; take the %YAML line out');
  }
  return document.contents === null
    ? null
    : new TreeReader(text, lines, broken, options).read(document.contents);
}

function place(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

function refuse(options: YamlOptions, at: { line: number; column: number }, message: string): null {
  options.problems.reportAt({ file: options.file, ...at }, { path: [], code: 'yaml_syntax', message });
  return null;
}

/** Walks the parser's nodes once. */
class TreeReader {
  readonly #text: string;
  readonly #lines: LineCounter;
  readonly #broken: BrokenLines;
  readonly #options: YamlOptions;
  readonly #anchors = new Map<string, { readonly tree: Located; readonly nodes: number } | null>();
  /** Of the value in hand; one array for the whole walk, since only problems need a copy. */
  readonly #path: (string | number)[] = [];
  /** Plain texts behind an anchor that no alias has used so far: its & may have been meant as their beginning. */
  readonly #unused = new Map<string, { readonly at: Position; readonly path: ConfigurationPath }>();
  /** Something was not read, where an alias may stand. */
  #isPartial = false;
  #nodes = 0;
  #aliasedNodes = 0;

  constructor(text: string, lines: LineCounter, broken: BrokenLines, options: YamlOptions) {
    this.#text = text;
    this.#lines = lines;
    this.#broken = broken;
    this.#options = options;
  }

  read(root: ParsedNode): Located {
    const tree = this.#node(root);
    this.#broken.tellAll();
    if (!this.#isPartial) for (const name of [...this.#unused.keys()]) this.#refuseUnused(name);
    return tree;
  }

  #node(node: ParsedNode): Located {
    this.#nodes += 1;
    const at = this.#position(node.range[0]);
    if (this.#broken.has(at.line) && !isBlockCollection(node)) return this.#unreadable(at);
    if (isAlias(node)) return this.#alias(node.source, at);
    if (node.tag !== undefined) return this.#tag(node.range[0]);
    const { anchor } = node;
    if (anchor === undefined) return this.#untagged(node, at);
    const before = this.#nodes;
    this.#refuseUnused(anchor);
    this.#anchors.set(anchor, null);
    const tree = isText(node) ? this.#anchoredText(node, anchor, at) : this.#untagged(node, at);
    this.#anchors.set(anchor, { tree, nodes: this.#nodes - before + 1 });
    return tree;
  }

  /** The anchor may have been meant as the beginning of the text, or as all of it. */
  #anchoredText(node: Scalar.Parsed, anchor: string, at: Position): Located {
    const start = this.#position(this.#text.lastIndexOf(`&${anchor}`, node.range[0]));
    this.#unused.set(anchor, { at: start, path: [...this.#path] });
    if (node.source !== '') return this.#scalar(node, at);
    this.#refuseUnused(anchor);
    return opaqueScalar(at);
  }

  #refuseUnused(anchor: string): void {
    const found = this.#unused.get(anchor);
    if (found === undefined) return;
    this.#unused.delete(anchor);
    const { at, path } = found;
    const message = adviseOnAnchor(path.at(-1) === 'when');
    this.#options.problems.reportAt(at, { path, code: 'yaml_syntax', message });
  }

  #untagged(node: ParsedNode, at: Position): Located {
    if (isMap(node)) return this.#map(node, at);
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.#below(index, () => this.#node(item as ParsedNode)));
      return { kind: 'list', at, items };
    }
    return isScalar(node) ? this.#scalar(node, at) : opaqueScalar(at);
  }

  #map(node: { readonly items: readonly unknown[]; flow?: boolean }, at: Position): LocatedMap {
    const entries = new Map<string, LocatedEntry>();
    for (const pair of node.items as { key: ParsedNode | null; value: ParsedNode | null }[]) {
      const keyAt = pair.key === null ? at : this.#position(pair.key.range[0]);
      const name = this.#keyName(pair.key, keyAt);
      if (name === null) continue;
      const earlier = entries.get(name);
      const value = this.#below(name, () =>
        earlier ? this.#duplicate(keyAt, earlier) : this.#value(pair.value, keyAt),
      );
      if (!earlier) entries.set(name, { keyAt, value });
    }
    return { kind: 'map', at, flow: node.flow === true, entries };
  }

  #below<T>(step: string | number, read: () => T): T {
    this.#path.push(step);
    const result = read();
    this.#path.pop();
    return result;
  }

  #duplicate(keyAt: Position, earlier: LocatedEntry): LocatedScalar {
    const message = `is given twice; it stands in line ${earlier.keyAt.line} already`;
    return this.#refuse(keyAt, 'duplicate_key', message);
  }

  #value(node: ParsedNode | null, keyAt: Position): Located {
    if (this.#broken.has(keyAt.line)) return this.#unreadable(keyAt);
    return node === null || isNothing(node) ? locatedScalar(null, keyAt) : this.#node(node);
  }

  /** The text of a key as it is written, or null after reporting why it is none. */
  #keyName(key: ParsedNode | null, at: Position): string | null {
    if (!isScalar(key) || key.tag !== undefined || key.anchor !== undefined) {
      this.#refuse(at, 'yaml_key', 'has a key that is no plain text');
      return null;
    }
    const name = key.type === 'PLAIN' ? (key.source ?? '') : String(key.value);
    if (name === '<<' && key.type === 'PLAIN') {
      const message = 'merge keys (`<<`) are not taken; write the keys out, or use `defaults`';
      this.#refuse(at, 'yaml_merge_key', message);
      return null;
    }
    if (name !== '') return name;
    this.#refuse(at, 'yaml_key', 'has an empty key');
    return null;
  }

  #scalar(node: Scalar.Parsed, at: Position): LocatedScalar {
    const plain = node.type === 'PLAIN';
    const written = plain ? (node.source ?? '') : String(node.value);
    if (plain && node.comment !== undefined && this.#path.at(-1) === 'when') {
      const message = adviseOnComment(written);
      if (message !== null) return this.#refuse(at, 'yaml_syntax', message);
    }
    const { scalar, errors } = readScalar(written, plain, at, this.#options);
    if (errors.length > 0 && this.#options.isReplaced?.(this.#path)) return opaqueScalar(at);
    for (const { code, message } of errors) this.#refuse(at, code, message);
    return scalar;
  }

  /** The parser gives the place of what follows the tag. Looks back no further than the tag: there may be many. */
  #tag(after: number): LocatedScalar {
    let end = after;
    while (end > 0 && this.#isBlank(end - 1)) end -= 1;
    let start = end;
    while (start > 0 && !this.#isBlank(start - 1)) start -= 1;
    return this.#refuse(this.#position(start), 'yaml_tag', adviseOnTag(this.#path.at(-1) === 'when'));
  }

  #isBlank(offset: number): boolean {
    return ' \n\r\t'.includes(this.#text.charAt(offset));
  }

  #alias(name: string, at: Position): Located {
    this.#unused.delete(name);
    const anchor = this.#anchors.get(name);
    if (!anchor) {
      const message = anchor === null ? 'the alias that stands here stands for itself' : adviseOnAlias(name);
      return this.#refuse(at, 'yaml_alias', message);
    }
    this.#nodes += anchor.nodes;
    this.#aliasedNodes += anchor.nodes;
    if (this.#aliasedNodes <= MOST_ALIASED_NODES) return anchor.tree;
    return this.#refuse(at, 'yaml_alias', `aliases stand for more than ${MOST_ALIASED_NODES} nodes in all`);
  }

  #unreadable(at: Position): LocatedScalar {
    this.#isPartial = true;
    this.#broken.tell(at.line, [...this.#path]);
    return opaqueScalar(at);
  }

  /** Reports, and takes the value as unknown so that nothing further comes of it. */
  #refuse(at: Position, code: string, message: string): LocatedScalar {
    this.#isPartial = true;
    this.#options.problems.reportAt(at, { path: [...this.#path], code, message });
    return opaqueScalar(at);
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#options.file, line: Math.max(1, line), column: Math.max(1, col) };
  }
}

function isText(node: ParsedNode): node is Scalar.Parsed {
  return isScalar(node) && node.type === 'PLAIN';
}

/** A key with nothing after it: the key is the place to look at. */
function isNothing(node: ParsedNode): boolean {
  return isScalar(node) && node.source === '' && node.type === 'PLAIN' && !node.tag && !node.anchor;
}

/** A block mapping or list begins on the line of its first entry: only that entry is broken. */
function isBlockCollection(node: ParsedNode): boolean {
  return (isMap(node) || isSeq(node)) && node.flow !== true;
}
