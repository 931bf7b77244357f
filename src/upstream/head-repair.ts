/**
 * Two things in the header section of an upstream's answer that the pinned parser refuses and a proxy must take: white
 * space between a field's name and its colon, which is removed (RFC 9112 section 5.1), and `100 Continue` that nothing asked
 * for (RFC 9110 section 15.2). They are put right in the bytes before the parser reads them, so that it stays strict in all
 * else, and so that `Content-Length : 5` frames the answer for it, for us and for the client alike.
 */

const LF = 10;
const CR = 13;
const TAB = 9;
const SPACE = 32;
const ZERO = 48;
const COLON = 58;
const TWO = 50;
/** Bytes of white space that are held back at the end of a piece until it is known whether a colon follows. */
const MOST_HELD = 256;
const NONE = Buffer.alloc(0);

/** What the next byte belongs to; `body` is everything behind the final header section. */
type Part = 'status' | 'name' | 'value' | 'body';

/** Follows the answers on one connection. It reads each byte of a header section once, and no body. */
export class HeadRepair {
  #part: Part = 'status';
  /** Bytes of the status line or of the name so far. */
  #column = 0;
  #status = 0;
  /** Where the white space begins that stands behind the name, in the present piece; -1 without any. */
  #space = -1;
  #held: Buffer = NONE;

  /** A request is being written: an answer with its header section comes next. */
  begin(): void {
    this.#part = 'status';
    this.#column = 0;
    this.#status = 0;
    this.#held = NONE;
  }

  /** The bytes as the parser is to read them: the piece itself unless something was put right. */
  take(piece: Buffer): Buffer {
    if (this.#isBehindHead()) return piece;
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    const kept: Buffer[] = [];
    let from = 0;
    this.#space = -1;
    for (let i = 0; i < bytes.length && !this.#isBehindHead(); i += 1) {
      const byte = bytes[i] ?? 0;
      if (byte === COLON && this.#space >= 0) {
        kept.push(bytes.subarray(from, this.#space));
        from = i;
      }
      this.#follow(bytes, i, byte);
    }
    const end = this.#holdBack(bytes);
    if (from === 0 && end === bytes.length) return bytes;
    return Buffer.concat([...kept, bytes.subarray(from, end)]);
  }

  #isBehindHead(): boolean {
    return this.#part === 'body';
  }

  #follow(bytes: Buffer, at: number, byte: number): void {
    if (this.#part === 'name') this.#followName(at, byte);
    else if (byte === LF) this.#endLine();
    else if (this.#part === 'status') this.#followStatus(bytes, at, byte);
  }

  #followName(at: number, byte: number): void {
    const blank = byte === SPACE || byte === TAB;
    if (blank && this.#column > 0) {
      if (this.#space < 0) this.#space = at;
      return;
    }
    this.#space = -1;
    if (byte === LF) this.#endLine();
    // A line that begins with white space continues the one before, which the parser refuses.
    else if (blank || byte === COLON) this.#part = 'value';
    else if (byte !== CR) this.#column += 1;
  }

  /** `HTTP/1.1 100`: undici breaks off at 100, and takes 102 for what it is: an interim response without a meaning to us. */
  #followStatus(bytes: Buffer, at: number, byte: number): void {
    if (this.#column === 0 && byte === CR) return;
    if (this.#column >= 9 && this.#column <= 11) this.#status = this.#status * 10 + byte - ZERO;
    if (this.#column === 11 && this.#status === 100) bytes[at] = TWO;
    this.#column += 1;
  }

  #endLine(): void {
    const empty = this.#column === 0;
    this.#column = 0;
    if (this.#part === 'name' && empty) {
      // Behind an interim response another header section follows; behind 101 the other protocol.
      const interim = this.#status >= 100 && this.#status < 200 && this.#status !== 101;
      this.#part = interim ? 'status' : 'body';
      this.#status = 0;
    } else if (this.#part === 'value' || !empty) this.#part = 'name';
  }

  /** Where the bytes end that may be read now. No server writes much white space: then the parser may refuse it. */
  #holdBack(bytes: Buffer): number {
    const end = this.#space < 0 || bytes.length - this.#space > MOST_HELD ? bytes.length : this.#space;
    this.#held = end === bytes.length ? NONE : Buffer.from(bytes.subarray(end));
    return end;
  }
}
