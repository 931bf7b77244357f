/** The part of the golden record about requests: raw bytes in, and all that is seen of them on the three sides. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { startGateway } from '../fixtures/gateway.ts';
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts';
import { createRandom } from '../fuzz/random.ts';
import { requestOf } from './request-parts.ts';
import { REQUEST_POLICY } from './request-policy.ts';

const SEED = 7_515;

/** The record, a paragraph for each request. */
export async function recordRequests(count: number): Promise<string> {
  const ends: (() => unknown)[] = [];
  const t = { teardown: (end: () => unknown) => void ends.unshift(end) };
  try {
    const upstream = await startRecordingUpstream(t);
    const gateway = await startGateway(t, { policy: REQUEST_POLICY.replaceAll('UPSTREAM', upstream.url) });
    const random = createRandom(SEED);
    const seen: { request: string; response: string; upstream: string[] }[] = [];
    for (let index = 0; index < count; index += 1) {
      const request = requestOf(random);
      const before = upstream.requests.length;
      const response = await send(gateway.port, request);
      const arrived = upstream.requests
        .slice(before)
        .map(({ head, body }) => `${head}\n\n${body.toString('latin1')}`);
      seen.push({ request, response, upstream: arrived });
    }
    await gateway.stop();
    const logged = gateway.lines.filter(({ msg }) => msg === 'request').map((line) => JSON.stringify(line));
    const port = new RegExp(`127\\.0\\.0\\.1:(?:${upstream.port}|${gateway.port})`, 'g');
    const paragraphs = seen.map((each, index) => paragraphOf(index, each).replace(port, 'ADDRESS'));
    return [...paragraphs, '# log\n', ...logged.map((line) => settled(line).replace(port, 'ADDRESS'))].join(
      '\n',
    );
  } finally {
    for (const end of ends) await end();
  }
}

/** All bytes that come until the gateway closes. */
async function send(port: number, bytes: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('end', () => socket.end());
  socket.on('error', () => socket.destroy());
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

interface Seen {
  readonly request: string;
  readonly response: string;
  readonly upstream: readonly string[];
}

function paragraphOf(index: number, { request, response, upstream }: Seen): string {
  const parts = [`# ${index}`, indented('>', request), indented('<', response)];
  return [...parts, ...upstream.map((each) => indented('|', each)), ''].join('\n');
}

function indented(mark: string, text: string): string {
  const lines = settled(text).split('\n');
  return lines.map((line) => `${mark} ${JSON.stringify(line).slice(1, -1)}`).join('\n');
}

/** What differs from run to run: ids, times, durations, tokens. */
const CHANGING: readonly (readonly [RegExp, string])[] = [
  [/eyJ[\w-]+\.[\w-]+\.[\w-]*/g, 'TOKEN'],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID'],
  [/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/g, 'DATE'],
  [/"time":"[^"]*"/g, '"time":"TIME"'],
  [/("duration_ms"|"upstream_ms"|"auth\.\w+_s"):[\d.]+/g, '$1:0'],
];

function settled(text: string): string {
  return CHANGING.reduce((changed, [pattern, word]) => changed.replace(pattern, word), text);
}
