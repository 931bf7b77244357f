/**
 * The schema as JSON Schema (draft-07), for editors: it knows types, names, words and descriptions. What it
 * takes may still be refused by `check`, which alone knows bounds of times, files and what belongs together.
 */
import type { AmountNode, Key, ListNode, MapNode, Node, ObjectNode, TextNode } from '../schema/node.ts';

type JsonSchema = { readonly [keyword: string]: unknown };

/** The JSON Schema of a policy file. */
export function jsonSchemaOf(root: Node): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Sallyport policy',
    ...schemaOf(root),
    definitions: DEFINITIONS,
  };
}

/** Any scalar may hold a variable, whose value no editor knows. */
const VARIABLE = reference('variable');
const NONE = reference('none');

const DEFINITIONS = {
  variable: { type: 'string', pattern: '\\$\\{' },
  none: { enum: ['none', false] },
  duration: { type: 'string', pattern: '^[0-9]+(ms|s|m|h)$' },
  size: { type: 'string', pattern: '^[0-9]+(B|Ki|KiB|Mi|MiB|Gi|GiB)$' },
  rate: { type: 'string', pattern: '^[0-9]+/[0-9]+(ms|s|m|h)$' },
  moment: {
    type: 'string',
    pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9:]{8}(\\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$',
  },
};

function reference(name: string): JsonSchema {
  return { $ref: `#/definitions/${name}` };
}

function anyOf(...schemas: readonly JsonSchema[]): JsonSchema {
  const flat = schemas.flatMap((schema) => {
    const { anyOf: inner, ...others } = schema;
    return Array.isArray(inner) && Object.keys(others).length === 0 ? (inner as JsonSchema[]) : [schema];
  });
  const distinct = new Map(flat.map((schema) => [JSON.stringify(schema), schema]));
  return distinct.size === 1 ? (flat[0] ?? {}) : { anyOf: [...distinct.values()] };
}

function schemaOf(node: Node): JsonSchema {
  switch (node.kind) {
    case 'object':
      return objectSchema(node);
    case 'map':
      return mapSchema(node);
    case 'list':
      return listSchema(node);
    case 'or-none':
      return anyOf(schemaOf(node.inner), NONE);
    case 'scalar-or-mapping':
      return anyOf(schemaOf(node.scalar), schemaOf(node.mapping));
    case 'text':
      return textSchema(node);
    case 'integer':
    case 'duration':
    case 'size':
      return amountSchema(node);
    case 'choice':
      return anyOf({ enum: node.values.includes('none') ? [...node.values, false] : node.values }, VARIABLE);
    default:
      return leafSchema(node.kind);
  }
}

type LeafKind = 'file' | 'boolean' | 'number' | 'moment' | 'rate' | 'scalar' | 'json';

function leafSchema(kind: LeafKind): JsonSchema {
  switch (kind) {
    case 'file':
      return { type: 'string', minLength: 1 };
    case 'boolean':
    case 'number':
      return anyOf({ type: kind }, VARIABLE);
    case 'moment':
      return anyOf(reference('moment'), NONE, VARIABLE);
    case 'rate':
      return anyOf(reference('rate'), VARIABLE);
    case 'scalar':
      return { anyOf: [{ type: 'string', minLength: 1 }, { type: ['number', 'boolean'] }] };
    case 'json':
      return { type: 'object' };
  }
}

function textSchema(node: TextNode): JsonSchema {
  if (!node.pattern) return { type: 'string', minLength: 1 };
  return anyOf({ type: 'string', pattern: node.pattern.source }, VARIABLE);
}

function amountSchema(node: AmountNode): JsonSchema {
  const { min = 0, max } = node;
  const bounds = max === undefined ? { minimum: min } : { minimum: min, maximum: max };
  const amount = node.kind === 'integer' ? { type: 'integer', ...bounds } : reference(node.kind);
  return node.none === true ? anyOf(amount, NONE, VARIABLE) : anyOf(amount, VARIABLE);
}

function listSchema(node: ListNode): JsonSchema {
  const item = schemaOf(node.item);
  const list = { type: 'array', items: item, ...(node.min === undefined ? {} : { minItems: node.min }) };
  const forms = [...(node.single ? [item] : []), list, ...(node.none === true ? [NONE] : [])];
  return anyOf(...forms);
}

function mapSchema(node: MapNode): JsonSchema {
  const names = node.name ? { propertyNames: { pattern: node.name.pattern.source } } : {};
  return { type: 'object', ...names, additionalProperties: schemaOf(node.value) };
}

function objectSchema(node: ObjectNode): JsonSchema {
  const entries = Object.entries(node.keys);
  const properties = Object.fromEntries(entries.flatMap(([name, key]) => propertiesOf(name, key)));
  const fillers = fillersOf(node);
  const needed = entries.filter(([, key]) => key.required === true).map(([name]) => name);
  const required = needed.filter((name) => !fillers.has(name));
  const filled = needed.filter((name) => fillers.has(name));
  const rules = [
    ...rulesOf(node, new Set(Object.keys(properties))),
    ...filled.map((name) => requiredUnless(name, node, fillers.get(name) ?? [])),
  ];
  const object = {
    type: 'object',
    properties,
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
    ...(rules.length === 0 ? {} : { allOf: rules }),
  };
  const short = node.short === undefined ? undefined : node.keys[node.short];
  return short ? anyOf(schemaOf(short.node), object) : object;
}

/** Keys that presets fill, each with the names of the presets after which nothing is left to write of it. */
function fillersOf({ presets }: ObjectNode): ReadonlyMap<string, readonly string[]> {
  const fillers = new Map<string, string[]>();
  for (const [preset, { fills, examples }] of Object.entries(presets?.values ?? {})) {
    for (const key of Object.keys(fills)) {
      if (!Object.hasOwn(examples, key)) fillers.set(key, [...(fillers.get(key) ?? []), preset]);
    }
  }
  return fillers;
}

function requiredUnless(name: string, { presets }: ObjectNode, fillers: readonly string[]): JsonSchema {
  const key = presets?.key ?? '';
  const named = { required: [key], properties: { [key]: anyOf({ enum: fillers }, VARIABLE) } };
  return { anyOf: [{ required: [name] }, named] };
}

function propertiesOf(name: string, key: Key): readonly (readonly [string, JsonSchema])[] {
  if (key.notYet !== undefined) return key.node.kind === 'or-none' ? [[name, described(key, NONE)]] : [];
  const property = [name, described(key, schemaOf(key.node))] as const;
  if (key.secret !== true && key.file === undefined) return [property];
  const description = `Name of a file that holds \`${name}\`; one of the two may be given.`;
  return [property, [`${name}_file`, { description, type: 'string', minLength: 1 }]];
}

function described(key: Key, schema: JsonSchema): JsonSchema {
  return {
    description: key.doc,
    ...schema,
    ...(key.default === undefined ? {} : { default: key.default }),
    ...(key.example === undefined ? {} : { examples: [key.example] }),
  };
}

function rulesOf(node: ObjectNode, known: ReadonlySet<string>): JsonSchema[] {
  const pairs = Object.entries(node.keys).flatMap(([name, key]) =>
    key.secret === true || key.file !== undefined ? [[name, `${name}_file`]] : [],
  );
  const exclusive = [...pairs, ...withFiles(node.atMostOne, known), ...withFiles(node.exactlyOne, known)];
  const needed = withFiles(node.exactlyOne, known).map((group) => ({
    anyOf: group.map((name) => ({ required: [name] })),
  }));
  const refused = exclusive.flatMap((group) =>
    group.flatMap((left, index) =>
      group.slice(index + 1).map((right) => ({ not: { required: [left, right] } })),
    ),
  );
  return [...new Map([...refused, ...needed].map((rule) => [JSON.stringify(rule), rule])).values()];
}

function withFiles(groups: ObjectNode['atMostOne'], known: ReadonlySet<string>): string[][] {
  return (groups ?? []).map((group) =>
    group.flatMap((name) => [name, `${name}_file`]).filter((name) => known.has(name)),
  );
}
