/**
 * A strict reading of a request's head (RFC 9112 sections 2 to 6), written apart from the product and from Node's parser:
 * whether it is clear, by bytes alone, that here is one request, framed in one way.
 */

/** Several spaces may be read as one (section 3). */
const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ +[\x21-\x7e]+ +HTTP\/1\.([01])$/;
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/;

/** Empty lines before it are skipped (RFC 9112 section 2.2); what follows the head is not looked at. */
export function isClearHead(bytes: string): boolean {
  const text = bytes.replace(/^[\r\n]+/, '');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const [line = '', ...fieldLines] = text.slice(0, end).split('\r\n');
  const version = REQUEST_LINE.exec(line)?.[1];
  if (version === undefined) return false;
  const fields = fieldLines.map((each) => FIELD_LINE.exec(each));
  if (fields.includes(null)) return false;
  const all = (wanted: string): string[] =>
    fields.flatMap((field) => (field?.[1]?.toLowerCase() === wanted ? [(field[2] ?? '').trim()] : []));
  const hosts = all('host').length;
  if (hosts > 1 || (hosts === 0 && version === '1')) return false;
  return isFramedOnce(all('content-length'), all('transfer-encoding'), version);
}

/** RFC 9112 section 6.3. */
function isFramedOnce(lengths: readonly string[], codings: readonly string[], version: string): boolean {
  if (codings.length > 0) {
    return lengths.length === 0 && version === '1' && /^chunked$/i.test(codings.join());
  }
  return lengths.length === 0 || (lengths.length === 1 && /^\d{1,16}$/.test(lengths[0] ?? ''));
}
