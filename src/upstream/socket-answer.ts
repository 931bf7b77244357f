/**
 * An upstream's plain response on a bare socket, after which the connection ends. For handshakes that the
 * upstream does not accept: Node's own response is gone by then.
 */
import { STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Passage } from './passage.ts';
import type { ResponseHead } from './response-headers.ts';

/** An upstream's answer to a handshake that it refused, written to a bare socket. */
export class SocketAnswer {
  /** Body bytes so far. */
  bytesOut = 0;
  readonly #socket: Duplex;
  readonly #framing: ResponseHead['framing'];
  readonly #resume: () => void;
  readonly #passage: Passage;

  /** @param resume called when there is room again, or it is our turn, after `write` said no */
  constructor(socket: Duplex, framing: ResponseHead['framing'], resume: () => void, passage: Passage) {
    this.#socket = socket;
    this.#framing = framing;
    this.#resume = resume;
    this.#passage = passage;
  }

  /** Writes the head. A body without a known length ends with the connection (RFC 9112 section 6.3). */
  begin(status: number, reason: string, headers: readonly string[]): void {
    const phrase = /^[\t\x20-\x7e]+$/.test(reason) ? reason : (STATUS_CODES[status] ?? '');
    let head = `HTTP/1.1 ${status} ${phrase}\r\n`;
    for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    this.#socket.write(`${head}Connection: close\r\n\r\n`, 'latin1');
  }

  /** False when the caller takes no more for now, or others come first. */
  write(chunk: Buffer): boolean {
    if (!this.#socket.writable) return false;
    this.bytesOut += chunk.length;
    this.#passage.passed(chunk.length);
    if (this.#socket.write(chunk)) return this.#passage.mayGoOn(this.#resume);
    this.#socket.once('drain', this.#resume);
    return false;
  }

  /** The body will never be whole, and must not look so. */
  cut(): void {
    const endsWithConnection = this.#framing === 'chunked' || this.#framing === 'until_close';
    const socket = this.#socket;
    if (endsWithConnection && socket instanceof Socket && socket.remoteFamily !== undefined) {
      if (!('encrypted' in socket)) {
        socket.resetAndDestroy();
        return;
      }
    }
    socket.destroy();
  }
}
