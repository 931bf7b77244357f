/**
 * What jose and Node do by themselves, and that we are not hit; and that no package is older than the fix of a known
 * hole. As with the proxy's packages, a pair whose first half fails has lost its reason.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as jose from 'jose';
import t, { type Test } from 'tap';
import { pair } from '../fixtures/bare-proxy.ts';
import { startKeyServer } from '../fixtures/key-server.ts';
import { exchange, openConnection } from '../fixtures/raw-client.ts';
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts';
import { serve } from '../fixtures/server.ts';
import { createSigningKey, signBytes, signToken } from '../fixtures/token-signer.ts';
import { requestBytes } from '../fixtures/world.ts';

const upstream = await startRecordingUpstream(t);
const open = await serve(t, `upstream: ${upstream.url}\nroutes: [{path: /**, auth: none}]`);

/** The lowest version of each package that has none of the advisories which its own fixes mend. */
const AT_LEAST: [name: string, version: string, why: string][] = [
  ['fastify', '5.8.3', 'CVE-2026-3635, CVE-2026-25223, CVE-2026-25224'],
  ['@fastify/reply-from', '12.6.4', 'CVE-2026-33805, CVE-2026-16158'],
  ['@fastify/http-proxy', '11.6.2', 'CVE-2026-16117, CVE-2026-15631, CVE-2026-85124'],
  ['@fastify/proxy-addr', '5.1.1', 'CVE-2026-92395'],
  ['undici', '7.24.0', 'CVE-2026-1525, 1526, 1527, 1528, 2229, 2581'],
  ['jose', '4.15.5', 'CVE-2024-28176'],
];
/** The first that mends what a guard of ours is for: when it can be had, look at the guard. */
const MENDED_IN: [name: string, version: string, guard: string][] = [
  ['@fastify/reply-from', '12.7.0', 'F2 upstream certificates (CVE-2026-107318)'],
  ['@fastify/http-proxy', '11.6.6', 'F6 decoded parameters in rewritePrefix (CVE-2026-120213)'],
  [
    '@fastify/http-proxy',
    '11.6.10',
    'F3 F4 WebSocket (CVE-2026-130647, 129500, 129502, 133111), path parameters (127060)',
  ],
];

t.test('F1 no package is older than the fix of a known hole', async (t) => {
  for (const [name, version, why] of AT_LEAST) {
    t.ok(compare(installed(name), version) >= 0, `${name} ${installed(name)} is at least ${version}: ${why}`);
  }
  for (const [name, version, guard] of MENDED_IN) {
    if (compare(installed(name), version) >= 0)
      t.comment(`${name} has ${version}; look whether this guard may go: ${guard}`);
  }
});

t.test('F17 Node is one that is maintained', async (t) => {
  t.ok(Number(process.versions.node.split('.')[0]) >= 24, process.versions.node);
});

const rsa = createSigningKey('RS256', 'rs', 2048);
const short = createSigningKey('RS256', 'short', 1024);
/** Sends tokens to a gateway whose issuer serves a set of these keys. */
async function tokensAt(
  t: Test,
  keys: unknown[],
  expected: [token: string, status: number][],
): Promise<void> {
  const issuer = await startKeyServer(t);
  issuer.serve('/keys', { keys });
  const issuers = `issuers: {corp: {issuer: https://issuer.test, audience: api, jwks_uri: "${issuer.url}/keys"}}`;
  const { port } = await serve(t, `upstream: ${upstream.url}\n${issuers}\nroutes: [{path: /**}]`);
  for (const [token, status] of expected) {
    t.equal((await exchange(port, requestBytes({ target: '/x', token })))[0]?.status, status);
  }
}
const never = signBytes(
  rsa,
  '{"alg":"RS256","kid":"rs"}',
  '{"iss":"https://issuer.test","aud":"api","sub":"a","sub":"root","exp":1e400}',
);
pair(
  'F14 a token that never expires, with a name twice and padding, is good',
  async (t) => t.equal((await jose.jwtVerify(`${never}==`, rsa.publicKey)).payload.sub, 'root'),
  (t) =>
    tokensAt(
      t,
      [rsa.jwk],
      [
        [signToken(rsa), 200],
        [never, 401],
        [`${signToken(rsa)}==`, 401],
      ],
    ),
);

pair(
  'F15 a key that is too short is a TypeError, and none of the errors of the library',
  async (t) => {
    const error = await jose.jwtVerify(signToken(short), short.publicKey).catch((thrown: unknown) => thrown);
    t.ok(error instanceof TypeError && !(error instanceof jose.errors.JOSEError));
  },
  (t) =>
    tokensAt(
      t,
      [short.jwk, rsa.jwk],
      [
        [signToken(short), 401],
        [signToken(rsa), 200],
      ],
    ),
);

pair(
  'F16 one entry that is no key makes a whole set useless',
  async (t) => t.throws(() => jose.createLocalJWKSet(JSON.parse(JSON.stringify({ keys: [null, rsa.jwk] })))),
  (t) => tokensAt(t, [null, rsa.jwk], [[signToken(rsa), 200]]),
);

/** Node's own server: what it says of a request, and how many come out of bytes. */
async function nodeAlone(t: Test, bytes: string): Promise<string[]> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.httpVersion}`);
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const connection = await openConnection((server.address() as AddressInfo).port);
  connection.write(bytes);
  await connection.response();
  connection.socket.end();
  await connection.closed();
  return seen;
}

const declined = 'GET /first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n';
pair(
  'Node drops what comes with a declined upgrade',
  async (t) =>
    t.strictSame(await nodeAlone(t, `${declined}GET /behind HTTP/1.1\r\nHost: a\r\n\r\n`), [
      'GET /first 1.1',
    ]),
  async (t) => t.equal((await exchange(open.port, declined))[0]?.get('connection'), 'close'),
);

const rtsp = 'DESCRIBE /x RTSP/1.0\r\nHost: a\r\n\r\n';
pair(
  'Node takes a line of RTSP for a request',
  async (t) => t.strictSame(await nodeAlone(t, rtsp), ['DESCRIBE /x 1.0']),
  async (t) => t.equal((await exchange(open.port, rtsp))[0]?.status, 400),
);

function installed(name: string): string {
  const text = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8');
  const lock: { packages: Record<string, { version: string }> } = JSON.parse(text);
  return lock.packages[`node_modules/${name}`]?.version ?? '0';
}

function compare(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => version.split('.').map(Number));
  for (let i = 0; i < 3; i += 1) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
