/** After an incident an operator has keys fetched now: by SIGHUP, or by `POST /-/refresh-keys` on the admin listener. */
import { request } from 'node:http';
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { INVALID_TOKEN } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const stolen = createSigningKey('ES256', 'stolen');
const fresh = createSigningKey('ES256', 'fresh');

async function stage(t: Parameters<typeof startWorld>[0]) {
  const provider = await startKeyServer(t);
  provider.serve('/keys', keySet(stolen));
  provider.serve('/other', keySet(stolen));
  const issuer = (name: string) =>
    `${name}: {issuer: "https://${name}.test", audience: api, jwks_uri: "${provider.url}/${name}"}`;
  const world = await startWorld(t, {
    policy: (url) => `
upstream: ${url}
accept: [keys]
issuers:
  ${issuer('keys')}
  ${issuer('other')}
routes:
  - path: /**
`,
  });
  const good = { token: signToken(stolen, { iss: 'https://keys.test' }) };
  await world.forwarded(t, good);
  provider.serve('/keys', keySet(fresh));
  return { provider, world, good };
}

t.test('POST /-/refresh-keys withdraws a stolen key at once, and says what came of it', async (t) => {
  const { provider, world, good } = await stage(t);
  await world.forwarded(t, good);
  provider.serve('/other', (_, response) => response.writeHead(500).end());
  const { status, body } = await post(world.gateway.adminPort, '/-/refresh-keys');
  t.equal(status, 200);
  const { ok, issuers } = JSON.parse(body);
  t.equal(ok, false);
  t.match(issuers, [
    { issuer: 'keys', outcome: 'fetched', cause: null, keys: 1 },
    { issuer: 'other', outcome: 'failed', cause: /status 500/, keys: 1 },
  ]);
  t.match(await world.gateway.line(({ msg }) => msg === 'issuer keys were fetched on request'), { issuers });
  await world.refused(t, good, INVALID_TOKEN);
  await world.forwarded(t, { token: signToken(fresh, { iss: 'https://keys.test' }) });
  await world.conclude(t);
});

t.test('SIGHUP does so too, with a policy that is unchanged', async (t) => {
  const { world, good } = await stage(t);
  process.kill(world.gateway.pid, 'SIGHUP');
  const told = await world.gateway.line(({ msg }) => msg === 'issuer keys were fetched on request');
  t.match(told.issuers, [{ outcome: 'fetched' }, { outcome: 'fetched' }]);
  await world.refused(t, good, INVALID_TOKEN);
  await world.conclude(t);
});

function post(port: number, path: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, path, method: 'POST', agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}
