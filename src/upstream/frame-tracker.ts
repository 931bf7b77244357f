/**
 * Follows the frames of a WebSocket (RFC 6455 section 5.2) in a stream of bytes that is passed on as it is,
 * so that it is known where a frame of our own may be put in. Looks at no content.
 */

/** Follows the frames of one direction (RFC 6455 section 5.2), byte by byte, without keeping any. */
export class FrameTracker {
  /** What comes next: the first or second byte of a frame, bytes of its length, or its masking key and payload. */
  #expects: 'first' | 'second' | 'length' | 'rest' = 'first';
  #lengthBytes = 0;
  #length = 0;
  #masked = false;
  #rest = 0;

  /** True between two frames. */
  get atBoundary(): boolean {
    return this.#expects === 'first';
  }

  /** Follows all of a chunk. */
  follow(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) at = this.#step(chunk, at);
  }

  /** Follows a chunk up to the end of the frame that is under way; the offset of that end, or -1 if it is not in the chunk. */
  followToBoundary(chunk: Uint8Array): number {
    for (let at = 0; at < chunk.length; ) {
      at = this.#step(chunk, at);
      if (this.atBoundary) return at;
    }
    return -1;
  }

  /** Takes one byte of a header, or all of the payload that is there. */
  #step(chunk: Uint8Array, at: number): number {
    if (this.#expects === 'rest') {
      const taken = Math.min(this.#rest, chunk.length - at);
      this.#expectRest(this.#rest - taken);
      return at + taken;
    }
    this.#takeHeaderByte(chunk[at] ?? 0);
    return at + 1;
  }

  #takeHeaderByte(byte: number): void {
    if (this.#expects === 'first') {
      this.#expects = 'second';
    } else if (this.#expects === 'second') {
      this.#masked = (byte & 0x80) !== 0;
      this.#startLength(byte & 0x7f);
    } else {
      this.#length = this.#length * 256 + byte;
      this.#lengthBytes -= 1;
      if (this.#lengthBytes === 0) this.#startRest();
    }
  }

  #startLength(length: number): void {
    if (length < 126) {
      this.#length = length;
      this.#startRest();
      return;
    }
    this.#length = 0;
    this.#lengthBytes = length === 126 ? 2 : 8;
    this.#expects = 'length';
  }

  #startRest(): void {
    this.#expectRest(this.#length + (this.#masked ? 4 : 0));
  }

  #expectRest(bytes: number): void {
    this.#rest = bytes;
    this.#expects = bytes === 0 ? 'first' : 'rest';
  }
}

/** A close frame from server to client, unmasked and without a reason (RFC 6455 section 5.5.1). */
export function closeFrame(code: 1001 | 1008): Buffer {
  return Buffer.from([0x88, 0x02, code >> 8, code & 0xff]);
}
