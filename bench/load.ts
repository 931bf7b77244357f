/**
 * Load for machines without `wrk`: keep-alive connections over bare sockets, each sending its next request when the
 * last answer is whole. Arguments: port, connections, seconds, path, bearer token. Prints what `wrk` would.
 */
import { connect, type Socket } from 'node:net';

const [port = '0', connections = '32', seconds = '2', path = '/', token = ''] = process.argv.slice(2);
const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`;
const end = performance.now() + Number(seconds) * 1000;
let completed = 0;
let failed = 0;

await Promise.all(Array.from({ length: Number(connections) }, keepBusy));
console.log(`  ${completed} requests in ${seconds}s`);
if (failed > 0) console.log(`  Non-2xx or 3xx responses: ${failed}`);

function keepBusy(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1');
    let pending = '';
    socket.setNoDelay(true).on('error', reject).on('close', resolve);
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1');
      const length = wholeAnswer(pending);
      if (length === 0) return;
      completed += 1;
      if (!pending.startsWith('HTTP/1.1 2')) failed += 1;
      pending = pending.slice(length);
      next(socket);
    });
  });
}

function next(socket: Socket): void {
  if (performance.now() < end) socket.write(request);
  else socket.end();
}

/** Length of the first answer, 0 while it is not whole; answers here have a Content-Length or a last chunk. */
function wholeAnswer(text: string): number {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return 0;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head + 2))?.[1];
  if (length !== undefined) return text.length >= head + 4 + Number(length) ? head + 4 + Number(length) : 0;
  const last = text.indexOf('\r\n0\r\n\r\n', head + 2);
  return last < 0 ? 0 : last + 7;
}
