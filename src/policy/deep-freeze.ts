/** Makes a policy unchangeable in fact, not by type alone, so that no request can alter what another one gets. */

/**
 * Freezes plain objects, arrays, Maps and Sets and all that they hold, and returns the same value.
 * Objects of classes (`BlockList`, `Buffer`, a compiled route tree) are left as they are: some of them cannot
 * be frozen, and their owners keep them.
 */
export function deepFreeze<Value>(value: Value): Value {
  freeze(value, new WeakSet());
  return value;
}

function freeze(value: unknown, seen: WeakSet<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  const members = membersOf(value);
  if (members === null) return;
  seen.add(value);
  for (const member of members) freeze(member, seen);
  Object.freeze(value);
}

/** What a value holds; null for what is not ours to freeze. */
function membersOf(value: object): Iterable<unknown> | null {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) {
    refuseChanges(value, ['set', 'delete', 'clear']);
    return [...value.keys(), ...value.values()];
  }
  if (value instanceof Set) {
    refuseChanges(value, ['add', 'delete', 'clear']);
    return value;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.values(value) : null;
}

/** `Object.freeze` does not reach the entries of a Map or Set, so their own methods must refuse. */
function refuseChanges(collection: object, methods: readonly string[]): void {
  if (Object.isFrozen(collection)) return;
  for (const method of methods) Object.defineProperty(collection, method, { value: refuse });
}

function refuse(): never {
  throw new TypeError('a policy cannot be changed');
}
