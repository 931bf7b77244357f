/**
 * What may stand in a field value that we write (RFC 9110 section 5.5), and how any other text is carried
 * there: as one line that decodes to exactly the text it came from, of visible ASCII but for `utf8`.
 */

/** Text as a field value, or the reason why it cannot be one. */
export type EncodedValue = { readonly ok: true; readonly value: string } | { readonly ok: false };

/** How text is carried; see `identity.encoding` in the configuration. */
export type ValueEncoding = 'percent' | 'ascii' | 'utf8' | 'base64url' | 'refuse';

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
 * - `ascii`: the same, but inner spaces stay;
 * - `utf8`: its UTF-8 form, one character for each byte, or not at all with a control, a line separator, or a space at an end;
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
 * (`utf8` and `refuse`: not carried; under `refuse` neither are spaces), so that splitting at `join` gives the members back.
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
      return { ok: true, value: percentEncode(text, join, false) };
    case 'ascii':
      return { ok: true, value: percentEncode(text, join, !join.includes(' ')) };
    case 'utf8':
      return carriesUnicode(text, join) ? { ok: true, value: utf8Bytes(text) } : CANNOT;
    case 'base64url':
      return { ok: true, value: Buffer.from(text, 'utf8').toString('base64url') };
    case 'refuse':
      return carriesAsIs(text, join) ? { ok: true, value: text } : CANNOT;
  }
}

function percentEncode(text: string, join: string, spaces: boolean): string {
  let plain = true;
  for (let i = 0; i < text.length && plain; i += 1) plain = isPlain(text, i, join, spaces);
  if (plain) return text;
  const bytes = utf8Bytes(text);
  let encoded = '';
  for (let i = 0; i < bytes.length; i += 1) {
    encoded += isPlain(bytes, i, join, spaces)
      ? bytes[i]
      : `%${bytes.charCodeAt(i).toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** `%` never stands for itself, or `a%20` could be both of two texts; a space at an end is not part of a field value. */
function isPlain(text: string, index: number, join: string, spaces: boolean): boolean {
  const character = text[index] ?? '';
  if (character === ' ') return spaces && index > 0 && index < text.length - 1;
  return isVisible(text.charCodeAt(index)) && character !== '%' && !join.includes(character);
}

/** As header lists hold bytes: a character for each. */
function utf8Bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** No control of C0 or C1, and nothing that Unicode ends a line with: the upstream may split by either. */
function carriesUnicode(text: string, join: string): boolean {
  if (text.startsWith(' ') || text.endsWith(' ')) return false;
  if (/[\0-\x1f\x7f-\x9f\u2028\u2029]/.test(text)) return false;
  return join === '' || !text.includes(join);
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
