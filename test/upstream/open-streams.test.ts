/** Streams that outlive the judgement that let them in. */
import t from 'tap';
import type { ForwardPlan } from '../../src/upstream/forward-plan.ts';
import { type OpenStream, OpenStreams } from '../../src/upstream/open-streams.ts';
import { request } from '../fixtures/caller.ts';
import { until } from '../fixtures/fake-time.ts';
import { routeFixture } from '../fixtures/route.ts';

function stream(streams: () => OpenStreams, expiresAt: number, heard: string[], path = '/**'): OpenStream {
  const plan: ForwardPlan = {
    wire: request(),
    route: routeFixture({ path }),
    target: '/',
    identity: null,
    requestId: '',
    answerId: null,
    peer: '',
    trusted: false,
    encrypted: false,
    accept: routeFixture({ path }).accept,
    place: null,
    vouchedBy: null,
    expiresAt,
    leftToOthers: () => {},
    refused: () => {},
    done: () => {},
  };
  const self: OpenStream = {
    plan,
    end: (why) => {
      heard.push(`${path} ${why}`);
      streams().delete(self);
    },
  };
  return self;
}

t.test('a stream ends at its expiry, by the clock that is handed in', async (t) => {
  let now = 1_000_000;
  const heard: string[] = [];
  const streams: OpenStreams = new OpenStreams(() => now);
  streams.add(stream(() => streams, now + 10, heard));
  await new Promise((resolve) => setTimeout(resolve, 40));
  t.strictSame(heard, [], 'the timer alone decides nothing');
  now += 10;
  await until(() => heard.length > 0);
  t.strictSame(heard, ['/** expired']);
  t.equal(streams.size, 0);
});

t.test('an expiry farther away than a timer reaches, or none, ends nothing now', async (t) => {
  const heard: string[] = [];
  const streams: OpenStreams = new OpenStreams(() => 0);
  const far = stream(() => streams, 2 ** 40, heard);
  const never = stream(() => streams, Number.POSITIVE_INFINITY, heard);
  streams.add(far);
  streams.add(never);
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.strictSame(heard, []);
  streams.delete(far);
  streams.delete(never);
  t.equal(streams.size, 0);
});

t.test('those that would be refused now end, and all when the process stops', async (t) => {
  const heard: string[] = [];
  const streams: OpenStreams = new OpenStreams(() => 0);
  for (const path of ['/a', '/b', '/c'])
    streams.add(stream(() => streams, Number.POSITIVE_INFINITY, heard, path));
  await streams.endUnless(({ route }) => route.path !== '/b');
  t.strictSame(heard, ['/b expired']);
  await streams.endUnless(async ({ route }) => {
    if (route.path === '/a') throw new Error('cannot tell');
    return true;
  });
  t.strictSame(heard, ['/b expired', '/a expired'], 'what cannot be judged is not let stand');
  streams.endAll();
  t.strictSame(heard, ['/b expired', '/a expired', '/c going_away']);
});
