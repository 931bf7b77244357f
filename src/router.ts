/**
 * Fastify with @fastify/http-proxy, registered once: the frame that a visit passes through on its way
 * to the gate. Fastify parses no body, logs nothing and chooses no route of the policy; the proxy's own
 * transport is never used (`reply.from` is not called), because its pinned version does not verify
 * upstream certificates and normalises paths after the decision. Its `preHandler` is where the gate
 * takes the request over.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { METHODS } from 'node:http';
import httpProxy from '@fastify/http-proxy';
import fastify, { type FastifyInstance } from 'fastify';

/** Takes over a request that came through the router. */
export type TakeOver = (request: IncomingMessage, response: ServerResponse) => void;

/** A router that is ready; it never listens by itself. */
export async function createRouter(takeOver: TakeOver): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: false,
    trustProxy: false,
    genReqId: () => '',
  });
  // No method has a body as far as Fastify knows, so that it neither parses nor refuses any.
  for (const method of METHODS) {
    if (method !== 'CONNECT') app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  }
  app.removeAllContentTypeParsers();
  await app.register(httpProxy, {
    upstream: '',
    httpMethods: app.supportedMethods,
    websocket: false,
    undici: unusedTransport,
    replyOptions: { getUpstream: refuseTransport },
    preHandler: (request, reply) => {
      reply.hijack();
      takeOver(request.raw, reply.raw);
    },
  });
  await app.ready();
  return app;
}

/** Given so that the proxy builds no agent of its own; whoever reaches it has left the gate's way. */
const unusedTransport = {
  request: refuseTransport,
  destroy(): void {},
};

function refuseTransport(): never {
  throw new Error('requests are forwarded by the gate only');
}
