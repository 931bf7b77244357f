/** Small plain HTTP servers on 127.0.0.1: listening, answering in JSON, closing. Never any other address. */
import { once } from 'node:events';
import type { OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import { createServer as createNetServer } from 'node:net';

/**
 * Listens on 127.0.0.1 and resolves to the port. Rejects when it is taken or not ours to take.
 * @param port 0 lets the system choose
 */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}

/** Stops listening and cuts what is still connected. */
export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/** Answers with a JSON document that nothing may store, ending in a line break for terminals. */
export function sendJson(
  response: ServerResponse,
  status: number,
  document: object,
  headers: OutgoingHttpHeaders = {},
): void {
  const body = Buffer.from(`${JSON.stringify(document)}\n`);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** Whether an address can be listened on at this moment. */
export async function isFree(host: string, port: number): Promise<boolean> {
  const probe = createNetServer();
  try {
    probe.listen(port, host);
    await once(probe, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}
