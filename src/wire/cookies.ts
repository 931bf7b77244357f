/**
 * The Cookie field (RFC 6265 section 4.2) by name: what a cookie holds, and the field without it. Reads pairs as
 * the most lenient servers do, so that none of them finds a cookie that was neither seen nor cut here.
 */

const NONE: readonly string[] = Object.freeze([]);

/**
 * The values of all cookies of a name in one field line. Names are compared as they are; a pair without `=` is
 * a name with an empty value. Quotes around a value are taken off (RFC 6265 section 4.1.1). One that only some
 * servers find has an empty value too: it is counted and never believed.
 */
export function cookieValues(line: string, name: string): readonly string[] {
  if (!line.includes(name)) return NONE;
  const values: string[] = [];
  for (const pair of line.split(';')) {
    if (cookieName(pair) !== name) {
      if (hides(pair, name)) values.push('');
      continue;
    }
    const equals = pair.indexOf('=');
    values.push(equals === -1 ? '' : unquoted(pair.slice(equals + 1)));
  }
  return values;
}

/** The line without all cookies of these names: every other byte as it was, in its order; '' when no pair is left. */
export function cutCookies(line: string, names: readonly string[]): string {
  if (!names.some((name) => line.includes(name))) return line;
  const pairs = line.split(';');
  const kept = pairs.filter(
    (pair) => !names.includes(cookieName(pair)) && !names.some((name) => hides(pair, name)),
  );
  if (kept.length === pairs.length) return line;
  if (kept.every((pair) => cookieName(pair) === '' && !pair.includes('='))) return '';
  return pairs[0] === kept[0] ? kept.join(';') : kept.join(';').replace(LEADING_BLANKS, '');
}

function cookieName(pair: string): string {
  const equals = pair.indexOf('=');
  return (equals === -1 ? pair : pair.slice(0, equals)).replace(AROUND_NAME, '');
}

/**
 * Whether a cookie stands within another pair for servers that also separate at blanks (Python's SimpleCookie) or
 * commas (RFC 2965 section 3.3.4). Neither may stand in a value (RFC 6265 section 4.1.1).
 */
function hides(pair: string, name: string): boolean {
  if (!pair.includes(name)) return false;
  const parts = pair.split(LENIENT_SEPARATOR);
  return parts.some(
    (part, i) => part.startsWith(`${name}=`) || (part === name && parts[i + 1]?.startsWith('=') === true),
  );
}

function unquoted(text: string): string {
  const value = text.replace(AROUND_VALUE, '');
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

/** Some servers trim names as text of Unicode, where NEL and the no-break space are blanks. */
const AROUND_NAME = /^[\t \x85\xa0]+|[\t \x85\xa0]+$/g;
const LENIENT_SEPARATOR = /[\t ,\x85\xa0]+/;
const AROUND_VALUE = /^[\t ]+|[\t ]+$/g;
const LEADING_BLANKS = /^[\t ]+/;
