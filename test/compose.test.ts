import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parse } from 'yaml';
import { promisedLines, readComposeFile } from './fixtures/compose-file.ts';
import { startGateway } from './fixtures/gateway.ts';
import { findProgram } from './image/engine.ts';

const FILE = 'docker-compose.yml';
const WITH_KEYCLOAK = 'docker-compose.keycloak.yml';
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const POLICY = fileURLToPath(new URL('../config/compose/keycloak.yaml', import.meta.url));
const compose = readComposeFile(FILE);
const lines = promisedLines(FILE);

t.test('what docker-compose.yml mounts is there, and only the gateway has a port', async (t) => {
  const { services } = compose;
  for (const { volumes = [] } of Object.values(services)) {
    for (const volume of volumes) {
      t.ok(existsSync(new URL(`../${volume.split(':')[0]}`, import.meta.url)), volume);
    }
  }
  t.same(
    Object.keys(services).filter((name) => services[name]?.ports !== undefined),
    ['sallyport'],
  );
  t.match(services.sallyport?.ports, [/^127\.0\.0\.1:/]);
  t.same(services.sallyport?.command, ['run', '--config', '/etc/sallyport/compose/sallyport.yaml']);
});

t.test('the lines to paste give what they promise, and refusals never reach the legacy API', async (t) => {
  const seen: IncomingMessage[] = [];
  const legacy = createServer((request, response) => {
    seen.push(request);
    response.end('legacy');
  });
  legacy.listen(0, '127.0.0.1');
  await once(legacy, 'listening');
  t.teardown(() => legacy.close());
  const address = legacy.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  const gateway = await startGateway(t, {
    policy: readFileSync(new URL('../config/compose/sallyport.yaml', import.meta.url), 'utf8'),
    environment: { SALLYPORT_UPSTREAM: `http://127.0.0.1:${port}` },
  });
  t.same(
    lines.map(({ status }) => status),
    [401, 200, 403, 401, 200],
  );
  for (const { status, words } of lines) {
    const before = seen.length;
    const url = new URL(words.find((word) => word.startsWith('http')) ?? '');
    url.port = String(gateway.port);
    const key = words.find((word) => word.startsWith('X-API-Key: '))?.slice('X-API-Key: '.length);
    const response = await fetch(url, { headers: key === undefined ? {} : { 'x-api-key': key } });
    t.equal(response.status, status, words.join(' '));
    t.equal(seen.length - before, status === 200 ? 1 : 0);
    await response.text();
  }
  t.ok(seen.some(({ headers }) => headers['x-auth-subject'] === 'reporting'));
});

t.test('the example with Keycloak adds to it what is there, and its policy is accepted', async (t) => {
  const { services } = readComposeFile(WITH_KEYCLOAK);
  t.same(Object.keys(services), ['sallyport', 'keycloak']);
  const realmFile = services.keycloak?.volumes?.[0]?.split(':')[0] ?? '';
  const realm = JSON.parse(readFileSync(new URL(`../${realmFile}`, import.meta.url), 'utf8'));
  const checked = spawnSync(process.execPath, [MAIN, 'check', '--detached', POLICY], {
    encoding: 'utf8',
  });
  t.equal(checked.status, 0, checked.stdout + checked.stderr);
  // The realm, the audience and the client of the lines to paste are those that Keycloak imports.
  const { issuer, audience, jwks_uri } = parse(readFileSync(POLICY, 'utf8')).issuers.keycloak;
  const published = services.keycloak?.ports?.[0]?.replace(/:\d+$/, '');
  t.equal(issuer, `http://${published}/realms/${realm.realm}`);
  t.equal(jwks_uri, `http://keycloak:8080/realms/${realm.realm}/protocol/openid-connect/certs`);
  const text = readFileSync(new URL(`../${WITH_KEYCLOAK}`, import.meta.url), 'utf8');
  const named = (name: string) => new RegExp(`-d ${name}=(\\S+)`).exec(text)?.[1];
  t.match(
    realm.clients.find(({ clientId }: { clientId: string }) => clientId === named('client_id')),
    {
      secret: named('client_secret'),
      serviceAccountsEnabled: true,
      protocolMappers: [{ config: { 'included.client.audience': audience } }],
    },
  );
  t.same(
    promisedLines(WITH_KEYCLOAK).map(({ status }) => status),
    [200, 401, 200, 403],
  );
});

const skip =
  findProgram('docker-compose') === null && 'docker-compose is not installed; install it to run this';
t.test('both files are what docker-compose takes', { skip }, async (t) => {
  const words = ['--file', FILE, '--file', WITH_KEYCLOAK, 'config', '--quiet'];
  const { status, stderr } = spawnSync('docker-compose', words, { cwd: ROOT, encoding: 'utf8' });
  t.equal(status, 0, stderr);
});
