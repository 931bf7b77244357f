/** What a key takes, in the words of the reference: type, bounds, forms. */
import { formatDuration, formatSize } from '../reading/amounts.ts';
import type { AmountNode, Key, Node } from '../schema/node.ts';
import { writeValue } from './write-value.ts';

const LEAVES = {
  boolean: 'true or false',
  number: 'number',
  moment: 'date or RFC 3339 time, or `none`',
  rate: 'rate such as `100/1m`',
  scalar: 'text, number, true or false',
  json: 'mapping',
  file: 'file name',
} as const;

/** `time, 100ms to 1h, or none`. */
export function describeType(node: Node): string {
  switch (node.kind) {
    case 'text':
      return 'text';
    case 'choice':
      return node.values.map((value) => `\`${value}\``).join(', ');
    case 'integer':
    case 'duration':
    case 'size':
      return describeAmount(node);
    case 'list':
      return describeList(describeType(node.item), node);
    case 'map':
      return `mapping of ${node.placeholder} to ${describeType(node.value)}`;
    case 'object':
      return node.short === undefined ? 'mapping' : `\`${node.short}\`, or a mapping`;
    case 'or-none':
      return `${describeType(node.inner)}, or \`none\``;
    case 'scalar-or-mapping':
      return `${describeType(node.scalar)}, or a mapping`;
    default:
      return LEAVES[node.kind];
  }
}

function describeList(item: string, { none, single }: { none?: boolean; single: boolean }): string {
  const list = single ? `${item} (one or a list)` : `list of ${item}`;
  return none === true ? `${list}; or \`none\`` : list;
}

function describeAmount(node: AmountNode): string {
  const { min, max } = node;
  const write = { integer: String, duration: formatDuration, size: formatSize }[node.kind];
  const bounds = [
    min === undefined || min === 0 ? '' : `at least ${write(min)}`,
    max === undefined ? '' : `at most ${write(max)}`,
  ].filter((bound) => bound !== '');
  const kind = { integer: 'whole number', duration: 'time', size: 'size' }[node.kind];
  return [kind, ...bounds, ...(node.none === true ? ['or `none`'] : [])].join(', ');
}

/** `8KiB`, `that of the upstream`, `required`; a dash where nothing holds unless it is written. */
export function describeDefault(key: Key): string {
  if (key.defaultText !== undefined) return key.defaultText;
  if (key.required === true) return 'required';
  return key.default === undefined ? '-' : `\`${writeValue(key.default)}\``;
}
