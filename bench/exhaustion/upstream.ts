/** A process behind the gateway: an API with small and endless answers, streams and WebSockets, and the provider's keys. */

import type { JsonWebKey } from 'node:crypto';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { answerEach } from './worker.ts';

export type UpstreamQuestion = { readonly keys: readonly JsonWebKey[] } | { readonly count: true };

export interface UpstreamAnswer {
  readonly port: number;
  /** How often the keys were fetched. */
  readonly fetches: number;
}

const LARGE = 64 * 1024 * 1024;
const BLOCK = Buffer.alloc(64 * 1024, 'x');
/** A binary frame of 65,535 bytes (RFC 6455 section 5.2). */
const FRAME = Buffer.concat([Buffer.from([0x82, 126, 0xff, 0xff]), Buffer.alloc(0xffff, 'x')]);
const EVENT = `data: ${'x'.repeat(200)}\n\n`;
const EVENT_EVERY = 250;
/** Streams have their events at different times. */
const PHASES = 25;
const HELD_FOR = 50;

let keys: readonly JsonWebKey[] = [];
let fetches = 0;
const streams = Array.from({ length: PHASES }, () => new Set<ServerResponse>());
let opened = 0;
let phase = 0;
setInterval(() => {
  phase = (phase + 1) % PHASES;
  for (const stream of streams[phase] ?? []) if (!stream.writableNeedDrain) stream.write(EVENT);
}, EVENT_EVERY / PHASES);

const server = createServer((request, response) => {
  request.on('error', () => {});
  response.on('error', () => {});
  request.resume();
  answer(request, response);
});
server.on('upgrade', (request, socket) => tunnel(request, socket));
server.keepAliveTimeout = 60_000;
server.requestTimeout = 0;
server.listen(0, '127.0.0.1');
await once(server, 'listening');

answerEach<UpstreamQuestion, UpstreamAnswer>(async (question) => {
  if ('keys' in question) keys = question.keys;
  return { port: (server.address() as AddressInfo).port, fetches };
});

function answer(request: IncomingMessage, response: ServerResponse): void {
  switch (request.url) {
    case '/keys':
      fetches += 1;
      response.end(JSON.stringify({ keys }));
      return;
    case '/api/large':
      response.writeHead(200, { 'content-length': LARGE });
      void pour(response, BLOCK, LARGE);
      return;
    case '/api/events':
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      listen(response);
      return;
    case '/api/held':
      setTimeout(() => small(request, response), HELD_FOR);
      return;
    case '/api/upload':
      request.once('end', () => small(request, response));
      return;
    default:
      small(request, response);
  }
}

function listen(response: ServerResponse): void {
  const others = streams[opened % PHASES];
  opened += 1;
  others?.add(response);
  response.once('close', () => others?.delete(response));
}

function small(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ order: 17, for: request.headers['x-auth-subject'] ?? null, total: 42.5 }));
}

function tunnel(request: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => {});
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.resume();
  if (request.url === '/ws/pour') void pour(socket, FRAME, Number.POSITIVE_INFINITY);
}

/** Writes as fast as it is taken, until all is written or nobody is there. */
async function pour(target: Duplex | ServerResponse, block: Buffer, total: number): Promise<void> {
  for (let written = 0; written < total && !target.destroyed; written += block.length) {
    if (target.write(block)) continue;
    const left = new AbortController();
    const close = (): void => left.abort();
    target.once('close', close);
    await once(target, 'drain', { signal: left.signal }).catch(() => {});
    target.off('close', close);
  }
  if (!target.destroyed) target.end();
}
