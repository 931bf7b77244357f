/** Connections to upstreams: that they are verified, that no refusal costs one, and that a reload keeps them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import type { UpstreamPolicy } from '../../src/policy/policy.ts';
import { createUpstreams } from '../../src/upstream/dispatcher.ts';
import { SteadyClient } from '../../src/upstream/steady-client.ts';
import { Target } from '../../src/upstream/target.ts';
import { localCertificate, otherCertificate, testAuthority } from '../fixtures/certificates.ts';
import { recordLog, until } from '../fixtures/fake-time.ts';
import { policyFixture, startForwarding, targetAt } from '../fixtures/forwarding.ts';
import { exchange, openConnection } from '../fixtures/raw-client.ts';
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts';
import { routeFixture, upstreamFixture } from '../fixtures/route.ts';

const GET = 'GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n';
const deps = { now: Date.now, log: recordLog() };

/** Resolves with the status, or with the error's code. */
function ask(
  to: { dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): unknown },
  options: Partial<Dispatcher.DispatchOptions>,
): Promise<number | string> {
  return new Promise((resolve) => {
    let status = 0;
    const handler = {
      onConnect: () => {},
      onHeaders: (code: number) => {
        status = code;
        return true;
      },
      onData: () => true,
      onComplete: () => resolve(status),
      onError: (error: Error & { code?: string }) => resolve(error.code ?? error.message),
    };
    to.dispatch({ path: '/', method: 'GET', headers: ['host', 'a'], ...options }, handler);
  });
}

t.test('requests that undici refuses cost no connection', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const address = targetAt(upstream.port);
  const failed = () => t.fail('an error inside');
  const target = new Target(address, upstreamFixture({ targets: [address] }), failed);
  // Ours has no bound; one with four connections would be dead after four if a refusal cost one.
  const pool = new Pool(address.origin, {
    connections: 4,
    factory: (origin, options) => new SteadyClient(origin, options, buildConnector({}), failed),
  });
  t.teardown(() => Promise.all([target.destroy(), pool.destroy()]));
  const kinds: readonly (readonly [string, Partial<Dispatcher.DispatchOptions>])[] = [
    ['keep-alive', { headers: ['keep-alive', 'x'] }],
    ['upgrade', { headers: ['upgrade', 'x'] }],
    ['transfer-encoding', { headers: ['transfer-encoding', 'chunked'] }],
    ['expect', { headers: ['expect', '100-continue'] }],
    ['two lengths', { method: 'POST', headers: ['content-length', '1', 'content-length', '1'] }],
    ['two hosts', { headers: ['host', 'a', 'host', 'b'] }],
    ['a value with a line end', { headers: ['x-a', 'a\r\nb'] }],
    ['a name with a space', { headers: ['x a', 'b'] }],
    ['a path with a space', { path: '/a b' }],
    ['a method with a space', { method: 'G T' }],
  ];
  for (const each of [target, pool]) {
    const before = upstream.connections();
    for (const [name, options] of kinds) {
      const outcomes = new Set<number | string>();
      for (let i = 0; i < 1000; i += 1) outcomes.add(await ask(each, options));
      t.strictSame(outcomes.size, 1, name);
      t.type([...outcomes][0], 'string', name);
    }
    t.equal(upstream.connections(), before, 'the upstream heard nothing of them');
    const statuses = await Promise.all(Array.from({ length: 100 }, () => ask(each, {})));
    t.ok(
      statuses.every((status) => status === 200),
      'and all that is good is answered',
    );
  }
  t.equal(pool.stats.size, 0);
});

t.test('upstreams over TLS', async (t) => {
  const start = async (t: Test, certificate: { cert: string; key: string }, options = {}) => {
    const seen: { name: string | false | null; authorized: boolean; host: string }[] = [];
    let connections = 0;
    const server = createTlsServer({ ...certificate, ...options }, (request, response) => {
      const socket = request.socket as TLSSocket & { servername: string | false };
      seen.push({ name: socket.servername, authorized: socket.authorized, host: request.headers.host ?? '' });
      response.end('secret');
    });
    server.on('secureConnection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    return { port, seen, connections: () => connections };
  };
  const tls = upstreamFixture().tls;
  const refused = [
    ['T1 T4 signed by nobody we know', localCertificate, {}],
    ['T2 for another name', otherCertificate, { ca: testAuthority }],
    [
      'T2 for the name that the caller sends',
      otherCertificate,
      { ca: testAuthority },
      'GET / HTTP/1.1\r\nHost: other.test\r\n\r\n',
    ],
    [
      'T5 not for the name that the policy says',
      localCertificate,
      { ca: testAuthority, serverName: 'third.test' },
    ],
  ] as const;
  for (const [name, certificate, parts, request] of refused) {
    await t.test(`${name}: 502, and no byte of the request is seen`, async (t) => {
      const { port, seen } = await start(t, certificate);
      const forwarding = await startForwarding(t, {
        upstream: { targets: [targetAt(port, 'https')], tls: { ...tls, ...parts } },
      });
      const [response] = await exchange(forwarding.port, request ?? GET);
      t.equal(response?.status, 502);
      t.equal(response?.body.toString(), '{"error":"bad_gateway"}');
      t.match((await forwarding.ending()).refusal, { kind: 'bad_gateway', reason: 'tls_failed' });
      t.strictSame(seen, []);
    });
  }
  await t.test('a certificate that fits is taken, and the caller has no say in the name', async (t) => {
    const { port, seen, connections } = await start(t, localCertificate);
    const forwarding = await startForwarding(t, {
      upstream: { targets: [targetAt(port, 'https')], tls: { ...tls, ca: testAuthority } },
    });
    const [one] = await exchange(forwarding.port, GET);
    const [two] = await exchange(forwarding.port, 'GET / HTTP/1.1\r\nHost: other.test\r\n\r\n');
    t.strictSame([one?.status, two?.status], [200, 200]);
    t.strictSame(
      seen.map(({ host }) => host),
      ['evil.example', 'other.test'],
      'T7 Host says what the policy lets it say',
    );
    t.notOk(
      seen.some(({ name }) => name),
      'SNI never holds an address, nor the name of Host',
    );
    t.equal(connections(), 1, 'and another Host needs no other connection');
  });
  await t.test('T5 the name that the policy says is asked for and verified', async (t) => {
    const { port, seen } = await start(t, otherCertificate);
    const forwarding = await startForwarding(t, {
      upstream: {
        targets: [targetAt(port, 'https')],
        tls: { ...tls, ca: testAuthority, serverName: 'other.test' },
      },
    });
    const [response] = await exchange(forwarding.port, GET);
    t.equal(response?.status, 200);
    t.equal(seen[0]?.name, 'other.test');
  });
  await t.test('T10 a client certificate is shown where the policy has one', async (t) => {
    const { port, seen } = await start(t, localCertificate, {
      requestCert: true,
      rejectUnauthorized: true,
      ca: testAuthority,
    });
    for (const [parts, status] of [
      [{ cert: localCertificate.cert, key: localCertificate.key }, 200],
      [{}, 502],
    ] as const) {
      const forwarding = await startForwarding(t, {
        upstream: { targets: [targetAt(port, 'https')], tls: { ...tls, ca: testAuthority, ...parts } },
      });
      const [response] = await exchange(forwarding.port, GET);
      t.equal(response?.status, status);
    }
    t.strictSame(
      seen.map(({ authorized }) => authorized),
      [true],
    );
  });
  await t.test('insecure_skip_verify takes any', async (t) => {
    const { port } = await start(t, otherCertificate);
    const forwarding = await startForwarding(t, {
      upstream: { targets: [targetAt(port, 'https')], tls: { ...tls, insecureSkipVerify: true } },
    });
    const [response] = await exchange(forwarding.port, GET);
    t.equal(response?.status, 200);
  });
  await t.test('what is no TLS is 502', async (t) => {
    const server = createHttpServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(port, 'https')] } });
    const [response] = await exchange(forwarding.port, GET);
    t.equal(response?.status, 502);
    t.match((await forwarding.ending()).refusal, { reason: 'tls_failed' });
  });
});

t.test('T8 an upstream on a unix socket', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-'));
  const socketPath = join(directory, 'socket');
  const server = createHttpServer((request, response) =>
    response.end(`${request.headers.host}${request.url}`),
  );
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const target = { origin: 'http://localhost', authority: 'localhost', socketPath };
  const forwarding = await startForwarding(t, { upstream: { targets: [target], host: 'upstream' } });
  const [response] = await exchange(forwarding.port, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  t.equal(response?.body.toString(), 'localhost/x');
});

t.test('H29 Host as the policy wants it', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const table = [
    ['client', 'evil.example'],
    ['upstream', `127.0.0.1:${upstream.port}`],
    [{ literal: 'legacy.internal' }, 'legacy.internal'],
  ] as const;
  for (const [host, expected] of table) {
    const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)], host } });
    await exchange(forwarding.port, GET);
    t.strictSame(upstream.requests.at(-1)?.all('host'), [expected]);
  }
});

t.test('several targets', async (t) => {
  const one = await startRecordingUpstream(t);
  const two = await startRecordingUpstream(t);
  await t.test('are taken in turn', async (t) => {
    const forwarding = await startForwarding(t, {
      upstream: { targets: [targetAt(one.port), targetAt(two.port)], host: 'upstream' },
    });
    for (let i = 0; i < 6; i += 1) await exchange(forwarding.port, GET);
    t.strictSame([one.requests.length, two.requests.length], [3, 3]);
    t.strictSame(two.requests[0]?.all('host'), [`127.0.0.1:${two.port}`]);
  });
  await t.test('another is tried when one cannot be reached, with the body untouched', async (t) => {
    let now = 1_000_000;
    const forwarding = await startForwarding(t, {
      upstream: { targets: [targetAt(1), targetAt(two.port)], host: 'upstream' },
      now: () => now,
    });
    const before = two.requests.length;
    for (let i = 0; i < 4; i += 1) {
      const [response] = await exchange(
        forwarding.port,
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
      );
      t.equal(response?.status, 200);
      t.equal(two.requests.at(-1)?.body.toString(), 'abc');
      t.strictSame(two.requests.at(-1)?.all('host'), [`127.0.0.1:${two.port}`]);
      now += 3_000;
    }
    t.equal(two.requests.length - before, 4);
  });
  await t.test('none can be reached: 502', async (t) => {
    const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(1), targetAt(2)] } });
    const [response] = await exchange(forwarding.port, GET);
    t.equal(response?.status, 502);
    t.match((await forwarding.ending()).refusal, { reason: 'connect_refused' });
  });
});

t.test('a reload', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const policyOf = (parts: Partial<UpstreamPolicy>) => {
    const route = routeFixture({
      path: '/**',
      upstream: upstreamFixture({ targets: [targetAt(upstream.port)], ...parts }),
    });
    return policyFixture(route);
  };
  const upstreamOf = (policy: ReturnType<typeof policyOf>): UpstreamPolicy => {
    const [only] = policy.upstreams.values();
    if (!only) throw new Error('no upstream');
    return only;
  };
  await t.test('keeps the connections of upstreams that are reached alike', async (t) => {
    const before = policyOf({});
    const after = policyOf({ name: 'renamed', responseTimeout: 1, host: 'upstream' });
    const first = createUpstreams(before, deps);
    const second = createUpstreams(after, deps, first);
    t.equal(second.of(upstreamOf(after)), first.of(upstreamOf(before)));
    t.equal(second.inFlight, first.inFlight);
    t.equal(second.openStreams, first.openStreams);
    await second.destroy();
  });
  await t.test('closes those of upstreams that are gone, with their last exchange', async (t) => {
    let closed = 0;
    const held: (() => void)[] = [];
    upstream.answer = (_request, socket) => {
      socket.on('close', () => {
        closed += 1;
      });
      held.push(() => socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=60\r\nContent-Length: 0\r\n\r\n'));
      return undefined;
    };
    const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
    const connection = await openConnection(forwarding.port);
    connection.write(GET);
    await until(() => held.length === 1);
    const next = createUpstreams(policyOf({ connectTimeout: 1 }), deps, forwarding.upstreams);
    t.equal(closed, 0, 'what is under way is let end');
    held.shift()?.();
    t.equal((await connection.response()).status, 200);
    await until(() => closed === 1);
    // A request that met the old policy is still served.
    connection.write(GET);
    await until(() => held.length === 1);
    held.shift()?.();
    t.equal((await connection.response()).status, 200);
    await until(() => closed === 2);
    connection.destroy();
    await next.destroy();
  });
  await t.test('does not share connections that are made otherwise', async (t) => {
    const first = createUpstreams(policyOf({}), deps);
    const others: Partial<UpstreamPolicy>[] = [
      { targets: [targetAt(upstream.port + 1)] },
      { connectTimeout: 1 },
      { tls: { ...upstreamFixture().tls, ca: testAuthority } },
      { tls: { ...upstreamFixture().tls, insecureSkipVerify: true } },
      { tls: { ...upstreamFixture().tls, serverName: 'x' } },
    ];
    for (const parts of others) {
      const policy = policyOf(parts);
      t.not(createUpstreams(policy, deps, first).of(upstreamOf(policy)), [...first.byTransport.values()][0]);
    }
  });
});
