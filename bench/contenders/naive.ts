/** What one writes from the readmes: fastify with its default log, @fastify/http-proxy, and jose for every request. */
import httpProxy from '@fastify/http-proxy';
import fastify from 'fastify';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { BENCH_UPSTREAM_PORT, BENCH_JWKS_URI = '', BENCH_ISSUER = '', BENCH_AUDIENCE = '' } = process.env;
const keys = createRemoteJWKSet(new URL(BENCH_JWKS_URI));
const app = fastify({ logger: true });

app.addHook('onRequest', async (request, reply) => {
  const token = request.headers.authorization?.replace(/^Bearer /i, '') ?? '';
  try {
    const { payload } = await jwtVerify(token, keys, { issuer: BENCH_ISSUER, audience: BENCH_AUDIENCE });
    request.headers['x-auth-subject'] = payload.sub;
  } catch {
    reply.code(401).header('www-authenticate', 'Bearer realm="api"');
    return reply.send({ error: 'unauthorized' });
  }
});
await app.register(httpProxy, { upstream: `http://127.0.0.1:${BENCH_UPSTREAM_PORT}` });
await app.listen({ host: '127.0.0.1', port: 0 });
