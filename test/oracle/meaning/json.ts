/**
 * Reads JSON as a token may hold it (RFC 8259, RFC 7519 section 4: names are unique): refuses what two readers may read in two
 * ways. `JSON.parse` reads; a walk over the text only counts names, so that both together know of duplicates.
 */

/** The object, or null for text that is none or says a name twice at any depth. */
export function readObject(bytes: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    if (!isObject(value) || saysTwice(text)) return null;
    return value;
  } catch {
    return null;
  }
}

/** Whether a value is an object and no array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The names of good JSON, by the object that they stand in. */
function saysTwice(text: string): boolean {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g) ?? [];
  const open: (Set<string> | null)[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token.startsWith('"') && tokens[i + 1] === ':') {
      const names = open.at(-1);
      const name = String(JSON.parse(token));
      if (names?.has(name)) return true;
      names?.add(name);
    }
  }
  return false;
}

/** A claim by its name, or by an RFC 6901 pointer; undefined for none. */
export function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (!path.startsWith('/')) return Object.hasOwn(claims, path) ? claims[path] : undefined;
  let value: unknown = claims;
  for (const part of path.slice(1).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
