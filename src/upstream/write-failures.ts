/**
 * An upstream may answer before it has read the whole request, and close: 413, 401. The kernel then refuses to write more
 * while the answer still lies there to be read, and Node would throw that away with the socket.
 */
import type { Socket } from 'node:net';

/** What the kernel says when the other side takes no more; the connection is gone, and its end is read at once. */
const TAKES_NO_MORE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET', 'ECONNABORTED']);

type WriteDone = (error?: Error | null) => void;

/**
 * Lets what was received be read when a write fails: the write stays pending, so that nothing more is written, and the
 * socket ends by what is read: an answer, an end or an error (RFC 9112 section 9.5). Any other failure counts as ever.
 */
export function readBeforeFailing(socket: Socket): void {
  const { _write: write, _writev: writev } = socket;
  // A stream gives the same function with every write, so that one for each socket is enough.
  let done: WriteDone | null = null;
  let held: WriteDone = () => {};
  const hold = (given: WriteDone): WriteDone => {
    if (given !== done) {
      done = given;
      held = (error) => {
        if (!TAKES_NO_MORE.has(codeOf(error)) || socket.readableEnded) given(error);
      };
    }
    return held;
  };
  socket._write = (chunk, encoding, callback) => write.call(socket, chunk, encoding, hold(callback));
  if (writev !== undefined)
    socket._writev = (chunks, callback) => writev.call(socket, chunks, hold(callback));
}

function codeOf(error: Error | null | undefined): string | undefined {
  return error != null && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
