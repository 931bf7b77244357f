/**
 * Whether answers that look alike take alike long: pairs of requests in turns over one connection each, compared by ranks
 * (Mann-Whitney). Prints medians and how often one of a pair is slower than the other; judges nothing but with --check.
 * That the same work is done is what the tests assert (test/attacks/l-oracles.test.ts); this measures what is left.
 */
import { createHash, generateKeyPairSync, randomBytes, scryptSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startMeasured } from './measured-process.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3000' },
    passwords: { type: 'string', default: '40' },
    check: { type: 'boolean', default: false },
    source: { type: 'boolean', default: false },
  },
});
/** With --check: how far from one half the share of slower ones may be. */
const BOUND = 0.1;

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' };
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const key = (): string => `k-${randomBytes(24).toString('base64url')}`;
const [goodKey, expiredKey] = [key(), key()];

function passwordHash(password: string): string {
  const salt = randomBytes(16);
  const derived = scryptSync(password, salt, 32, { N: 2 ** 16, r: 8, p: 1, maxmem: 2 ** 27 });
  const [first, second] = [salt, derived].map((bytes) => bytes.toString('base64').replaceAll('=', ''));
  return `$scrypt$ln=16,r=8,p=1$${first}$${second}`;
}

function token(): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'https://issuer.test', sub: 'u', aud: 'api', iat: now, exp: now + 3600, jti: key() };
  const input = `${encode({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

const policy = `
listen: 127.0.0.1:0
admin: none
limits: {failed_credentials: none}
upstream: http://127.0.0.1:9
accept: [corp]
issuers: {corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify({ keys: [jwk] })}}}
api_keys:
  machines: {keys: [{id: good, sha256: ${sha256(goodKey)}}, {id: old, sha256: ${sha256(expiredKey)}, expires: 2020-01-01}]}
basic: {ops: {users: [{username: bob, password_hash: "${passwordHash('right')}"}]}}
routes:
  - {path: /keys/x, accept: [machines]}
  - {path: /users/x, accept: [ops]}
  - {path: /hidden/x, require: {roles: boss}, on_forbidden: 404}
`;

const request = (target: string, ...fields: string[]): string =>
  `GET ${target} HTTP/1.1\r\nHost: api.test\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
const withKey = (value: string): string => request('/keys/x', `X-API-Key: ${value}`);
const withPassword = (name: string): string =>
  request('/users/x', `Authorization: Basic ${Buffer.from(`${name}:${key()}`).toString('base64')}`);
const withToken = (target: string, text = token()): string =>
  request(target, `Authorization: Bearer ${text}`);
const known = token();

interface Pair {
  readonly name: string;
  readonly rounds: number;
  readonly first: () => string;
  readonly second: () => string;
}

const rounds = Number(options.rounds);
const pairs: readonly Pair[] = [
  {
    name: 'the same twice (what the measurement is worth)',
    rounds,
    first: () => withKey(key()),
    second: () => withKey(key()),
  },
  {
    name: 'unknown key, key that expired',
    rounds,
    first: () => withKey(key()),
    second: () => withKey(expiredKey),
  },
  {
    name: 'unknown key, key wrong in its last letter',
    rounds,
    first: () => withKey(key()),
    second: () => withKey(`${goodKey.slice(0, -1)}~`),
  },
  {
    name: 'concealed route, no route (new token)',
    rounds,
    first: () => withToken('/hidden/x'),
    second: () => withToken('/nothing'),
  },
  {
    name: 'concealed route, no route (known token)',
    rounds,
    first: () => withToken('/hidden/x', known),
    second: () => withToken('/nothing', known),
  },
  {
    name: 'concealed route, no route (stranger)',
    rounds,
    first: () => request('/hidden/x'),
    second: () => request('/nothing'),
  },
  {
    name: 'unknown user, wrong password',
    rounds: Number(options.passwords),
    first: () => withPassword(`nobody-${key()}`),
    second: () => withPassword('bob'),
  },
];

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const bundle = here('../dist/sallyport.mjs');
const directory = mkdtempSync(join(tmpdir(), 'sallyport-times-'));
writeFileSync(join(directory, 'policy.yaml'), policy);
const gate = await startMeasured({
  command: [
    process.execPath,
    !options.source && existsSync(bundle) ? bundle : here('../src/main.ts'),
    'run',
    '--config',
    join(directory, 'policy.yaml'),
  ],
  core: null,
  port: /"public":\["127\.0\.0\.1:(\d+)"\]/,
});
try {
  const socket = connect(gate.port, '127.0.0.1').setNoDelay();
  await once(socket, 'connect');
  for (const pair of pairs) {
    const share = await compare(socket, pair);
    if (options.check && Math.abs(share - 0.5) > BOUND) process.exitCode = 1;
  }
  socket.destroy();
} finally {
  await gate.stop();
  rmSync(directory, { recursive: true, force: true });
}

/** Takes turns, so that whatever else the machine does befalls both; which one is first changes each time. */
async function compare(socket: Socket, { name, rounds: turns, first, second }: Pair): Promise<number> {
  const times: [number[], number[]] = [[], []];
  const makers = [first, second] as const;
  const warmUp = Math.min(300, turns);
  // Made beforehand: what a request costs to make must not stand beside what it costs to answer.
  const texts = makers.map((make) => Array.from({ length: turns + warmUp }, make));
  for (let turn = -warmUp; turn < turns; turn += 1) {
    for (const which of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const took = await ask(socket, texts[which]?.[turn + warmUp] ?? '');
      if (turn >= 0) times[which].push(took);
    }
  }
  const [one, other] = times;
  const { share, z } = mannWhitney(one, other);
  const micros = (milliseconds: number): string => (milliseconds * 1000).toFixed(1);
  console.log(
    `${name}: medians ${micros(median(one))} and ${micros(median(other))} us (difference ${micros(median(one) - median(other))}); ` +
      `the first is slower ${(share * 100).toFixed(1)} % of the time (50 is no difference), z ${z.toFixed(2)}, ${one.length} each`,
  );
  return share;
}

/** Milliseconds from the request's last byte to the answer's. */
async function ask(socket: Socket, text: string): Promise<number> {
  const before = performance.now();
  socket.write(text);
  let answer = '';
  while (!isWhole(answer)) {
    const [chunk]: Buffer[] = await once(socket, 'data');
    answer += chunk?.toString('latin1');
  }
  return performance.now() - before;
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf('\r\n\r\n');
  if (end < 0) return false;
  return answer.length >= end + 4 + Number(/^content-length: (\d+)/im.exec(answer)?.[1]);
}

/** How often one of the first is slower than one of the second (ties count half), and how far that is from chance. */
function mannWhitney(first: readonly number[], second: readonly number[]): { share: number; z: number } {
  const all = [
    ...first.map((time) => ({ time, isFirst: true })),
    ...second.map((time) => ({ time, isFirst: false })),
  ];
  all.sort((left, right) => left.time - right.time);
  let rankSum = 0;
  for (let at = 0; at < all.length; ) {
    let end = at;
    while (end < all.length && all[end]?.time === all[at]?.time) end += 1;
    // Equal times share their middle rank.
    const rank = (at + 1 + end) / 2;
    for (; at < end; at += 1) if (all[at]?.isFirst) rankSum += rank;
  }
  const [m, n] = [first.length, second.length];
  const u = rankSum - (m * (m + 1)) / 2;
  return { share: u / (m * n), z: (u - (m * n) / 2) / Math.sqrt((m * n * (m + n + 1)) / 12) };
}

function median(times: readonly number[]): number {
  return times.toSorted((left, right) => left - right)[Math.floor(times.length / 2)] ?? Number.NaN;
}
