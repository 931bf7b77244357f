/** The tables of `docs/configuration.md`: every key, block by block. */
import type { Key, Node, ObjectNode } from '../schema/node.ts';
import { describeDefault, describeType } from './describe-type.ts';
import { writeValue } from './write-value.ts';

/** Markdown: a table for each block, then what is refused for now. */
export function referencePageOf(root: ObjectNode): string {
  const blocks = blocksOf('', root, []);
  const tables = blocks.map(({ path, node, alsoAt }) => {
    const title = path === '' ? '### Top level' : `### \`${path}\``;
    const also =
      alsoAt.length === 0 ? '' : `\nThe same keys: ${alsoAt.map((other) => `\`${other}\``).join(', ')}.\n`;
    return `${title}\n${also}\n${tableOf(node)}${presetsOf(path, node)}`;
  });
  const later = blocks.flatMap(({ path, node }) => laterKeysOf(path, node));
  return `${tables.join('\n\n')}\n\n### Not supported yet\n\nRefused as \`not_yet_supported\`, never ignored.\n\n${later.join('\n')}\n`;
}

interface Block {
  readonly path: string;
  readonly node: ObjectNode;
  readonly alsoAt: string[];
}

/** Every object, outer ones first; one that is used in several places comes once. */
function blocksOf(path: string, node: ObjectNode, found: Block[]): Block[] {
  const before = found.find((block) => block.node === node);
  if (before) {
    before.alsoAt.push(path);
    return found;
  }
  found.push({ path, node, alsoAt: [] });
  for (const [name, key] of Object.entries(node.keys)) {
    if (key.notYet !== undefined || path === 'defaults') continue;
    for (const inner of objectsIn(key.node, path === '' ? name : `${path}.${name}`)) {
      blocksOf(inner.path, inner.node, found);
    }
  }
  return found;
}

function objectsIn(node: Node, path: string): { path: string; node: ObjectNode }[] {
  switch (node.kind) {
    case 'object':
      return [{ path, node }];
    case 'list':
      return objectsIn(node.item, `${path}[]`);
    case 'map':
      return objectsIn(node.value, `${path}.${node.placeholder}`);
    case 'or-none':
      return objectsIn(node.inner, path);
    case 'scalar-or-mapping':
      return objectsIn(node.mapping, path);
    default:
      return [];
  }
}

function tableOf(node: ObjectNode): string {
  const rows = Object.entries(node.keys)
    .filter(([, key]) => key.notYet === undefined)
    .map(([name, key]) => rowOf(name, key));
  return ['| Key | Takes | Default | What it does |', '|---|---|---|---|', ...rows].join('\n');
}

/** What each preset fills, and what is left to write. */
function presetsOf(path: string, { presets }: ObjectNode): string {
  if (presets === undefined) return '';
  const write = (values: Readonly<Record<string, unknown>>) =>
    Object.entries(values)
      .map(([name, value]) => `\`${name}: ${writeValue(value)}\``)
      .join('<br>');
  const rows = Object.entries(presets.values).map(
    ([name, { fills, examples }]) => `| \`${name}\` | ${write(fills)} | ${write(examples)} |`,
  );
  const head = ['| Preset | Fills | To write besides, for example |', '|---|---|---|'];
  return `\n\n### \`${path}.${presets.key}\`\n\n${[...head, ...rows].join('\n')}`;
}

function rowOf(name: string, key: Key): string {
  const names =
    key.secret === true || key.file !== undefined ? `\`${name}\` or \`${name}_file\`` : `\`${name}\``;
  const example = key.example === undefined ? '' : ` Example: \`${writeValue(key.example)}\`.`;
  const cells = [names, describeType(key.node), describeDefault(key), `${key.doc}${example}`];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function laterKeysOf(path: string, node: ObjectNode): string[] {
  return Object.entries(node.keys).flatMap(([name, key]) => {
    const full = path === '' ? name : `${path}.${name}`;
    if (key.notYet === undefined) return laterFormsOf(full, key.node);
    const none = key.node.kind === 'or-none' ? ' `none` is taken.' : '';
    return [`- \`${full}\`: ${key.doc}${none}`];
  });
}

function laterFormsOf(path: string, node: Node): string[] {
  if (node.kind === 'list') return laterFormsOf(path, node.item);
  if (node.kind === 'text' && node.notYet) return [`- \`${path}\`: ${node.notYet.what}.`];
  if (node.kind !== 'choice') return [];
  return (node.notYet ?? []).map((word) => `- \`${path}: ${word}\`.`);
}
