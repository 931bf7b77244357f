/** What a gateway must not do with what passes through it: admin surface, logs, targets, and its own statuses. */
import t from 'tap';
import { exchange } from '../fixtures/raw-client.ts';
import {
  assertNoToken,
  BAD_REQUEST,
  INVALID_TOKEN,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key);
const forged = signToken(createSigningKey('ES256', key.kid));

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
log: {level: trace}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
routes:
  - {path: /api/**}
  - {path: /public/**, auth: none}
`,
});

t.test('G19 nothing is sent to the upstream before somebody may', async (t) => {
  const response = await fetch(`http://127.0.0.1:${world.gateway.adminPort}/readyz`);
  t.equal(response.status, 200);
  await response.text();
  t.equal(world.upstream.connections(), 0);
});

t.test('G11 a path with two readings is 400 on every route', async (t) => {
  for (const target of [
    '/public/../api/1',
    '/public/%2e%2e/api/1',
    '//api/1',
    '/api%2f1',
    '/public/;x',
    '/public\\x',
  ]) {
    await world.refused(t, { target, token }, BAD_REQUEST);
  }
});

t.test('G12 other forms of target', async (t) => {
  await world.refused(t, 'CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n', METHOD_NOT_ALLOWED);
  await world.refused(t, { method: 'OPTIONS', target: '*' }, UNAUTHENTICATED);
  await world.refused(t, { target: 'http://other.test/public/1' }, BAD_REQUEST);
});

t.test('G19 probes and metrics are not on the public listener', async (t) => {
  for (const target of ['/livez', '/readyz', '/metrics', '/healthz', '/-/reload']) {
    await world.refused(t, { target }, UNAUTHENTICATED);
    await world.refused(t, { target, token }, NOT_FOUND);
  }
});

t.test('G19 the admin listener answers probes and forwards nothing', async (t) => {
  const before = await world.upstream.mark();
  const statuses: number[] = [];
  for (const target of ['/livez', '/readyz', '/public/1', '/api/1']) {
    const [response] = await exchange(
      world.gateway.adminPort,
      `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    statuses.push(response?.status ?? 0);
  }
  t.strictSame(statuses, [200, 200, 404, 404]);
  t.equal(await world.upstream.mark(), before);
});

t.test('G19 a page on the web cannot use the admin listener under a name of its own', async (t) => {
  const [response] = await exchange(
    world.gateway.adminPort,
    'GET /metrics HTTP/1.1\r\nHost: evil.test\r\n\r\n',
  );
  t.ok(response !== undefined && response.status >= 400, `${response?.status}`);
});

t.test('G17 the log tells each decision and no secret, at its most talkative', async (t) => {
  const target = `/api/logged?access_token=${token}&api_key=topsecretkey1234`;
  const headers = [
    ['Cookie', 'session=topsecretcookie12'],
    ['Referer', `https://app.test/?access_token=${token}`],
    ['X-Api-Key', 'topsecretheader12'],
  ] as const;
  await world.forwarded(t, { target, token, headers });
  await world.refused(t, { target, token: forged, headers }, INVALID_TOKEN);
  const isDecision = (decision: number) => (line: Readonly<Record<string, unknown>>) =>
    JSON.stringify(line).includes('/api/logged') && JSON.stringify(line).includes(String(decision));
  await world.gateway.line(isDecision(200));
  await world.gateway.line(isDecision(401));
  assertNoToken(t, world.gateway.output(), 'the log', [
    'topsecretkey1234',
    'topsecretcookie12',
    'topsecretheader12',
  ]);
});

t.test('L3 the log escapes what callers send', async (t) => {
  await world.refused(
    t,
    { target: '/api/1', token: signToken(key, {}, { kid: 'evil\n{"level":60}\u001b[31m' }) },
    INVALID_TOKEN,
  );
  t.notMatch(world.gateway.output(), /\u001b\[31m/);
  for (const line of world.gateway.output().trim().split('\n')) t.doesNotThrow(() => JSON.parse(line), line);
});

t.test('L13 a request id is ours, or one that is harmless', async (t) => {
  const response = await world.send({ target: '/api/1', headers: [['X-Request-Id', 'evil"id']] });
  t.match(response.all('x-request-id').join(), /^[A-Za-z0-9._-]{0,64}$/);
});

t.test('H28 odd query names harm nobody', async (t) => {
  await world.forwarded(t, { target: '/public/1?__proto__[x]=1&constructor=2&toString' });
});

t.test('HTTP/1.0 is answered without chunks and closed', async (t) => {
  const [response] = await exchange(world.gateway.port, 'GET /public/1 HTTP/1.0\r\nHost: api.test\r\n\r\n');
  t.equal(response?.status, 200);
  t.strictSame(response?.all('transfer-encoding'), []);
  t.match(response?.get('connection') ?? 'close', /close/i);
});

t.test('Z18 only statuses of the closed list are ever ours', async (t) => {
  const own = new Set([400, 401, 403, 404, 405, 408, 413, 414, 417, 431, 502, 503, 504]);
  const odd = ['GET / HTTP/9.9', 'X', 'GET http:// HTTP/1.1', 'OPTIONS * HTTP/1.1', 'DELETE /%00 HTTP/1.1'];
  for (const line of odd) {
    const [response] = await exchange(world.gateway.port, `${line}\r\nHost: api.test\r\n\r\n`);
    t.ok(own.has(response?.status ?? 0), `${line}: ${response?.status}`);
  }
});

t.test('G17 nothing leaked, nothing crashed', (t) => world.conclude(t, ['topsecret']));
