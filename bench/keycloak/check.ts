/**
 * A real Keycloak, the preset `keycloak`, and a real `sallyport run` between callers and an upstream that writes down
 * what it gets: tokens of clients and people, tokens that are none for us, keys that come, rest and go, a restart under
 * load. Prints a table; ends with 1 when a row is not as expected. Downloads nothing. See ../README.md.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { startMeasured } from '../measured-process.ts';
import { type Realm, realmOf, type TokenAnswer } from './administration.ts';
import { ADMINISTRATOR, createKeycloak } from './server.ts';
import { Table } from './table.ts';
import { accessOf, claimsOf, headerOf, withHeader, withRoles } from './tokens.ts';

const { values: options } = parseArgs({
  options: {
    home: { type: 'string', default: process.env.KEYCLOAK_HOME ?? '' },
    image: { type: 'string', default: process.env.KEYCLOAK_IMAGE ?? '' },
  },
});
if ((options.home === '') === (options.image === '')) {
  console.error('usage: node bench/keycloak/check.ts --home DIRECTORY | --image IMAGE');
  process.exit(2);
}

/** What came back for one request, and what the upstream saw of it. */
interface Answer {
  readonly status: number;
  readonly body: string;
  /** Null when nothing reached the upstream. */
  readonly seen: IncomingHttpHeaders | null;
}

/**
 * Of the gateway, in milliseconds. Keycloak allows no caching (`no-cache`), so that keys would be asked for once in six
 * times `cooldown`; `interval` is shorter.
 */
const COOLDOWN = 5000;
const INTERVAL = 10_000;
/** How long a change of keys may take to be known here. */
const PATIENCE = 30_000;
/** Between two requests of the load while Keycloak restarts. */
const LOAD_PAUSE = 25;
/** Tokens that are kept for the time without Keycloak. */
const UNSEEN = 50;
const EVERY_SCOPE = 'openid';

const table = new Table();
const directory = mkdtempSync(join(tmpdir(), 'sallyport-keycloak-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(1));
const keycloak = createKeycloak({
  home: options.home === '' ? null : options.home,
  image: options.image === '' ? null : options.image,
  port: await freePort(),
  directory,
});
const realm = realmOf(keycloak.url, 'sallyport');
let last: IncomingHttpHeaders | null = null;
const upstream = createServer((request, response) => {
  last = request.headers;
  response.end('from the upstream');
}).listen(0, '127.0.0.1');
await once(upstream, 'listening');

try {
  console.log('Keycloak starts ...');
  await keycloak.start();
  await realm.create(JSON.parse(readFileSync(new URL('realm.json', import.meta.url), 'utf8')));
  const gateway = await startGateway();
  const pool = new Pool(`http://127.0.0.1:${gateway.port}`, { connections: 8 });
  try {
    await checkAll((path, token) => ask(pool, path, token));
  } finally {
    await pool.destroy();
    await gateway.stop();
  }
} finally {
  await keycloak.stop();
  upstream.closeAllConnections();
  upstream.close();
}
process.exitCode = table.print() ? 0 : 1;

type Ask = (path: string, token: string) => Promise<Answer>;

async function checkAll(asked: Ask): Promise<void> {
  await checkTokens(realm, asked);
  await checkRotation(realm, asked);
  await checkRestart(realm, asked);
}

/** Whose tokens get in, as whom, and whose do not. */
async function checkTokens(of: Realm, asked: Ask): Promise<void> {
  const machine = await of.token('orders-cli', { grant_type: 'client_credentials' });
  const person = await signIn(of);
  const seen = (await expect('access token of a client', asked('/orders/1', accessOf(machine)), '200')).seen;
  table.note('... its client', 'orders-cli', String(seen?.['x-auth-client']));
  table.note('... its roles have "manager"', 'true', String(rolesOf(seen).includes('manager')));
  table.note('... Authorization reaches the upstream', 'false', String(seen?.authorization !== undefined));
  const human = (await expect('access token of a person', asked('/orders/1', accessOf(person)), '200')).seen;
  table.note('... its roles have "clerk"', 'true', String(rolesOf(human).includes('clerk')));
  table.note('... its subject', String(claimsOf(accessOf(person)).sub), String(human?.['x-auth-subject']));
  await expect('route for managers, by a manager', asked('/manage/1', accessOf(machine)), '200');
  await expect('route for managers, by a clerk', asked('/manage/1', accessOf(person)), '403 forbidden');
  const modern = await of.token('orders-modern', { grant_type: 'client_credentials' });
  table.note('type of a token of RFC 9068', 'at+jwt', String(headerOf(accessOf(modern)).typ));
  await expect('... is accepted', asked('/orders/1', accessOf(modern)), '200');
  const { id_token = '', refresh_token = '' } = person;
  table.note(
    'audience of the ID token has "orders-api"',
    'true',
    String(String(claimsOf(id_token).aud).includes('orders-api')),
  );
  await expect('ID token', asked('/orders/1', id_token), '401 invalid_token');
  await expect('refresh token', asked('/orders/1', refresh_token), '401 invalid_token');
  const stranger = await of.token('stranger', { grant_type: 'client_credentials' });
  await expect('token for another audience', asked('/orders/1', accessOf(stranger)), '401 invalid_token');
  const forged = withRoles(accessOf(person), ['manager']);
  await expect('token with a role written in', asked('/manage/1', forged), '401 invalid_token');
  const elsewhere = await realmOf(keycloak.url, 'master').token('admin-cli', {
    grant_type: 'password',
    client_secret: '',
    ...ADMINISTRATOR,
  });
  await expect('token of another realm', asked('/orders/1', accessOf(elsewhere)), '401 invalid_token');
}

/** A key comes, rests and goes, in each algorithm. */
async function checkRotation(of: Realm, asked: Ask): Promise<void> {
  const before = accessOf(await of.token('orders-cli', { grant_type: 'client_credentials' }));
  const [first = ''] = await of.providersOf('RS256');
  let priority = 200;
  const added: string[] = [];
  for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
    priority += 1;
    added.push(await of.addKey(algorithm, priority));
    await of.signWith(algorithm);
    const fresh = await Promise.all(
      Array.from({ length: 10 }, () => of.token('orders-cli', { grant_type: 'client_credentials' })),
    );
    const tokens = fresh.map(accessOf);
    table.note(`new ${algorithm} key: it signs`, algorithm, String(headerOf(tokens[0] ?? '').alg));
    const answers = await Promise.all(tokens.map((token) => asked('/orders/1', token)));
    table.note('... 10 first tokens at once', '200', distinct(answers));
    await expect('... a token of the first key', asked('/orders/1', before), '200');
  }
  await of.makePassive(first);
  await new Promise((resolve) => setTimeout(resolve, 1.5 * INTERVAL));
  await expect('first key passive: its token', asked('/orders/1', before), '200');
  await of.removeKey(first);
  const { answer, took } = await until(() => asked('/orders/1', before), 401);
  table.note('first key removed: its token', '401 invalid_token', saying(answer));
  table.note('... within the time of a refresh', 'true', String(took < 1.5 * INTERVAL));
  await of.signWith('RS256');
  const back = accessOf(await of.token('orders-cli', { grant_type: 'client_credentials' }));
  await expect('a token of the second RS256 key', asked('/orders/1', back), '200');
}

/** Keycloak goes and comes back while callers with good tokens go on. */
async function checkRestart(of: Realm, asked: Ask): Promise<void> {
  const held = accessOf(await of.token('orders-cli', { grant_type: 'client_credentials' }));
  const unseen: string[] = [];
  for (let count = 0; count < UNSEEN; count += 1) {
    unseen.push(accessOf(await of.token('orders-cli', { grant_type: 'client_credentials' })));
  }
  const answers: Answer[] = [];
  let going = true;
  const load = (async () => {
    while (going) {
      answers.push(await asked('/orders/1', held));
      await new Promise((resolve) => setTimeout(resolve, LOAD_PAUSE));
    }
  })();
  await keycloak.stop();
  const unknown = withHeader(held, { kid: 'nobody-knows' });
  const during = await asked('/orders/1', unknown);
  table.note('while Keycloak is away: an unknown key', '503 auth_unavailable', saying(during));
  const stale = await Promise.all(unseen.map((token) => asked('/orders/1', token)));
  table.note(`... ${UNSEEN} tokens of a known key that nobody has shown`, '200', distinct(stale));
  // Long enough for attempts of the background to fail as well.
  await new Promise((resolve) => setTimeout(resolve, 3 * COOLDOWN));
  await keycloak.start();
  await of.addKey('RS256', 300);
  const fresh = accessOf(await of.token('orders-cli', { grant_type: 'client_credentials' }));
  const { answer, took } = await until(() => asked('/orders/1', fresh), 200);
  going = false;
  await load;
  table.note(`... ${answers.length} requests with a known key`, '200', distinct(answers));
  table.note('back with a new key: its token', '200', saying(answer));
  table.note(`... at once or after a pause (${took} ms)`, 'true', String(took < PATIENCE));
  await expect('... the token from before', asked('/orders/1', held), '200');
}

async function signIn(of: Realm): Promise<TokenAnswer> {
  return of.token('orders-cli', {
    grant_type: 'password',
    username: 'alice',
    password: 'alice-password',
    scope: EVERY_SCOPE,
  });
}

async function ask(pool: Pool, path: string, token: string): Promise<Answer> {
  last = null;
  const { statusCode, body } = await pool.request({
    method: 'GET',
    path,
    headers: { authorization: `Bearer ${token}` },
  });
  return { status: statusCode, body: await body.text(), seen: last };
}

/** Asks again until the status is this one, or patience ends. */
async function until(
  asking: () => Promise<Answer>,
  status: number,
): Promise<{ answer: Answer; took: number }> {
  const start = Date.now();
  for (;;) {
    const answer = await asking();
    const took = Date.now() - start;
    if (answer.status === status || took > PATIENCE) return { answer, took };
    await new Promise((resolve) => setTimeout(resolve, LOAD_PAUSE));
  }
}

async function expect(what: string, asking: Promise<Answer>, expected: string): Promise<Answer> {
  const answer = await asking;
  table.note(what, expected, saying(answer));
  return answer;
}

/** Status, and the code of our own answers. */
function saying({ status, body }: Answer): string {
  const code = /"code":"([a-z_]+)"/.exec(body)?.[1];
  return code === undefined ? String(status) : `${status} ${code}`;
}

function distinct(answers: readonly Answer[]): string {
  return [...new Set(answers.map(saying))].toSorted().join(', ');
}

function rolesOf(headers: IncomingHttpHeaders | null): readonly string[] {
  return String(headers?.['x-auth-roles'] ?? '').split(',');
}

async function startGateway(): Promise<Awaited<ReturnType<typeof startMeasured>>> {
  const { port } = upstream.address() as AddressInfo;
  const policy = join(directory, 'sallyport.yaml');
  writeFileSync(
    policy,
    `listen: 127.0.0.1:0
admin: none
upstream: http://127.0.0.1:${port}
issuers:
  keycloak:
    preset: keycloak
    issuer: ${realm.issuer}
    audience: orders-api
    refresh: {cooldown: ${COOLDOWN}ms, interval: ${INTERVAL}ms}
routes:
  - path: /orders/**
  - {path: /manage/**, require: {roles: manager}}
`,
  );
  return startMeasured({
    command: [
      process.execPath,
      fileURLToPath(new URL('../../src/main.ts', import.meta.url)),
      'run',
      '--config',
      policy,
    ],
    core: null,
    port: /"public":\["127\.0\.0\.1:(\d+)"\]/,
  });
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
