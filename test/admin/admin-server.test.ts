import { hash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { createAdminServer, type ReadinessCheck } from '../../src/admin/admin-server.ts';
import type { KeyRefresh } from '../../src/keys/key-refresh.ts';
import type { AdminPolicy } from '../../src/policy/policy.ts';
import { openConnection } from '../fixtures/raw-client.ts';

type Tap = { teardown(run: () => void): void };

async function start(tap: Tap, changes: Partial<AdminPolicy> = {}, checks: ReadinessCheck[] = []) {
  const policy: AdminPolicy = {
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    hosts: ['gate.internal'],
    tokenHash: null,
    ...changes,
  };
  return startWith(tap, () => policy, checks);
}

async function startWith(
  tap: Tap,
  policy: () => AdminPolicy,
  checks: ReadinessCheck[] = [],
  refreshKeys: () => Promise<readonly KeyRefresh[]> = () => Promise.resolve([]),
) {
  const server = createAdminServer({ policy, readiness: () => checks, refreshKeys });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  tap.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    ask(port, path, headers, method);
}

async function ask(port: number, path: string, headers: Record<string, string>, method: string) {
  const asked = request({
    port,
    path,
    method,
    headers: { host: `127.0.0.1:${port}`, ...headers },
    agent: false,
  });
  asked.end();
  const [response] = await once(asked, 'response');
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return { status: response.statusCode, body, headers: response.headers };
}

t.test('livez is 200 whatever the issuers do', async (t) => {
  const get = await start(t, {}, [{ name: 'corp', ready: false, detail: 'no keys yet' }]);
  t.equal((await get('/livez')).status, 200);
  t.equal((await get('/healthz')).status, 200);
});

t.test('K22 readyz is 503 until every check is ready', async (t) => {
  const checks = [{ name: 'corp', ready: false, detail: 'no keys yet' }];
  const get = await start(t, {}, checks);
  t.equal((await get('/readyz')).status, 503);
  checks[0] = { name: 'corp', ready: true, detail: 'ok' };
  t.equal((await get('/readyz')).status, 200);
});

t.test('verbose lists the checks on loopback', async (t) => {
  const get = await start(t, {}, [{ name: 'corp', ready: false, detail: 'no keys yet' }]);
  const { status, body } = await get('/readyz?verbose');
  t.equal(status, 503);
  t.match(body, /^\[-\]corp no keys yet\nnot ready\n$/);
});

t.test('with a token, verbose asks for it', async (t) => {
  const get = await start(t, { tokenHash: hash('sha256', 'letmein', 'buffer') });
  t.equal((await get('/readyz?verbose')).status, 403);
  t.equal((await get('/readyz?verbose', { authorization: 'Bearer wrong' })).status, 403);
  t.equal((await get('/readyz?verbose', { authorization: 'bearer letmein' })).status, 200);
  t.equal((await get('/readyz')).status, 200, 'probes need none');
});

t.test(
  'a name that is not ours is refused, an IP literal, localhost or a listed name is not (DNS rebinding)',
  async (t) => {
    const get = await start(t);
    for (const host of ['evil.example', 'evil.example:9901', '127.0.0.1.evil.example']) {
      t.equal((await get('/readyz', { host })).status, 403, host);
    }
    for (const host of ['localhost', 'LOCALHOST:9901', '[::1]:9901', '10.0.0.1', 'gate.internal:1']) {
      t.equal((await get('/readyz', { host })).status, 200, host);
    }
  },
);

t.test('a web page of another origin is refused', async (t) => {
  const get = await start(t);
  t.equal((await get('/readyz', { origin: 'https://evil.example' })).status, 403);
  t.equal((await get('/readyz', { 'sec-fetch-site': 'cross-site' })).status, 403);
  t.equal((await get('/readyz', { 'sec-fetch-site': 'none' })).status, 200);
});

t.test('only GET and HEAD, and nothing but what is built', async (t) => {
  const get = await start(t);
  const { status, headers } = await get('/readyz', {}, 'POST');
  t.equal(status, 405);
  t.equal(headers.allow, 'GET, HEAD');
  // Each of these is no URL: `//` once ended the whole process.
  for (const path of ['//', '///', '/\\', '/%00', '/%ff', '/livez/..', '/livez%3f']) {
    t.equal((await get(path)).status, 404, path);
  }
  for (const path of ['/', '/metrics', '/-/reload', '/readyz/x', '/%zz', '//readyz']) {
    t.equal((await get(path)).status, 404, path);
  }
});

t.test('a target of any form is answered, and the process lives', async (t) => {
  const get = await start(t);
  for (const path of ['http://[', 'http://a:99999/', 'http://%00/', 'http:', '*', 'livez']) {
    const { status } = await get(path, {}, path === '*' ? 'OPTIONS' : 'GET');
    t.ok(status === 404 || status === 400, path);
  }
  t.equal((await get('/livez')).status, 200);
});

t.test('a reload brings another token and other names', async (t) => {
  let policy: AdminPolicy = {
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    hosts: ['old.internal'],
    tokenHash: hash('sha256', 'old', 'buffer'),
  };
  const get = await startWith(t, () => policy);
  t.equal((await get('/readyz?verbose', { authorization: 'Bearer old' })).status, 200);
  policy = { ...policy, hosts: ['new.internal'], tokenHash: hash('sha256', 'new', 'buffer') };
  t.equal((await get('/readyz?verbose', { authorization: 'Bearer old' })).status, 403);
  t.equal((await get('/readyz?verbose', { authorization: 'Bearer new' })).status, 200);
  t.equal((await get('/livez', { host: 'old.internal' })).status, 403);
  t.equal((await get('/livez', { host: 'new.internal' })).status, 200);
});

t.test('POST /-/refresh-keys has keys fetched, and answers with what came of it', async (t) => {
  const issuers: KeyRefresh[] = [{ issuer: 'corp', outcome: 'fetched', cause: null, keys: 3 }];
  let asked = 0;
  const policy: AdminPolicy = {
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    hosts: ['gate.internal'],
    tokenHash: null,
  };
  let inForce = policy;
  const fetchAll = (): Promise<readonly KeyRefresh[]> => {
    asked += 1;
    return asked === 3 ? Promise.reject(new Error('a defect')) : Promise.resolve(issuers);
  };
  const send = await startWith(t, () => inForce, [], fetchAll);
  const post = (headers: Record<string, string> = {}) => send('/-/refresh-keys', headers, 'POST');
  const good = await post();
  t.match(good, {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
  t.strictSame(JSON.parse(good.body), { ok: true, issuers });
  issuers.push({ issuer: 'other', outcome: 'failed', cause: 'answered with status 500', keys: 1 });
  t.match(JSON.parse((await post()).body), { ok: false, issuers: [{}, { outcome: 'failed' }] });
  t.equal((await post()).status, 503);
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
    const { status, headers } = await send('/-/refresh-keys', {}, method);
    t.match([status, headers.allow], [405, 'POST'], method);
  }
  const foreign: Record<string, string>[] = [
    { host: 'evil.test' },
    { origin: 'https://evil.test' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ];
  for (const headers of foreign) t.equal((await post(headers)).status, 403, JSON.stringify(headers));
  for (const path of ['/-/refresh-keys/', '/-/Refresh-Keys', '/-/reload']) {
    t.equal((await send(path, {}, 'POST')).status, 404, path);
  }
  inForce = { ...policy, tokenHash: hash('sha256', 'token', 'buffer') };
  t.equal((await post()).status, 403);
  t.equal((await post({ authorization: 'Bearer other' })).status, 403);
  t.equal(asked, 3, 'none of these had anything fetched');
  t.equal((await post({ authorization: 'Bearer token' })).status, 200);
});

t.test(
  'who says nothing, or half a request, is let go soon, because there is not room for many',
  async (t) => {
    const policy: AdminPolicy = {
      address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      hosts: [],
      tokenHash: null,
    };
    const server = createAdminServer({
      policy: () => policy,
      readiness: () => [],
      refreshKeys: () => Promise.resolve([]),
    });
    t.ok(server.headersTimeout <= 5_000);
    server.headersTimeout = 100;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    const answers = ['', '\r\n', 'GET /livez HTTP/1.1\r\nHost: loc'].map(async (bytes) => {
      const connection = await openConnection(port);
      connection.write(bytes);
      // A patience of 15 s, half of Node's own interval.
      const { status } = await connection.response();
      await connection.closed();
      connection.destroy();
      return status;
    });
    t.strictSame(await Promise.all(answers), [408, 408, 408]);
  },
);
