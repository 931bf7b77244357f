/**
 * Facts as CEL values. JSON is copied into maps and lists, so that nothing in a claim can pass for anything
 * but data: the library takes an object with a `$typeName` for a protobuf message.
 */
import { type CelInput, type CelMap, celMap } from '@bufbuild/cel';
import type { JsonObject, JsonValue } from '../credentials/credential.ts';
import { RoundedNumber } from '../credentials/exact-number.ts';
import { parseQuery, UNREADABLE } from '../wire/query-parameters.ts';

/** Why an evaluation stopped, in words that are safe to log. */
export class ExpressionFault extends Error {}

const NOT_ONCE = 'a name occurs twice or does not decode';
const NOT_EXACT = 'a claim has a number that is no exact integer of 64 bits';

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
  const entries = new OnceMap(NOT_ONCE);
  for (const [name, value] of parameters) {
    if (value === UNREADABLE) entries.markUnreadable(name);
    else entries.set(name, value);
  }
  return celMap(entries);
}

/** @param headers lower-case names and values in turn */
export function headersValue(headers: readonly string[]): CelMap {
  const entries = new OnceMap(NOT_ONCE);
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
  readonly #why: string;

  /** @param why what is said when one of them is looked at */
  constructor(why: string) {
    super();
    this.#why = why;
  }

  markUnreadable(name: string): void {
    this.#unreadable.add(name);
    this.set(name, '');
  }

  override get(name: string): CelInput | undefined {
    if (this.#unreadable.has(name)) throw new ExpressionFault(this.#why);
    return super.get(name);
  }

  /** Every way round `get` (comparing whole maps) is closed too. */
  override entries(): MapIterator<[string, CelInput]> {
    if (this.#unreadable.size > 0) throw new ExpressionFault(this.#why);
    return super.entries();
  }

  override values(): MapIterator<CelInput> {
    if (this.#unreadable.size > 0) throw new ExpressionFault(this.#why);
    return super.values();
  }
}

function entriesOf(object: JsonObject): OnceMap {
  const entries = new OnceMap(NOT_EXACT);
  for (const name of Object.keys(object)) {
    const value = celValue(object[name] ?? null);
    if (value === undefined) entries.markUnreadable(name);
    else entries.set(name, value);
  }
  return entries;
}

/**
 * JSON has one kind of number and CEL three: an integral one is an `int`, so that `claims.level + 1` works, also
 * beyond 2^53, by its digits. Undefined for one that cannot be had exactly, and for a list with such a member: no
 * double may stand for it, or it would equal its neighbours.
 */
function celValue(value: JsonValue): CelInput | undefined {
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return value;
    return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof RoundedNumber) return value.int64 ?? undefined;
  if (!Array.isArray(value)) return entriesOf(value as JsonObject);
  const members = (value as readonly JsonValue[]).map(celValue);
  return members.includes(undefined) ? undefined : (members as CelInput[]);
}
