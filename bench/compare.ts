/**
 * CPU time per request of Sallyport, of a bare proxy without authentication and of the naive composition, in one
 * interleaved run on one core. How to read and run it: README.md.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  cpuNanoseconds,
  isInstalled,
  type MeasuredProcess,
  pinSelf,
  runPinned,
  startMeasured,
} from './measured-process.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '32' },
    source: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
});

/** What the release must reach: how many times dearer the others are. */
const TARGETS = { bare: 1.1, naive: 2.5 } as const;
const ISSUER = 'https://issuer.bench';
const AUDIENCE = 'bench';
const NAMES = ['sallyport', 'bare', 'naive'] as const;
type Name = (typeof NAMES)[number];

interface Sample {
  readonly microseconds: number;
  readonly requests: number;
  readonly lines: number;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const pinning = availableParallelism() > 1 && isInstalled('taskset');
const contenderCore = pinning ? 0 : null;
const otherCore = pinning ? 1 : null;
const wrk = isInstalled('wrk');
const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
const started: MeasuredProcess[] = [];

pinSelf(otherCore);
try {
  await compare();
} finally {
  for (const each of started) await each.stop();
  rmSync(directory, { recursive: true, force: true });
}
process.exit();

async function compare(): Promise<void> {
  const { token, jwks } = makeToken();
  const keyPort = await serveKeys(jwks);
  const upstream = await start([process.execPath, here('upstream.ts')], {}, otherCore);
  const contenders = await startContenders(upstream.port, `http://127.0.0.1:${keyPort}/jwks`);
  const samples: Record<Name, Sample[]> = { sallyport: [], bare: [], naive: [] };
  for (const name of NAMES) await measure(contenders[name], token, 2);
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const name of rotated(round)) {
      const sample = await measure(contenders[name], token, Number(options.seconds));
      samples[name].push(sample);
      report(round, name, sample);
    }
  }
  summarize(samples);
}

async function startContenders(
  upstreamPort: number,
  jwksUri: string,
): Promise<Record<Name, MeasuredProcess>> {
  const environment = {
    BENCH_UPSTREAM_PORT: String(upstreamPort),
    BENCH_JWKS_URI: jwksUri,
    BENCH_ISSUER: ISSUER,
    BENCH_AUDIENCE: AUDIENCE,
  };
  const policy = join(directory, 'sallyport.yaml');
  writeFileSync(
    policy,
    `upstream: http://127.0.0.1:${upstreamPort}
issuers:
  bench: {issuer: "${ISSUER}", audience: ${AUDIENCE}, jwks_uri: "${jwksUri}"}
routes:
  - path: /**
`,
  );
  const bundle = here('../dist/sallyport.mjs');
  const program = !options.source && existsSync(bundle) ? bundle : here('../src/main.ts');
  console.log(
    `sallyport: ${program}, node ${process.version}, load by ${wrk ? 'wrk' : 'load.ts'}, pinned: ${pinning}`,
  );
  const run = ['run', '--config', policy, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
  return {
    sallyport: await start(
      [process.execPath, program, ...run],
      {},
      contenderCore,
      /"public":\["[^"]*:(\d+)"/,
    ),
    bare: await start([process.execPath, here('contenders/bare.ts')], environment, contenderCore),
    naive: await start([process.execPath, here('contenders/naive.ts')], environment, contenderCore),
  };
}

async function start(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  core: number | null,
  port = /127\.0\.0\.1:(\d+)/,
): Promise<MeasuredProcess> {
  const process = await startMeasured({ command, environment, core, port });
  started.push(process);
  return process;
}

async function measure(contender: MeasuredProcess, token: string, seconds: number): Promise<Sample> {
  const linesBefore = contender.lines();
  const before = cpuNanoseconds(contender.pid);
  const requests = await load(contender.port, token, seconds);
  const microseconds = (cpuNanoseconds(contender.pid) - before) / 1000 / requests;
  return { microseconds, requests: requests / seconds, lines: (contender.lines() - linesBefore) / requests };
}

/** @returns requests completed, all of them with a good answer */
async function load(port: number, token: string, seconds: number): Promise<number> {
  const { connections } = options;
  const command = wrk
    ? [
        'wrk',
        '-t1',
        `-c${connections}`,
        `-d${seconds}s`,
        '-H',
        `Authorization: Bearer ${token}`,
        `http://127.0.0.1:${port}/orders/17`,
      ]
    : [process.execPath, here('load.ts'), String(port), connections, String(seconds), '/orders/17', token];
  const text = await runPinned(command, otherCore);
  const completed = /(\d+) requests in/.exec(text)?.[1];
  if (completed === undefined || /Non-2xx|Socket errors/.test(text))
    throw new Error(`not all went well:\n${text}`);
  return Number(completed);
}

/** Another contender begins each round, so that a drift of the machine's speed favours none. */
function rotated(round: number): Name[] {
  return NAMES.map((_, index) => NAMES[(index + round) % NAMES.length] ?? 'bare');
}

function report(round: number, name: Name, { microseconds, requests, lines }: Sample): void {
  const cells = [`round ${round + 1}`, name.padEnd(9), `${microseconds.toFixed(1)} us/request`.padStart(18)];
  console.log(
    [...cells, `${requests.toFixed(0)}/s`.padStart(9), `${lines.toFixed(2)} lines/request`].join('  '),
  );
}

function summarize(samples: Record<Name, Sample[]>): void {
  const cost = (name: Name): number => median(samples[name].map(({ microseconds }) => microseconds));
  console.log('\nmedian CPU per request');
  for (const name of NAMES) console.log(`  ${name.padEnd(9)} ${cost(name).toFixed(1).padStart(7)} us`);
  let missed = false;
  for (const other of ['bare', 'naive'] as const) {
    const perRound = samples[other].map(
      ({ microseconds }, index) => microseconds / (samples.sallyport[index]?.microseconds ?? Number.NaN),
    );
    const ratio = median(perRound);
    missed ||= ratio < TARGETS[other];
    const verdict = ratio < TARGETS[other] ? 'MISSED' : 'reached';
    const range = `${Math.min(...perRound).toFixed(2)} to ${Math.max(...perRound).toFixed(2)}`;
    console.log(
      `  ${ratio.toFixed(2)} times ${other} (rounds: ${range}; at least ${TARGETS[other]}: ${verdict})`,
    );
  }
  if (options.check && missed) process.exitCode = 1;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function makeToken(): { token: string; jwks: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const now = Math.floor(Date.now() / 1000);
  const header = { alg: 'RS256', kid: 'bench', typ: 'at+jwt' };
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'alice',
    client_id: 'bench',
    scope: 'read write',
    iat: now,
    exp: now + 7200,
    jti: 'b',
  };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part(header)}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(input), privateKey).toString('base64url');
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'RS256', use: 'sig' };
  return { token: `${input}.${signature}`, jwks: JSON.stringify({ keys: [jwk] }) };
}

async function serveKeys(jwks: string): Promise<number> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(jwks);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
