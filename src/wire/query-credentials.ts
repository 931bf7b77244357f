/**
 * Parameters of a query by name, and the query without them. `;` separates like `&`, as some servers read it:
 * a credential behind either is seen and is cut. Everything else stays byte for byte.
 */

const NONE: readonly string[] = Object.freeze([]);

/**
 * The values of all parameters of a name, as they stand in the query. Names are percent-decoded once and then
 * compared as they are; a parameter without `=` has the value ''.
 * @param query '' or the '?' and all that follows it
 */
export function parameterValues(query: string, name: string): readonly string[] {
  if (query === '') return NONE;
  const values: string[] = [];
  for (const pair of query.slice(1).split(SEPARATOR)) {
    if (!isNamed(pair, name)) continue;
    const equals = pair.indexOf('=');
    values.push(equals === -1 ? '' : pair.slice(equals + 1));
  }
  return values;
}

/** The query without all parameters of these names, each with one separator; '' when nothing is left. */
export function cutParameters(query: string, names: readonly string[]): string {
  if (query === '' || names.length === 0) return query;
  // Pairs at even places, separators between them.
  const parts = query.slice(1).split(SEPARATOR_KEPT);
  let rest = '';
  let separator = '';
  let isCut = false;
  for (let i = 0; i < parts.length; i += 2) {
    const pair = parts[i] ?? '';
    if (names.some((name) => isNamed(pair, name))) {
      isCut = true;
      if (separator !== '') separator = stronger(separator, parts[i + 1]);
      continue;
    }
    rest += separator + pair;
    separator = parts[i + 1] ?? '';
  }
  if (!isCut) return query;
  return rest === '' ? '' : `?${rest}`;
}

/** Percent-decoded once; null when it does not decode. */
export function decodedOnce(text: string): string | null {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Between what remains stands `&` if one of the two did, which separates for everybody. */
function stronger(before: string, after: string | undefined): string {
  return after === '&' ? '&' : before;
}

/** Whether `+` in a name means a space is read differently by servers: either counts. */
function isNamed(pair: string, name: string): boolean {
  const equals = pair.indexOf('=');
  const raw = equals === -1 ? pair : pair.slice(0, equals);
  if (raw === name || decodedOnce(raw) === name) return true;
  return raw.includes('+') && decodedOnce(raw.replaceAll('+', ' ')) === name;
}

const SEPARATOR = /[&;]/;
const SEPARATOR_KEPT = /([&;])/;
