/** What clients, probes and operators see while a process drains: D20, and the order that docs/start-and-stop.md promises. */
import t, { type Test } from 'tap';
import { UPGRADE } from '../fixtures/attack-world.ts';
import { until } from '../fixtures/fake-time.ts';
import { type Gateway, type GatewayOptions, startGateway } from '../fixtures/gateway.ts';
import { openConnection, type RawConnection } from '../fixtures/raw-client.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../fixtures/recording-upstream.ts';
import { requestBytes } from '../fixtures/world.ts';

const EVENT = 'data: 1\n\n';
const STREAM = `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n${EVENT.length.toString(16)}\r\n${EVENT}\r\n`;
const ACCEPTED =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';
/** A close frame of a server: the code is 1001, going away (RFC 6455 section 7.4.1). */
const GOING_AWAY = Buffer.of(0x88, 0x02, 0x03, 0xe9);

interface Stage {
  readonly upstream: RecordingUpstream;
  readonly gateway: Gateway;
  connect(target: string, headers?: readonly (readonly [string, string])[]): Promise<RawConnection>;
  /** The status of a probe. */
  probe(path: string): Promise<number>;
  /** Sends SIGTERM, and resolves once the drain has begun. */
  drain(): Promise<void>;
}

async function stage(t: Test, timeouts: string, options: Partial<GatewayOptions> = {}): Promise<Stage> {
  const upstream = await startRecordingUpstream(t);
  const policy = `
upstream: ${upstream.url}
timeouts: {${timeouts}}
routes: [{path: /**, auth: none, websocket: true}]
`;
  const gateway = await startGateway(t, { policy, ...options });
  return {
    upstream,
    gateway,
    connect: async (target, headers = []) => {
      const connection = await openConnection(gateway.port);
      t.teardown(() => connection.destroy());
      connection.write(requestBytes({ target, headers }));
      return connection;
    },
    probe: async (path) => (await fetch(`http://127.0.0.1:${gateway.adminPort}${path}`)).status,
    drain: async () => {
      process.kill(gateway.pid, 'SIGTERM');
      await gateway.line(({ msg }) => msg === 'draining');
    },
  };
}

t.test('during drain_delay it is alive and not ready, and serves with Connection: close', async (t) => {
  const { gateway, connect, probe, drain } = await stage(t, 'drain_delay: 10m');
  const kept = await connect('/kept');
  t.not((await kept.response()).get('connection'), 'close');
  t.equal(await probe('/readyz'), 200);
  await drain();
  t.equal(await probe('/readyz'), 503);
  t.equal(await probe('/livez'), 200);
  const fresh = await (await connect('/fresh')).response();
  t.strictSame([fresh.status, fresh.get('connection')], [200, 'close']);
  kept.write(requestBytes({ target: '/again' }));
  const again = await kept.response();
  t.strictSame([again.status, again.get('connection')], [200, 'close']);
  await kept.closed();
  process.kill(gateway.pid, 'SIGTERM');
  t.equal(await gateway.exited, 0, 'a second signal ends it at once');
});

t.test(
  'event streams end as responses do, WebSockets with 1001, and the process ends with them',
  async (t) => {
    const { upstream, gateway, connect, drain } = await stage(t, 'drain: 10m');
    upstream.onHead = ({ target }, socket) => {
      if (target === '/socket') socket.write(ACCEPTED);
      return target === '/socket';
    };
    upstream.answer = ({ target }) => (target === '/events' ? STREAM : undefined);
    const events = await connect('/events');
    t.match(String(await events.bytes(15)), 'HTTP/1.1 200 OK');
    const socket = await connect('/socket', UPGRADE);
    t.equal((await socket.response()).status, 101);
    await drain();
    t.strictSame(await socket.bytes(GOING_AWAY.length), GOING_AWAY);
    await events.closed();
    t.match(events.rest().toString(), /data: 1\n\n\r\n0\r\n\r\n$/, 'the body has its end');
    t.equal(await gateway.exited, 0);
    const ends = gateway.lines.filter(({ msg }) => msg === 'request').map((line) => line.end);
    t.strictSame(ends, ['going_away', 'going_away']);
  },
);

t.test(
  'a request that was sent when the signal came is answered, one that is never finished is cut',
  async (t) => {
    const { upstream, gateway, connect, drain } = await stage(t, 'drain: 1s');
    let release = (): void => {};
    upstream.answer = ({ target }, socket) => {
      if (target !== '/held') return '';
      release = () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nheld');
      return undefined;
    };
    const held = await connect('/held');
    await until(() => upstream.requests.length === 1);
    const half = await openConnection(gateway.port);
    t.teardown(() => half.destroy());
    half.write('POST /half HTTP/1.1\r\nHost: api.test\r\nContent-Length: 100\r\n\r\nhalf');
    await until(() => upstream.connections() === 2);
    await drain();
    release();
    const { status, body } = await held.response();
    t.strictSame([status, String(body)], [200, 'held']);
    await half.closed();
    t.equal(await gateway.exited, 0);
    t.match(
      gateway.lines.find(({ path }) => path === '/half'),
      { end: 'going_away' },
    );
  },
);

t.test('a reload that is asked for during the drain does not end the process', async (t) => {
  const { gateway, connect, drain } = await stage(t, 'drain_delay: 10m');
  await drain();
  for (let signals = 0; signals < 3; signals += 1) {
    process.kill(gateway.pid, 'SIGHUP');
    const response = await (await connect(`/${signals}`)).response();
    t.equal(response.status, 200);
  }
  t.ok(gateway.running());
  process.kill(gateway.pid, 'SIGTERM');
  t.equal(await gateway.exited, 0);
});

t.test('connections that say nothing, or drip a head, do not hold the drain up to its end', async (t) => {
  const { gateway, drain } = await stage(t, 'headers: 10m, idle: 10m, drain: 10m');
  const silent = await openConnection(gateway.port);
  const dripping = await openConnection(gateway.port);
  for (const connection of [silent, dripping]) t.teardown(() => connection.destroy());
  dripping.write('GET / HTTP/1.1\r\nHost: a');
  await drain();
  await silent.closed();
  await dripping.closed();
  t.equal(await gateway.exited, 0);
});

t.test('a response that its client does not read holds the drain up to its end, and no longer', async (t) => {
  const { upstream, gateway, connect, drain } = await stage(t, 'drain: 1s');
  const body = Buffer.alloc(64 * 1024 * 1024);
  upstream.answer = (_, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
    return body;
  };
  const reader = await connect('/large');
  await reader.bytes(15);
  reader.socket.pause();
  await drain();
  t.equal(await gateway.exited, 0);
  t.match(
    gateway.lines.find(({ path }) => path === '/large'),
    { end: 'going_away' },
  );
});

/** Sends one request after the other, on a new connection where one ended, until none is taken; counts statuses. */
async function flood(port: number, answered: (status: number) => void): Promise<void> {
  for (let connection: RawConnection | null = null; ; ) {
    connection ??= await openConnection(port).catch(() => null);
    if (connection === null) return;
    connection.write(requestBytes({ target: '/flood' }));
    const response = await connection.response().catch(() => null);
    if (response !== null) answered(response.status);
    else if (connection.rest().length > 0) throw new Error(`cut: ${connection.rest()}`);
    if (response !== null && response.get('connection') !== 'close') continue;
    connection.destroy();
    connection = null;
  }
}

for (const delay of ['0s', '200ms']) {
  t.test(`with drain_delay ${delay} all that reached the upstream in a flood is answered`, async (t) => {
    const { upstream, gateway, drain } = await stage(t, `drain_delay: ${delay}, drain: 10m`);
    const statuses: number[] = [];
    const clients = Array.from({ length: 50 }, () =>
      flood(gateway.port, (status) => void statuses.push(status)),
    );
    await until(() => statuses.length > 200);
    await drain();
    await Promise.all(clients);
    t.equal(await gateway.exited, 0);
    t.strictSame([...new Set(statuses)], [200]);
    t.equal(statuses.length, upstream.requests.length);
    const ends = gateway.lines.filter(({ msg }) => msg === 'request').map((line) => line.end);
    t.strictSame([ends.length, [...new Set(ends)]], [statuses.length, [undefined]], 'none was cut');
  });
}
