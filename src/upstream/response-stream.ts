/**
 * The caller's side of an exchange: the upstream's answer on its way out, with backpressure. It never lets
 * an answer that was cut short look whole, and never closes on a caller who is still sending.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { discardUpload } from '../refusals/linger.ts';
import { optionTime } from '../timers.ts';
import type { Passage } from './passage.ts';
import type { ResponseHead } from './response-headers.ts';

/** Hears of what happens on the caller's side. */
export interface ResponseWatcher {
  /** There is room again after `write` said no. */
  drained(): void;
  /** The caller took nothing for too long. */
  stalled(): void;
}

/** Bytes of a body that is worth being copied into one piece with its header. */
const SHORT_BODY = 4096;
/** The end of a chunked body (RFC 9112 section 7.1). */
const LAST_CHUNK = '0\r\n\r\n';

/** The answer as the caller's connection gets it: its header once, then bytes no faster than they are taken. */
export class ResponseStream {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #watcher: ResponseWatcher;
  readonly #passage: Passage;
  #framing: ResponseHead['framing'] = 'none';
  #patience = Number.POSITIVE_INFINITY;
  #wrote = false;
  /** The first bytes of a short body, held back until it is known whether they are all. */
  #held: Buffer | null = null;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    watcher: ResponseWatcher,
    passage: Passage,
  ) {
    this.#request = request;
    this.#response = response;
    this.#watcher = watcher;
    this.#passage = passage;
  }

  /**
   * Gives the header to Node, which holds it back for the first byte of the body. False when Node will not
   * have it; nothing was written then.
   * @param patience milliseconds that the caller may take nothing while there is something to take
   */
  begin(status: number, reason: string, head: ResponseHead, patience: number): boolean {
    const response = this.#response;
    // The upload may go on beside the answer, and may never end: nothing can follow on this connection.
    if (!this.#request.complete) response.shouldKeepAlive = false;
    try {
      if (PLAIN_REASON.test(reason)) response.writeHead(status, reason, head.headers);
      else response.writeHead(status, head.headers);
    } catch {
      return false;
    }
    this.#framing = head.framing;
    this.#patience = patience;
    return true;
  }

  /** Sends out what is held back, or the header alone: an event stream may be silent for long. */
  flush(): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    const held = this.#takeHeld();
    if (held !== null) this.#response.write(held);
    else if (!this.#wrote) this.#response.flushHeaders();
    this.#wrote = true;
  }

  /** False when the caller takes no more for now, or others come first; `drained` follows. */
  write(chunk: Buffer): boolean {
    const response = this.#response;
    if (response.destroyed) return false;
    if (!this.#wrote && this.#framing === 'length' && chunk.length <= SHORT_BODY) {
      this.#wrote = true;
      this.#held = chunk;
      return true;
    }
    this.#wrote = true;
    const held = this.#takeHeld();
    if (held !== null) response.write(held);
    this.#passage.passed(chunk.length);
    if (response.write(chunk)) return this.#passage.mayGoOn(this.#onTurn);
    response.once('drain', this.#onDrain);
    if (Number.isFinite(this.#patience) && response.socket) {
      response.once('timeout', this.#onStall);
      response.socket.setTimeout(optionTime(this.#patience));
    }
    return false;
  }

  /**
   * The answer is whole. With an upload still under way the caller gets all of it now, and the connection's
   * end when the upload was read away.
   */
  end(): void {
    const request = this.#request;
    const response = this.#response;
    if (request.complete || response.destroyed) {
      const held = this.#takeHeld();
      // As text it goes out as one piece with the header: one buffer and one write less than as bytes.
      if (held === null) response.end();
      else response.end(held.toString('latin1'), 'latin1');
      return;
    }
    if (this.#isDelimited()) {
      this.flush();
      discardUpload(request, () => response.end());
      return;
    }
    const { socket } = response;
    if (socket === null) response.end();
    else this.#endOnSocket(socket);
    discardUpload(request, () => (socket === null ? response.end() : socket.destroySoon()));
  }

  #takeHeld(): Buffer | null {
    const held = this.#held;
    this.#held = null;
    return held;
  }

  /** The answer will never be whole, and the caller must see that. */
  cut(): void {
    const { socket } = this.#response;
    // Where only the end of the connection ends the body, an ordinary end would look like success.
    if (this.#endsWithConnection() && isPlainTcp(socket)) socket.resetAndDestroy();
    else this.#response.destroy();
  }

  /** Whether a body that ends now is whole for the caller. */
  get endsAnywhere(): boolean {
    return this.#framing === 'chunked' || this.#framing === 'until_close';
  }

  /** All that Node will write has been written but for an end that adds nothing. */
  #isDelimited(): boolean {
    return this.#framing === 'none' || this.#framing === 'length';
  }

  /** Node speaks HTTP/1.0 with such a caller: no chunks. */
  #endsWithConnection(): boolean {
    return this.endsAnywhere && !this.#response.chunkedEncoding;
  }

  /**
   * Node would close the connection together with the answer's end, so the end is written past it: what was
   * written before lies in front of it in the socket's own buffer.
   */
  #endOnSocket(socket: Socket): void {
    this.flush();
    if (this.#response.chunkedEncoding) socket.write(LAST_CHUNK, 'latin1');
    else socket.end();
  }

  readonly #onDrain = (): void => {
    this.#response.socket?.setTimeout(0);
    this.#response.off('timeout', this.#onStall);
    this.#watcher.drained();
  };

  readonly #onTurn = (): void => this.#watcher.drained();

  readonly #onStall = (): void => this.#watcher.stalled();
}

/** Reason phrases that Node takes; any other is replaced by the usual one. */
const PLAIN_REASON = /^[\t\x20-\x7e]+$/;

/** Only a TCP connection can be reset; a unix socket has no such thing. */
function isPlainTcp(socket: Socket | null): socket is Socket {
  return socket instanceof Socket && socket.remoteFamily !== undefined && !('encrypted' in socket);
}
