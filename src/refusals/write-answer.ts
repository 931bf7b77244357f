/**
 * Writes an answer of ours to a response of Node's or to a bare socket. What the caller still sends can
 * never be taken for a request: an answer to an upload that is not read to its end closes the connection.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Answer } from './answer.ts';
import { discardUpload, endWithAnswer, lingerThenClose } from './linger.ts';

/**
 * Answers a request at once, before its body is read. With a body under way the connection is announced as
 * closing, the answer goes out whole, and the end waits until the body was read away (`discardUpload`).
 * A response whose header has gone out already can only be cut.
 */
export function writeAnswer(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const uploading = !request.complete && hasBody(request.rawHeaders);
  if (answer.close || uploading) response.shouldKeepAlive = false;
  response.writeHead(answer.status, [...answer.headers, ...contentLength(answer)]);
  const silent = request.method === 'HEAD' || answer.body.length === 0;
  if (!uploading) {
    if (!response.shouldKeepAlive) endWithAnswer(request.socket);
    if (silent) response.end();
    else response.end(answer.body);
    return;
  }
  if (silent) response.flushHeaders();
  else response.write(answer.body);
  discardUpload(request, () => response.end());
}

/**
 * Answers on a connection that has no response of Node's: an upgrade, CONNECT, or bytes that were no request.
 * The connection is ended, and closed when the other side has done so too or patience is at an end.
 */
export function writeAnswerToSocket(socket: Duplex, answer: Answer): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.on('error', ignore);
  socket.cork();
  socket.write(headOf(answer), 'latin1');
  socket.write(answer.body);
  socket.uncork();
  lingerThenClose(socket);
}

/** A socket that fails closes, and that is what is waited for. */
function ignore(): void {}

function headOf(answer: Answer): string {
  let head = `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}\r\n`;
  const headers = [...answer.headers, ...contentLength(answer)];
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  // Nothing is decided by this clock: it is the message's date (RFC 9110 section 6.6.1), as Node writes it elsewhere.
  const date = new Date().toUTCString();
  return `${head}Date: ${date}\r\nConnection: close\r\n\r\n`;
}

/** RFC 9110 section 8.6: a 204 must not have one, and that of a 304 would be the length of a body it has not got. */
function contentLength(answer: Answer): readonly string[] {
  return answer.status === 204 || answer.status === 304 ? [] : ['Content-Length', String(answer.body.length)];
}

function hasBody(rawHeaders: readonly string[]): boolean {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      if (!/^0+$/.test(rawHeaders[i + 1] ?? '')) return true;
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      return true;
    }
  }
  return false;
}
