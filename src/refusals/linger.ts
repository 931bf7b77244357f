/**
 * Lingering close: after an answer that ends a connection, what the other side is still sending is read
 * and thrown away for a while. Closing at once would reset the connection, and a client that sends first
 * and reads later would lose the answer (RFC 9112 section 9.6).
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { bytesPassed } from '../passing-bytes.ts';
import { startTimer, stopTimer } from '../timers.ts';

/** Milliseconds without a byte after which nothing more is expected. */
const QUIET = 5_000;
/** Milliseconds in all. */
const LONGEST = 30_000;
/** Bytes in all. */
const MOST = 256 * 1024 * 1024;

/** Connections that linger, each with what ends it. */
const lingering = new Map<Duplex, () => void>();
/** Connections that do not, since there is nothing to wait for, and whose last answer is given all the same. */
const ended = new WeakSet<Duplex>();

/**
 * True when the last answer of this connection was given: a request that follows must not be looked at
 * (RFC 9112 section 9.6: "MUST NOT process any further requests received on that connection").
 */
export function isLingering(socket: Duplex): boolean {
  return lingering.has(socket) || ended.has(socket);
}

/**
 * Says so of a connection whose last answer is written whole, with no body to be read away. Node looks at what one read
 * brought in one go, but for a message of more than 32 fields, behind which an answer is over before the next is looked at.
 */
export function endWithAnswer(socket: Duplex): void {
  ended.add(socket);
}

/** Ends all that linger, to make room for connections of callers who have not been answered. */
export function cutLingering(): void {
  for (const end of [...lingering.values()]) end();
}

/**
 * Reads away the rest of a request's body.
 * @param finish called once: when it is read, its connection has closed, or patience is at an end
 */
export function discardUpload(request: IncomingMessage, finish: () => void): void {
  discard(request, request.socket, finish);
}

/** The same for a connection that carries no requests any more, until its other side ends it. */
export function discardBytes(socket: Duplex, finish: () => void): void {
  discard(socket, socket, finish);
}

/** Ends a connection whose last answer is written, and reads away what its other side still sends until it ends too. */
export function lingerThenClose(socket: Duplex): void {
  // Whoever read from it reads no more: a parser that failed once would fail on every byte to come.
  socket.removeAllListeners('data');
  socket.end();
  discardBytes(socket, () => socket.destroy());
}

function discard(source: Readable, socket: Duplex, finish: () => void): void {
  let discarded = 0;
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    stopTimer(quiet);
    stopTimer(longest);
    source.off('data', onData).off('end', end).off('close', end);
    // The connection stays marked: what follows on it is not to be looked at until it is gone.
    if (!socket.destroyed) lingering.set(socket, destroySocket);
    finish();
  };
  const destroySocket = (): void => {
    socket.destroy();
  };
  const onData = (chunk: Buffer): void => {
    discarded += chunk.length;
    bytesPassed(chunk.length);
    quiet?.refresh();
    if (discarded > MOST) end();
  };
  const quiet = startTimer(end, QUIET);
  const longest = startTimer(end, LONGEST);
  lingering.set(socket, end);
  socket.once('close', () => lingering.delete(socket));
  source.on('data', onData).on('end', end).on('close', end);
  source.resume();
}
