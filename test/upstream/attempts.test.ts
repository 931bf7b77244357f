/**
 * After which failures another target is tried, and after which it is not, as no connection could be made; and that
 * nothing stays open of a repetition.
 */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import t from 'tap';
import type { Route } from '../../src/policy/policy.ts';
import { Attempts } from '../../src/upstream/attempts.ts';
import { createUpstreams } from '../../src/upstream/dispatcher.ts';
import { type CarriedHandler, SteadyClient } from '../../src/upstream/steady-client.ts';
import { Target } from '../../src/upstream/target.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { planFixture, policyFixture, targetAt } from '../fixtures/forwarding.ts';
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts';
import { routeFixture, upstreamFixture } from '../fixtures/route.ts';
import { wireFixture } from '../fixtures/wire.ts';

const coded = (code: string): Error => Object.assign(new Error(code), { code });

t.test('another target is tried when one cannot be reached, not when the matter is ours', async (t) => {
  const other = await startRecordingUpstream(t);
  const rows: readonly (readonly [error: Error, again: boolean])[] = [
    [coded('ECONNREFUSED'), true],
    [coded('ENOTFOUND'), true],
    [coded('UND_ERR_CONNECT_TIMEOUT'), true],
    // Another target would be left without a descriptor as well, and passed over for nothing.
    [coded('EMFILE'), false],
    [coded('ENOBUFS'), false],
    [coded('UND_ERR_INVALID_ARG'), false],
    // Nothing was sent, so that an error without a code is the target's as well.
    [new Error('without a code'), true],
  ];
  for (const [error, again] of rows) {
    const before = other.requests.length;
    const { attempts, pick, answered } = start([targetAt(1), targetAt(other.port)], t.teardown);
    const { promise, handler } = answered();
    t.equal(attempts.sendAgain(error, handler), again, error.message);
    if (again) t.equal(await promise, 200, error.message);
    t.equal(other.requests.length - before, again ? 1 : 0, error.message);
    // Of the two, the second is next in turn after one attempt, and the first after two, unless it is passed over.
    t.equal(pick(), `127.0.0.1:${other.port}`, error.message);
    t.equal(pick(), `127.0.0.1:${again ? other.port : 1}`, `${error.message}: the first is passed over`);
    attempts.close();
  }
});

t.test('the connection of a repetition is closed with the attempts', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const { attempts, answered } = start([targetAt(upstream.port)], t.teardown);
  const own = ownClients(t.teardown);
  attempts.carriedBy({ take: () => true, broken: false }, idleClient());
  attempts.writing();
  const { promise, handler } = answered();
  t.equal(attempts.sendAgain(coded('ECONNRESET'), handler), true);
  t.equal(await promise, 200);
  t.strictSame(own.closed(), [false]);
  attempts.close();
  t.strictSame(own.closed(), [true]);
});

t.test(
  'a repetition that finds its target gone goes to another one, as a request for that one',
  async (t) => {
    const other = await startRecordingUpstream(t);
    const targets = [targetAt(1), targetAt(other.port), targetAt(2)];
    const { attempts, answered } = start(targets, t.teardown);
    const own = ownClients(t.teardown);
    attempts.carriedBy({ take: () => true, broken: false }, idleClient());
    attempts.writing();
    const repetition = answered();
    t.equal(attempts.sendAgain(coded('ECONNRESET'), repetition.handler), true);
    await t.rejects(repetition.promise, { code: 'ECONNREFUSED' });
    const next = answered();
    t.equal(attempts.sendAgain(coded('ECONNREFUSED'), next.handler), true);
    t.equal(await next.promise, 200);
    t.strictSame(other.requests[0]?.all('host'), [`127.0.0.1:${other.port}`]);
    t.strictSame(own.closed(), [true, false], 'the one that led nowhere is closed');
    attempts.close();
  },
);

t.test('there are no more attempts than targets, all over connections that others use too', async (t) => {
  const { attempts, answered } = start([targetAt(1), targetAt(2)], t.teardown);
  const own = ownClients(t.teardown);
  const [first, second] = [answered(), answered()];
  attempts.send(first.handler);
  await t.rejects(first.promise, { code: 'ECONNREFUSED' });
  t.equal(attempts.sendAgain(coded('ECONNREFUSED'), second.handler), true);
  await t.rejects(second.promise, { code: 'ECONNREFUSED' });
  t.equal(attempts.sendAgain(coded('ECONNREFUSED'), second.handler), false);
  t.strictSame(own.closed(), []);
  attempts.close();
});

t.test('nothing is sent twice over a connection of which nobody knows that it was used before', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const { attempts, answered } = start([targetAt(upstream.port)], t.teardown);
  attempts.writing();
  t.equal(attempts.sendAgain(coded('ECONNRESET'), answered().handler), false);
  attempts.carriedBy({ take: () => false, broken: false }, idleClient());
  attempts.writing();
  t.equal(attempts.sendAgain(coded('ECONNRESET'), answered().handler), false);
  t.equal(upstream.connections(), 0);
  attempts.close();
});

t.test('a request whose answer may take for ever is sent like any other', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const route = { responseTimeout: Number.POSITIVE_INFINITY };
  const { attempts, answered } = start([targetAt(upstream.port)], t.teardown, route);
  const { promise, handler } = answered();
  attempts.send(handler);
  t.equal(await promise, 200);
  attempts.close();
});

/** Connections outside of the pools that are opened from now on, and whether each is closed. */
function ownClients(teardown: (run: () => unknown) => void) {
  const { ownClient } = Target.prototype;
  const opened: SteadyClient[] = [];
  Target.prototype.ownClient = function (this: Target) {
    const client = ownClient.call(this);
    opened.push(client);
    return client;
  };
  teardown(() => {
    Target.prototype.ownClient = ownClient;
  });
  return { closed: () => opened.map(({ closed }) => closed) };
}

/** A client that is never used. */
function idleClient(): SteadyClient {
  return new SteadyClient(
    'http://127.0.0.1:1',
    {},
    () => {},
    () => {},
  );
}

type Targets = readonly ReturnType<typeof targetAt>[];

/** A request for the first of the targets that has not been handed to anybody yet. */
function start(targets: Targets, teardown: (run: () => unknown) => void, over: Partial<Route> = {}) {
  const route = routeFixture({
    path: '/**',
    upstream: upstreamFixture({ targets, host: 'upstream' }),
    ...over,
  });
  const upstreams = createUpstreams(policyFixture(route), { now: () => 1_000_000, log: recordLog() });
  teardown(() => upstreams.destroy());
  const plan = planFixture(wireFixture(), route, { target: '/' });
  const watcher = { bodyTooLong: () => {}, bodyIdle: () => {} };
  const attempts = new Attempts(upstreams, new IncomingMessage(new Socket()), plan, watcher);
  const pick = () => upstreams.of(route.upstream).pick().authority;
  return { attempts, pick, answered };
}

function answered(): { promise: Promise<number>; handler: CarriedHandler } {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const handler: CarriedHandler = {
    onConnect: () => {},
    onHeaders: (status) => {
      resolve(status);
      return true;
    },
    onData: () => true,
    onComplete: () => {},
    onError: reject,
  };
  return { promise, handler };
}
