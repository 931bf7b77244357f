/** Which open streams are judged again, and when; over sockets in conformance/keys-state.test.ts. */
import t from 'tap';
import { StreamJudge } from '../src/judge-streams.ts';
import type { ForwardPlan } from '../src/upstream/forward-plan.ts';
import { type OpenStream, OpenStreams } from '../src/upstream/open-streams.ts';
import { request } from './fixtures/caller.ts';
import { routeFixture } from './fixtures/route.ts';

type VouchedBy = ForwardPlan['vouchedBy'];

function staged(verdict: (name: string) => Promise<boolean>) {
  const judged: string[] = [];
  const ended: string[] = [];
  const streams = new OpenStreams(Date.now);
  const judge = new StreamJudge({
    allowed: (plan) => {
      judged.push(plan.requestId);
      return verdict(plan.requestId);
    },
    isCurrent: (plan) => plan.requestId !== 'let in before',
  });
  streams.opened = (stream) => judge.opened(streams, stream);
  const open = (name: string, vouchedBy: VouchedBy): void => {
    const route = routeFixture({ path: '/**' });
    const plan: ForwardPlan = {
      wire: request(),
      route,
      target: '/',
      identity: null,
      requestId: name,
      answerId: null,
      peer: '',
      trusted: false,
      encrypted: false,
      accept: route.accept,
      place: null,
      vouchedBy,
      expiresAt: Number.POSITIVE_INFINITY,
      leftToOthers: () => {},
      refused: () => {},
      done: () => {},
    };
    const stream: OpenStream = {
      plan,
      end: (why) => {
        ended.push(`${name} ${why}`);
        streams.delete(stream);
      },
    };
    streams.add(stream);
  };
  return { judge, streams, judged, ended, open };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const by = (source: string, kid: string | null): VouchedBy => ({ source, kid });

t.test(
  'T45 only streams that rest on a withdrawn key are judged, and end if they would be refused',
  async (t) => {
    const { judge, streams, judged, ended, open } = staged(async (name) => name === 'still good');
    open('gone', by('corp', 'k1'));
    open('still good', by('corp', 'k1'));
    open('other key', by('corp', 'k2'));
    open('other issuer', by('partner', 'k1'));
    open('no credential', null);
    judge.keysWithdrawn(streams, 'corp', new Set(['k1']));
    await settle();
    t.same(judged, ['gone', 'still good']);
    t.same(ended, ['gone expired']);
  },
);

t.test('a key without an id is one like others', async (t) => {
  const { judge, streams, ended, open } = staged(async () => false);
  open('nameless', by('corp', null));
  open('named', by('corp', 'k1'));
  judge.keysWithdrawn(streams, 'corp', new Set([null]));
  await settle();
  t.same(ended, ['nameless expired']);
});

t.test('a stream that opens after the withdrawal and rests on that key is judged as well', async (t) => {
  const { judge, streams, judged, ended, open } = staged(async () => false);
  judge.keysWithdrawn(streams, 'corp', new Set(['k1']));
  await settle();
  open('late', by('corp', 'k1'));
  open('fine', by('corp', 'k2'));
  await settle();
  t.same(judged, ['late']);
  t.same(ended, ['late expired']);
});

t.test(
  'a stream that opens under a policy that was replaced meanwhile is judged by the one in force',
  async (t) => {
    const { judged, ended, open } = staged(async () => false);
    open('let in before', null);
    open('let in now', null);
    await settle();
    t.same(judged, ['let in before']);
    t.same(ended, ['let in before expired']);
  },
);

t.test('the memory of withdrawn keys is bounded, and forgets nothing', async (t) => {
  const { judge, streams, judged, open } = staged(async () => true);
  judge.keysWithdrawn(streams, 'corp', new Set(Array.from({ length: 101 }, (_, n) => `k${n}`)));
  await settle();
  open('first', by('corp', 'k0'));
  open('beyond the bound', by('corp', 'k100'));
  open('of the issuer', by('corp', 'other'));
  open('of another', by('else', 'k0'));
  await settle();
  t.same(judged, ['first', 'beyond the bound', 'of the issuer']);
});

t.test(
  'passes follow each other, a judgement that fails ends its stream, and the next pass comes',
  async (t) => {
    const first = Promise.withResolvers<boolean>();
    let asked = 0;
    const { judge, streams, judged, ended, open } = staged(() => {
      asked += 1;
      return asked === 1 ? first.promise : Promise.resolve(true);
    });
    open('one', by('corp', 'k1'));
    open('two', by('corp', 'k2'));
    judge.keysWithdrawn(streams, 'corp', new Set(['k1']));
    judge.judgeAll(streams);
    await settle();
    t.same(judged, ['one'], 'the second waits for the first');
    first.reject(new Error('broken'));
    await settle();
    t.same(ended, ['one expired']);
    t.same(judged, ['one', 'two']);
  },
);
