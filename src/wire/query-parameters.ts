/**
 * A query as named values, for expressions that ask. Never used for what is forwarded, which is the query
 * byte for byte; so whatever an upstream might read otherwise is marked unreadable instead of guessed at.
 */

/** A name that occurs twice, or a value that does not decode: looking at it is an error. */
export const UNREADABLE: unique symbol = Symbol('unreadable');

export type QueryParameters = ReadonlyMap<string, string | typeof UNREADABLE>;

/** Work is bounded by this many parameters; a longer query is unreadable as a whole. */
const PARAMETER_LIMIT = 256;

/**
 * Pairs separated by `&`, names and values percent-decoded once as UTF-8 and `+` read as a space, as forms are
 * written. A parameter without `=` has the value ''. Where a query also holds `;`, which some servers take for
 * a separator, what differs between the two readings is unreadable.
 *
 * @param query '' or the '?' and all that follows it
 * @returns null when some name does not decode or there are more than 256: then nothing can be said of any name
 */
export function parseQuery(query: string): QueryParameters | null {
  const text = query.slice(1);
  const parameters = readPairs(text);
  if (parameters === null || !text.includes(';')) return parameters;
  const alternative = readPairs(text.replaceAll(';', '&'));
  if (alternative === null) return null;
  for (const name of new Set([...parameters.keys(), ...alternative.keys()])) {
    if (parameters.get(name) !== alternative.get(name)) parameters.set(name, UNREADABLE);
  }
  return parameters;
}

function readPairs(text: string): Map<string, string | typeof UNREADABLE> | null {
  const parameters = new Map<string, string | typeof UNREADABLE>();
  const pairs = text.split('&', PARAMETER_LIMIT + 1);
  if (pairs.length > PARAMETER_LIMIT) return null;
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    if (name === null) return null;
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    parameters.set(name, parameters.has(name) || value === null ? UNREADABLE : value);
  }
  return parameters;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
