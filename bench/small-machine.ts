/**
 * `node bench/small-machine.ts`: the built file in cgroups with little memory and a tenth of a core. Prints what it takes at
 * rest and at its highest under load, as the kernel counts it for a container, and whether it was killed. Needs root, Linux
 * and `npm run build`.
 */
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSigningKey, keySet, signToken } from '../test/fixtures/token-signer.ts';
import { startMeasured } from './measured-process.ts';

const MIB = 1024 * 1024;
interface Row {
  /** MiB. */
  readonly memory: number;
  /** Null for all. */
  readonly cores: number | null;
  readonly connections: number;
  /** Bytes of each response. */
  readonly body: number;
}

const SMALL = { connections: 32, body: 1_000 };
const LARGE = { connections: 50, body: 20_000 };
const LARGEST = { connections: 100, body: 20_000 };
const ROWS: readonly Row[] = [
  { memory: 256, cores: null, ...SMALL },
  { memory: 128, cores: null, ...SMALL },
  { memory: 128, cores: 0.1, ...SMALL },
  { memory: 96, cores: null, ...SMALL },
  { memory: 64, cores: null, ...SMALL },
  { memory: 64, cores: null, connections: 2, body: 1_000 },
  { memory: 256, cores: null, ...LARGE },
  { memory: 128, cores: null, ...LARGE },
  { memory: 96, cores: null, ...LARGE },
  { memory: 256, cores: null, ...LARGEST },
  { memory: 192, cores: null, ...LARGEST },
  { memory: 128, cores: null, ...LARGEST },
];
const REQUESTS = 10_000;
/** Tokens that take turns, so that signatures are verified too. */
const TOKENS = 300;

const bundle = fileURLToPath(new URL('../dist/sallyport.mjs', import.meta.url));
if (!existsSync(bundle)) throw new Error('npm run build first');
const directory = mkdtempSync(join(tmpdir(), 'sallyport-small-'));
const upstream = createServer((incoming, response) => {
  incoming.resume();
  response.end('x'.repeat(Number(incoming.headers['x-body'])));
});
upstream.listen(0, '127.0.0.1');
await once(upstream, 'listening');
const key = createSigningKey('RS256');
const tokens = Array.from({ length: TOKENS }, (_, index) =>
  signToken(key, { sub: `user-${index}`, exp: 4e9 }),
);
const policy = join(directory, 'policy.yaml');
writeFileSync(
  policy,
  `listen: 127.0.0.1:0
admin: none
upstream: http://127.0.0.1:${(upstream.address() as AddressInfo).port}
issuers: {corp: {issuer: https://issuer.test, audience: api, profile: rfc9068, jwks: ${JSON.stringify(keySet(key))}}}
routes: [{path: /**}]
`,
);
try {
  console.log(
    '| memory | cores | connections, body | at rest | highest | answered | killed |\n|---|---|---|---|---|---|---|',
  );
  for (const row of ROWS) console.log(await measure(row));
} finally {
  upstream.closeAllConnections();
  upstream.close();
  rmSync(directory, { recursive: true });
}

async function measure({ memory, cores, ...load }: Row): Promise<string> {
  const group = createGroup(memory * MIB, cores);
  const join = group.processFiles.map((file) => `echo $$ > ${file}`).join(' && ');
  const gate = await startMeasured({
    command: ['sh', '-c', `${join} && exec "$@"`, 'sh', process.execPath, bundle, 'run', '--config', policy],
    core: null,
    // As in the image.
    environment: { MALLOC_ARENA_MAX: '2' },
    port: /"public":\["127\.0\.0\.1:(\d+)"\]/,
  });
  try {
    await send(gate.port, 10, load);
    const rest = group.usage();
    const answered = await send(gate.port, REQUESTS, load);
    const shown = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
    const killed = group.kills() > 0 ? 'yes' : 'no';
    const share = `${Math.round((100 * answered) / REQUESTS)} %`;
    const asked = `${load.connections}, ${load.body / 1_000} kB`;
    return `| ${memory} MiB | ${cores ?? 'all'} | ${asked} | ${shown(rest)} | ${shown(group.highest())} | ${share} | ${killed} |`;
  } finally {
    await gate.stop();
    group.remove();
  }
}

/** Sends them over keep-alive connections. @returns how many were answered by the upstream */
async function send(port: number, count: number, load: Pick<Row, 'connections' | 'body'>): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: load.connections });
  const sendOne = (index: number): Promise<boolean> =>
    new Promise((resolve) => {
      const headers = { authorization: `Bearer ${tokens[index % TOKENS]}`, 'x-body': String(load.body) };
      const sent = request({ agent, port, path: `/orders/${index}`, headers }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode === 200));
      });
      sent.once('error', () => resolve(false));
      sent.end();
    });
  const answered = await Promise.all(Array.from({ length: count }, (_, index) => sendOne(index)));
  agent.destroy();
  return answered.filter(Boolean).length;
}

interface Group {
  /** A process joins by writing its number into each. */
  readonly processFiles: readonly string[];
  usage(): number;
  highest(): number;
  kills(): number;
  remove(): void;
}

/** A control group of version 2, or of version 1 where there is no other. */
function createGroup(memory: number, cores: number | null): Group {
  const root = '/sys/fs/cgroup';
  const name = `sallyport-${process.pid}`;
  const isSecond = existsSync(`${root}/cgroup.controllers`);
  const folders = isSecond ? [`${root}/${name}`] : [`${root}/memory/${name}`, `${root}/cpu/${name}`];
  for (const folder of folders) mkdirSync(folder);
  const [memoryFolder = '', cpuFolder = memoryFolder] = folders;
  const number = (file: string) => Number(readFileSync(join(memoryFolder, file), 'utf8'));
  writeFileSync(join(memoryFolder, isSecond ? 'memory.max' : 'memory.limit_in_bytes'), String(memory));
  if (cores !== null) {
    const quota = String(Math.round(cores * 100_000));
    if (isSecond) writeFileSync(join(cpuFolder, 'cpu.max'), `${quota} 100000`);
    else writeFileSync(join(cpuFolder, 'cpu.cfs_quota_us'), quota);
  }
  return {
    processFiles: folders.map((folder) => join(folder, 'cgroup.procs')),
    usage: () => number(isSecond ? 'memory.current' : 'memory.usage_in_bytes'),
    highest: () => number(isSecond ? 'memory.peak' : 'memory.max_usage_in_bytes'),
    kills: () => {
      const events = readFileSync(
        join(memoryFolder, isSecond ? 'memory.events' : 'memory.oom_control'),
        'utf8',
      );
      return Number(/^oom_kill (\d+)/m.exec(events)?.[1] ?? 0);
    },
    remove: () => {
      for (const folder of folders) rmdirSync(folder);
    },
  };
}
