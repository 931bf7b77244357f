/** `config/sallyport.reference.yaml`: every key with its default, or commented out with an example. */
import type { Key, Node, ObjectNode } from '../schema/node.ts';
import { describeType } from './describe-type.ts';
import { writeValue } from './write-value.ts';

const WIDTH = 100;

const HEADER = `# Every key of a policy, with its default. Generated from the schema by \`npm run docs\`.
# A key without a default is commented out and shows an example. Copy what you need, not the whole file.
# yaml-language-server: $schema=./sallyport.schema.json
`;

/** The text of the file: a policy that the reader takes. */
export function referenceFileOf(root: ObjectNode): string {
  return `${HEADER}${keysOf(root, { given: {}, indent: '', shown: new Set() }).join('\n')}\n`;
}

type Values = Readonly<Record<string, unknown>>;

interface Place {
  /** What an example further out says of the keys here. */
  readonly given: Values;
  readonly indent: string;
  /** Objects whose keys have been shown already. */
  readonly shown: Set<ObjectNode>;
}

function keysOf(node: ObjectNode, place: Place): string[] {
  const { given, indent, shown } = place;
  shown.add(node);
  return Object.entries(node.keys)
    .filter(([, key]) => key.notYet === undefined)
    .flatMap(([name, key]) => {
      const value = Object.hasOwn(given, name) ? given[name] : ownValue(key, shown);
      const comment = commentOf(key, value !== undefined, indent);
      return [...(indent === '' ? [''] : []), ...comment, ...entryOf(name, key, value, place)];
    });
}

/** What the file gives for a key of which nothing is said further out; undefined: commented out. */
function ownValue(key: Key, shown: ReadonlySet<ObjectNode>): unknown {
  const { node } = key;
  if (node.kind === 'map' && node.value.kind === 'object' && !shown.has(node.value)) return key.example;
  if (key.default !== undefined) return key.default;
  return key.required === true || key.live === true ? key.example : undefined;
}

function commentOf(key: Key, live: boolean, indent: string): string[] {
  const takes = isMapping(key.node) ? '' : ` Takes: ${describeType(key.node)}.`;
  const otherwise = live || key.defaultText === undefined ? '' : ` Default: ${key.defaultText}.`;
  const lines = wrap(`${key.doc}${takes}${otherwise}`, WIDTH - indent.length - 2);
  return lines.map((line) => `${indent}# ${line}`);
}

function isMapping(node: Node): boolean {
  const inner = node.kind === 'or-none' ? node.inner : node;
  return inner.kind === 'text' || (inner.kind === 'object' && inner.short === undefined);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function entryOf(name: string, key: Key, value: unknown, place: Place): string[] {
  const { indent, shown } = place;
  if (value === undefined) {
    const orFile = key.secret === true || key.file !== undefined ? `   (or ${name}_file: NAME)` : '';
    return [`${indent}# ${name}: ${writeValue(key.example)}${orFile}`];
  }
  const inner = key.node.kind === 'or-none' ? key.node.inner : key.node;
  if (inner.kind === 'object' && !isDefaultsBlock(inner)) return objectOf(name, inner, value, place);
  if (inner.kind === 'list' && inner.item.kind === 'object') return listOf(name, inner.item, value, place);
  if (inner.kind === 'map' && inner.value.kind === 'object' && !shown.has(inner.value)) {
    return mapOf(name, inner.value, value, place);
  }
  return [`${indent}${name}: ${writeValue(value)}`];
}

/** `defaults` takes the keys of a route, which are shown there. */
function isDefaultsBlock(node: ObjectNode): boolean {
  return Object.values(node.keys).every((key) => key.inherited === true || key.notYet !== undefined);
}

function objectOf(name: string, node: ObjectNode, value: unknown, place: Place): string[] {
  const { indent, shown } = place;
  if (shown.has(node)) return [`${indent}${name}: ${writeValue(value)}`];
  return [
    `${indent}${name}:`,
    ...keysOf(node, { given: membersOf(node, value), indent: `${indent}  `, shown }),
  ];
}

/** What a short form stands for. */
function membersOf(node: ObjectNode, value: unknown): Values {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Values;
  return node.short === undefined ? {} : { [node.short]: value };
}

function listOf(name: string, item: ObjectNode, value: unknown, { indent, shown }: Place): string[] {
  const items = Array.isArray(value) ? value : [value];
  const lines = items.flatMap((member) => {
    const body = keysOf(item, { given: membersOf(item, member), indent: `${indent}    `, shown });
    const first = body.findIndex((line) => !line.trimStart().startsWith('#'));
    return body.map((line, index) => (index === first ? `${indent}  - ${line.trimStart()}` : line));
  });
  return [`${indent}${name}:`, ...lines];
}

function mapOf(name: string, node: ObjectNode, value: unknown, place: Place): string[] {
  const inner = { ...place, indent: `${place.indent}  ` };
  const entries = Object.entries(value as Values);
  return [
    `${place.indent}${name}:`,
    ...entries.flatMap(([entry, member]) => objectOf(entry, node, member, inner)),
  ];
}
