import t from 'tap';
import type { Visitor } from '../../src/gate/client-address.ts';
import { createFailedCredentials, type FailedCredentials } from '../../src/gate/failed-credentials.ts';
import type { Refusal } from '../../src/refusals/refusal.ts';
import { createFakeTime, recordLog } from '../fixtures/fake-time.ts';
import { policyOf } from '../fixtures/server.ts';
import { wireFixture } from '../fixtures/wire.ts';

const BAD: Refusal = { kind: 'invalid_credential', code: 'invalid_token', reason: 'bad_signature' };
const OTHERS = '192.0.2.1';
const written = (text: string) => `limits: {failed_credentials: ${text}}`;
const FIVE = written('{per_peer: 5/10s}');

const policyWith = (limits: string, more = '') =>
  policyOf(`upstream: http://127.0.0.1:9\ntrusted_proxies: [10.0.0.0/8]\n${limits}\n${more}
routes: [{path: /, auth: none}]\n`);

async function stage(limits: string, previous: FailedCredentials | null = null) {
  const log = recordLog();
  const time = createFakeTime(1_800_000_000_000);
  const failures = createFailedCredentials(await policyWith(limits), { log, now: time.now }, previous);
  if (failures === null) throw new Error('no budget');
  const fail = (visitor: Visitor, times: number): void => {
    for (let i = 0; i < times; i += 1) failures.note(visitor, BAD, time.now());
  };
  return { log, time, failures, fail, wait: (visitor: Visitor) => failures.wait(visitor, time.now()) };
}

function from(peer: string, chain?: string): Visitor {
  const headers = chain === undefined ? [] : ['X-Forwarded-For', chain];
  return { wire: wireFixture({ headers }), peer, trusted: peer.startsWith('10.') };
}

t.test('Z17 what is over the budget waits, until something came back', async (t) => {
  const { time, fail, wait } = await stage(FIVE);
  fail(from(OTHERS), 4);
  t.equal(wait(from(OTHERS)), 0);
  fail(from(OTHERS), 1);
  t.equal(wait(from(OTHERS)), 2);
  t.equal(wait(from('192.0.2.2')), 0, 'another one does not');
  await time.advance(1001);
  t.equal(wait(from(OTHERS)), 1, 'whole seconds, rounded up');
  await time.advance(999);
  t.equal(wait(from(OTHERS)), 0);
  time.jump(-3_600_000);
  t.equal(wait(from(OTHERS)), 0);
});

t.test('only a credential that is no good takes from it', async (t) => {
  const { failures, time, wait } = await stage(FIVE);
  const reason = 'x';
  const harmless: readonly Refusal[] = [
    { kind: 'unauthenticated', reason },
    { kind: 'ambiguous_credentials', reason },
    { kind: 'invalid_credential', code: 'token_expired', reason },
    { kind: 'forbidden', reason },
    { kind: 'insufficient_scope', reason, scopes: ['a'] },
    { kind: 'not_found', reason },
    { kind: 'bad_request', reason },
    { kind: 'unavailable', reason, retryAfter: 1 },
    { kind: 'overloaded', reason, retryAfter: 1 },
    { kind: 'rate_limited', reason, retryAfter: 1 },
  ];
  for (const refusal of harmless) {
    for (let i = 0; i < 10; i += 1) failures.note(from(OTHERS), refusal, time.now());
    t.equal(wait(from(OTHERS)), 0, refusal.kind);
  }
  t.strictSame(failures.counts, { failed: 0, emptied: 0, refused: 10, peers: 0 });
  for (const code of ['invalid_token', 'invalid_api_key', 'invalid_credentials'] as const) {
    const peer = from(`192.0.2.${code.length}`);
    for (let i = 0; i < 5; i += 1)
      failures.note(peer, { kind: 'invalid_credential', code, reason }, time.now());
    t.ok(wait(peer) > 0, code);
  }
  t.strictSame(failures.counts, { failed: 15, emptied: 3, refused: 10, peers: 3 });
});

/** Who counts, where nothing is written, something is, and `aggregates` too. */
const PEERS: readonly (readonly [visitor: Visitor, counts: readonly [boolean, boolean, boolean]])[] = [
  [from(OTHERS), [true, true, true]],
  [from(OTHERS, '127.0.0.1'), [true, true, true]],
  [from('2001:db8::1'), [true, true, true]],
  [from('127.0.0.1'), [false, true, true]],
  [from('127.8.8.8'), [false, true, true]],
  [from('::1'), [false, true, true]],
  [from('::ffff:127.0.0.1'), [false, true, true]],
  [from('127.0.0.1', OTHERS), [false, true, true]],
  [from('unix'), [false, false, true]],
  [from('10.0.0.1'), [false, false, true]],
  [from('10.0.0.1', 'unknown'), [false, false, true]],
  [from('10.0.0.1', OTHERS), [true, true, true]],
  [{ ...from('127.0.0.1', OTHERS), trusted: true }, [true, true, true]],
  // A field that names loopback says nothing of where its sender is.
  [from('10.0.0.1', '127.0.0.1'), [true, true, true]],
];
const BUDGETS: readonly (readonly [limits: string, failures: number])[] = [
  ['', 100],
  [FIVE, 5],
  [written('{per_peer: 5/10s, aggregates: true}'), 5],
];

t.test(
  'while it is not written nobody on loopback counts, and proxies that name nobody only if told',
  async (t) => {
    for (const [index, [limits, count]] of BUDGETS.entries()) {
      for (const [visitor, counts] of PEERS) {
        const { fail, wait } = await stage(limits);
        fail(visitor, count - 1);
        t.equal(wait(visitor), 0);
        fail(visitor, 1);
        const { peer, wire } = visitor;
        t.equal(wait(visitor) > 0, counts[index], `${limits} ${peer} ${wire.rawHeaders.join(' ')}`);
      }
    }
  },
);

t.test('while no bucket is empty it is not even asked who a visitor is', async (t) => {
  const { time, fail, wait } = await stage(FIVE);
  const nobody = {
    ...from(OTHERS),
    get peer(): string {
      throw new Error('it was asked');
    },
  };
  t.equal(wait(nobody), 0);
  fail(from(OTHERS), 4);
  t.equal(wait(nobody), 0);
  fail(from(OTHERS), 1);
  t.throws(() => wait(nobody), /it was asked/);
  await time.advance(2000);
  t.equal(wait(nobody), 0);
});

t.test('addresses that one caller may choose among are one peer', async (t) => {
  const { fail, wait } = await stage(FIVE);
  for (let i = 0; i < 5; i += 1) fail(from(`2001:db8:0:1::${i}`), 1);
  t.ok(wait(from('2001:db8:0:1:ffff::1')) > 0);
  t.equal(wait(from('2001:db8:0:2::1')), 0);
  for (let i = 0; i < 5; i += 1) fail(from('10.0.0.1', `198.51.100.7:${5000 + i}`), 1);
  t.ok(wait(from('198.51.100.7')) > 0);
  t.ok(wait(from('10.0.0.2', '203.0.113.5, ::ffff:198.51.100.7')) > 0, 'by whatever proxy it comes');
});

t.test(
  'D7 50,000 addresses through a trusted proxy: 10,000 are remembered, those first that used theirs up',
  async (t) => {
    const { failures, fail, wait } = await stage(written('{per_peer: 5/24h}'));
    const spent = Array.from({ length: 20 }, (_, n) => from('10.0.0.1', `192.0.2.${n}`));
    for (const visitor of spent) fail(visitor, 5);
    for (let n = 0; n < 50_000; n += 1)
      fail(from('10.0.0.1', `198.${n >> 16}.${(n >> 8) & 255}.${n & 255}`), 1);
    t.equal(failures.counts.peers, 10_000);
    t.equal(failures.counts.failed, 50_100);
    t.ok(spent.every((visitor) => wait(visitor) > 0));
    t.equal(wait(from('10.0.0.1', '203.0.113.1')), 0);
  },
);

t.test('a reload keeps what is used up where the rate stays', async (t) => {
  const before = await stage(FIVE);
  before.fail(from(OTHERS), 5);
  const kept = await stage(written('{per_peer: 5/10s, aggregates: true}'), before.failures);
  t.equal(kept.wait(from(OTHERS)), 2);
  t.equal(kept.failures.counts.failed, 5);
  kept.fail(from(OTHERS), 1);
  t.equal(before.wait(from(OTHERS)), 4, 'requests under way count in the same ones');
  for (const rate of ['6/10s', '5/11s']) {
    const other = await stage(written(`{per_peer: ${rate}}`), before.failures);
    t.equal(other.wait(from(OTHERS)), 0, rate);
  }
});

t.test('`none` is no budget', async (t) => {
  const deps = { log: recordLog(), now: Date.now };
  t.equal(createFailedCredentials(await policyWith(written('none')), deps, null), null);
});

t.test('D13 the log has a line for a peer that used its budget up, and no flood of them', async (t) => {
  const { log, time, fail } = await stage(FIVE);
  fail(from(OTHERS), 50);
  t.match(log.lines, [
    { level: 'warn', fields: { client: OTHERS, others: 0 }, message: /429.*trusted_proxies/ },
  ]);
  for (let i = 0; i < 3000; i += 1) fail(from(`198.51.${i >> 8}.${i & 255}`), 5);
  t.equal(log.lines.length, 1);
  await time.advance(1000);
  fail(from(OTHERS), 5);
  t.equal(log.lines.length, 1, 'still the same emptiness');
  fail(from('2001:db8::1'), 5);
  t.match(log.lines[1], { fields: { client: '2001:db8:0:0::/64', others: 3000 } });
  time.jump(-3_600_000);
  fail(from('203.0.113.9'), 5);
  t.match(log.lines[2], { fields: { client: '203.0.113.9', others: 0 } });
});
