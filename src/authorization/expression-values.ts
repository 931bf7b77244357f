/**
 * Facts as CEL values. JSON is copied into maps and lists, so that nothing in a claim can pass for anything
 * but data: the library takes an object with a `$typeName` for a protobuf message.
 */
import { type CelInput, type CelMap, celMap } from '@bufbuild/cel';
import type { JsonObject, JsonValue } from '../credentials/credential.ts';
import { parseQuery, UNREADABLE } from '../wire/query-parameters.ts';

/** Why an evaluation stopped, in words that are safe to log. */
export class ExpressionFault extends Error {}

type CelEntries = Map<string, CelInput>;

const converted = new WeakMap<JsonObject, CelMap>();

/** The claims of a principal, converted once: principals are shared between requests. */
export function claimsValue(claims: JsonObject): CelMap {
  let value = converted.get(claims);
  if (value === undefined) {
    value = celMap(entriesOf(claims));
    converted.set(claims, value);
  }
  return value;
}

/** Values by name; looking at one that is unreadable stops the evaluation. */
export function queryValue(query: string): CelMap {
  const parameters = parseQuery(query);
  if (parameters === null) throw new ExpressionFault('the query cannot be read');
  const entries = new OnceMap();
  for (const [name, value] of parameters) {
    if (value === UNREADABLE) entries.markUnreadable(name);
    else entries.set(name, value);
  }
  return celMap(entries);
}

/** @param headers lower-case names and values in turn */
export function headersValue(headers: readonly string[]): CelMap {
  const entries = new OnceMap();
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (entries.has(name)) entries.markUnreadable(name);
    else entries.set(name, headers[i + 1] ?? '');
  }
  return celMap(entries);
}

/** Path parameters by name. */
export function recordValue(record: Readonly<Record<string, string>>): CelMap {
  return celMap(new Map<string, CelInput>(Object.entries(record)));
}

/** A map in which some names are there and cannot be read. */
class OnceMap extends Map<string, CelInput> {
  readonly #unreadable = new Set<string>();

  markUnreadable(name: string): void {
    this.#unreadable.add(name);
    this.set(name, '');
  }

  override get(name: string): CelInput | undefined {
    if (this.#unreadable.has(name)) throw new ExpressionFault('a name occurs twice or does not decode');
    return super.get(name);
  }

  /** Every way round `get` (comparing whole maps) is closed too. */
  override entries(): MapIterator<[string, CelInput]> {
    if (this.#unreadable.size > 0) throw new ExpressionFault('a name occurs twice or does not decode');
    return super.entries();
  }

  override values(): MapIterator<CelInput> {
    if (this.#unreadable.size > 0) throw new ExpressionFault('a name occurs twice or does not decode');
    return super.values();
  }
}

function entriesOf(object: JsonObject): CelEntries {
  const entries: CelEntries = new Map();
  for (const name of Object.keys(object)) entries.set(name, celValue(object[name] ?? null));
  return entries;
}

/**
 * JSON has one kind of number and CEL three: an integral one is an `int`, so that `claims.level + 1` works.
 * Beyond 2^53 it may not be the number that was written; it stays a `double`, on which arithmetic with
 * integers is an error.
 */
function celValue(value: JsonValue): CelInput {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(celValue);
  return entriesOf(value as JsonObject);
}
