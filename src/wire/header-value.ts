/**
 * What may stand in a field value that we write (RFC 9110 section 5.5), and how any other text is carried
 * there: as one line of visible ASCII that decodes to exactly the text it came from.
 */

/** Text as a field value, or the reason why it cannot be one. */
export type EncodedValue = { readonly ok: true; readonly value: string } | { readonly ok: false };

/** How text is carried; see `identity.encoding` in the configuration. */
export type ValueEncoding = 'percent' | 'base64url' | 'refuse';

const CANNOT: EncodedValue = Object.freeze({ ok: false });

/** VCHAR of RFC 5234 only, and at least one: no space, no control, nothing beyond ASCII. */
export function isVisibleAscii(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    if (!isVisible(text.charCodeAt(i))) return false;
  }
  return text.length > 0;
}

/**
 * A single value.
 * - `percent`: every byte of its UTF-8 form outside visible ASCII, and `%`, becomes `%XX`;
 * - `base64url`: all of its UTF-8 form, without padding, whatever it holds;
 * - `refuse`: the text itself, or not at all when it is not visible ASCII with inner spaces.
 *
 * Text that is not well-formed Unicode cannot be carried: all lone surrogates would look the same.
 */
export function encodeValue(text: string, encoding: ValueEncoding): EncodedValue {
  return encodeText(text, encoding, '');
}

/**
 * The members of a list, each encoded and then joined. In a member the characters of `join` are encoded too
 * (`refuse`: not carried, and neither are spaces), so that splitting at `join` gives the members back.
 *
 * @param join see `isJoin`
 */
export function encodeList(members: readonly string[], encoding: ValueEncoding, join: string): EncodedValue {
  let value = '';
  for (let i = 0; i < members.length; i += 1) {
    const encoded = encodeText(members[i] ?? '', encoding, join);
    if (!encoded.ok) return CANNOT;
    value = i === 0 ? encoded.value : value + join + encoded.value;
  }
  return { ok: true, value };
}

/**
 * Whether lists may be joined by it: a space or one character of visible ASCII that encoding a member never
 * writes (letters, digits and `%`; `-` and `_` in base64url).
 */
export function isJoin(join: string): boolean {
  return /^[ !"#$&'()*+,./:;<=>?@[\\\]^`{|}~]$/.test(join);
}

function encodeText(text: string, encoding: ValueEncoding, join: string): EncodedValue {
  if (!text.isWellFormed()) return CANNOT;
  switch (encoding) {
    case 'percent':
      return { ok: true, value: percentEncode(text, join) };
    case 'base64url':
      return { ok: true, value: Buffer.from(text, 'utf8').toString('base64url') };
    case 'refuse':
      return carriesAsIs(text, join) ? { ok: true, value: text } : CANNOT;
  }
}

function percentEncode(text: string, join: string): string {
  let plain = true;
  for (let i = 0; i < text.length && plain; i += 1) plain = isPlain(text, i, join);
  if (plain) return text;
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    encoded += isPlain(character, 0, join)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** `%` never stands for itself, or `a%20` could be both of two texts. */
function isPlain(text: string, index: number, join: string): boolean {
  const character = text[index] ?? '';
  return isVisible(text.charCodeAt(index)) && character !== '%' && !join.includes(character);
}

/** In a list no spaces, in a single value inner ones: those at the ends are not part of a field value. */
function carriesAsIs(text: string, join: string): boolean {
  if (join === '' && (text.startsWith(' ') || text.endsWith(' '))) return false;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x20 ? join !== '' : !isVisible(code) || join.includes(text[i] ?? '')) return false;
  }
  return true;
}

function isVisible(code: number): boolean {
  return code > 0x20 && code < 0x7f;
}
