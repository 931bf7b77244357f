/** One container of the image with the policy that it brings: three variables, an issuer and an upstream. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { HARDENED, healthy, logged, startContainer, stateOf } from './container.ts';
import { docker } from './engine.ts';

const NAME = 'hardened';

/** What it is asked: so many requests, so many at once. */
export interface Load {
  readonly requests: number;
  readonly atOnce: number;
}

/** Healthy; 401 without and 200 with a token, also many at once; `docker stop` lets what is in flight end, with 0. */
export async function tryHardened(
  t: Test,
  image: string,
  limits: readonly string[],
  { requests, atOnce }: Load,
): Promise<void> {
  const { upstream, held } = await startUpstream(t);
  const { issuer, token } = await startIssuer(t);
  const variables = {
    SALLYPORT_UPSTREAM: upstream,
    SALLYPORT_ISSUER: issuer,
    SALLYPORT_AUDIENCE: 'orders-api',
    // Free ports: the network is that of this machine.
    SALLYPORT_DEFAULT_LISTEN: '127.0.0.1:0',
    SALLYPORT_ADMIN: '127.0.0.1:0',
  };
  const environment = Object.entries(variables).map(([name, value]) => `--env=${name}=${value}`);
  await startContainer(t, NAME, ['--network=host', ...HARDENED, ...limits, ...environment, image]);
  const origin = `http://${[(await logged(NAME, 'listening')).public].flat()[0]}`;
  await healthy(NAME);

  const refused = await fetch(`${origin}/orders`);
  t.equal(refused.status, 401);
  t.equal(refused.headers.get('www-authenticate'), 'Bearer realm="api"');
  const headers = { authorization: `Bearer ${token}` };
  const statuses = new Map<number, number>();
  const ask = async (left: number): Promise<void> => {
    const response = await fetch(`${origin}/orders`, { headers });
    await response.arrayBuffer();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    if (left > 1) return ask(left - 1);
  };
  await Promise.all(Array.from({ length: atOnce }, () => ask(requests / atOnce)));
  t.same([...statuses], [[200, requests]]);
  t.comment(`memory: ${await docker('stats', '--no-stream', '--format={{.MemUsage}}', NAME)}`);

  const slow = fetch(`${origin}/slow`, { headers });
  const answer = await held;
  const draining = logged(NAME, 'draining').then(() => answer.end('late'));
  const [response] = await Promise.all([slow, draining, docker('stop', '--time=120', NAME)]);
  t.equal(await response.text(), 'late');
  t.equal(await stateOf(NAME, '{{.State.ExitCode}} {{.State.OOMKilled}} {{.RestartCount}}'), '0 false 0');
}

/** An upstream that answers at once, but for `/slow`, whose answer is left to the test. */
async function startUpstream(t: Test) {
  const { promise: held, resolve } = Promise.withResolvers<ServerResponse>();
  const server = createServer((request, response) => {
    if (request.url === '/slow') resolve(response);
    else response.end('{"orders":[]}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { upstream: `http://127.0.0.1:${port}`, held };
}

async function startIssuer(t: Test) {
  const server = await startKeyServer(t);
  const key = createSigningKey('ES256');
  server.serve('/.well-known/openid-configuration', { issuer: server.url, jwks_uri: `${server.url}/keys` });
  server.serve('/keys', keySet(key));
  const exp = Math.floor(Date.now() / 1000) + 3600;
  return { issuer: server.url, token: signToken(key, { iss: server.url, aud: 'orders-api', exp }) };
}
