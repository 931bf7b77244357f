/** Reads a small request body as text. */
import type { IncomingMessage } from 'node:http';

/**
 * The body as UTF-8, or null as soon as it is longer than `maximum` bytes; the rest is then not read.
 * Rejects when the peer goes away before its end.
 */
export async function readBody(request: IncomingMessage, maximum: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += chunk.length;
    if (length > maximum) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
