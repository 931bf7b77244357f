/**
 * Memory while 1 GiB streams through the gate in each direction past a peer that is slower than the other
 * side. Prints the resident size before, at its highest and after; --check fails above a bound.
 */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startMeasured } from './measured-process.ts';

const { values: options } = parseArgs({
  options: { mebibytes: { type: 'string', default: '1024' }, check: { type: 'boolean', default: false } },
});

/** What the resident size may grow by, whatever the length of the stream: buffers of sockets and of V8. */
const BOUND_MIB = 130;
const MIB = 1024 * 1024;
const TOTAL = Number(options.mebibytes) * MIB;
const BLOCK = Buffer.alloc(64 * 1024, 'x');
/** The slow side stops this long, in milliseconds, after each MiB. */
const PAUSE = 4;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const bundle = here('../dist/sallyport.mjs');
const directory = mkdtempSync(join(tmpdir(), 'sallyport-memory-'));

const upstream = createServer((incoming, response) => {
  if (incoming.method === 'GET') void pour(response);
  else void swallow(incoming, response);
});
upstream.listen(0, '127.0.0.1');
await once(upstream, 'listening');
const policy = join(directory, 'policy.yaml');
const { port: upstreamPort } = upstream.address() as AddressInfo;
writeFileSync(
  policy,
  `listen: 127.0.0.1:0\nadmin: none\nupstream: http://127.0.0.1:${upstreamPort}\nroutes: [{ path: /**, auth: none }]\n`,
);
const gate = await startMeasured({
  command: [
    process.execPath,
    existsSync(bundle) ? bundle : here('../src/main.ts'),
    'run',
    '--config',
    policy,
  ],
  core: null,
  port: /"public":\["127\.0\.0\.1:(\d+)"\]/,
});
try {
  const grown = [
    await measure('download, slow client', download),
    await measure('upload, slow upstream', upload),
  ];
  if (options.check && grown.some((mebibytes) => mebibytes > BOUND_MIB)) process.exitCode = 1;
} finally {
  await gate.stop();
  upstream.closeAllConnections();
  upstream.close();
  rmSync(directory, { recursive: true, force: true });
}

/** Runs one direction and tells what it did to the size; gives back the growth in MiB. */
async function measure(name: string, run: () => Promise<number>): Promise<number> {
  const before = resident();
  let highest = before;
  const sample = setInterval(() => {
    highest = Math.max(highest, resident());
  }, 100);
  const bytes = await run();
  clearInterval(sample);
  const grown = Math.max(highest, resident()) - before;
  console.log(
    `${name}: ${bytes / MIB} MiB, resident ${before} MiB before, ${highest} at most, ${resident()} after ` +
      `(+${grown} MiB; at most ${BOUND_MIB}: ${grown > BOUND_MIB ? 'MISSED' : 'ok'})`,
  );
  return grown;
}

function resident(): number {
  const status = readFileSync(`/proc/${gate.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
}

async function download(): Promise<number> {
  const asked = request({ port: gate.port, path: '/', agent: false }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return drainSlowly(response);
}

async function upload(): Promise<number> {
  const asked = request({ port: gate.port, path: '/', method: 'PUT', agent: false });
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
  await pour(asked);
  const [response] = await answered;
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  return Number(text);
}

/** Writes the whole amount as fast as it is taken. */
async function pour(target: Writable): Promise<void> {
  for (let written = 0; written < TOTAL; written += BLOCK.length) {
    if (!target.write(BLOCK)) await once(target, 'drain');
  }
  target.end();
}

async function swallow(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  response.end(String(await drainSlowly(incoming)));
}

async function drainSlowly(source: Readable): Promise<number> {
  let bytes = 0;
  let pauseAt = MIB;
  for await (const part of source) {
    bytes += (part as Buffer).length;
    if (bytes < pauseAt) continue;
    pauseAt += MIB;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  return bytes;
}
