/** Look-ups for key ids that are not held, shared fairly between networks: a flood of made-up ids, then a rotation. */
import t, { type Test } from 'tap';
import { createKeySet, type KeyLookup } from '../../src/keys/key-set.ts';
import {
  type Caller,
  createLookUpBudget,
  LOOK_UPS,
  REMEMBERED_COOLDOWNS,
  RESERVED,
} from '../../src/keys/look-up-grants.ts';
import { createFakeTime, recordLog } from '../fixtures/fake-time.ts';
import { issuerPolicy } from '../fixtures/issuer-policy.ts';
import { createSigningKey, type SigningKey } from '../fixtures/token-signer.ts';

const COOLDOWN = 10_000;
const from = (network: string): Caller => ({ network: () => network });
const held = createSigningKey('ES256', 'held');
const rotated = createSigningKey('ES256', 'rotated');

t.test('a network that named an absent id leaves the last look-up to others', async (t) => {
  const budget = createLookUpBudget(COOLDOWN);
  const taken = Array.from({ length: 6 }, () => budget.take(0, 'a'));
  t.strictSame(taken.filter(Boolean).length, LOOK_UPS - RESERVED);
  t.equal(budget.wait(0, 'a'), COOLDOWN);
  t.equal(budget.wait(0, 'b'), 0);
  t.equal(budget.take(0, 'b'), true);
  t.equal(budget.take(0, 'b'), false);
  t.equal(budget.take(0, null), false);
  t.equal(budget.wait(0, 'a'), 2 * COOLDOWN);
  t.equal(budget.wait(0, 'c'), COOLDOWN);
});

t.test('it is forgotten after a while, and at once when the look-up was no fault of its own', async (t) => {
  const spared = createLookUpBudget(COOLDOWN);
  while (spared.take(0, 'a'));
  spared.spare('a');
  t.equal(spared.wait(0, 'a'), 0);
  const later = createLookUpBudget(COOLDOWN);
  t.equal(later.take(0, 'a'), true);
  for (let cooldowns = 1; cooldowns < REMEMBERED_COOLDOWNS; cooldowns += 1) {
    while (later.take(cooldowns * COOLDOWN, null));
    t.equal(later.wait(cooldowns * COOLDOWN, 'a'), (1 + RESERVED) * COOLDOWN);
  }
  t.equal(later.wait(REMEMBERED_COOLDOWNS * COOLDOWN, 'a'), 0);
});

t.test('more networks than are remembered push out the oldest, and the bucket holds', async (t) => {
  const budget = createLookUpBudget(COOLDOWN);
  let now = 0;
  for (let n = 0; n < 10_001; n += 1) {
    budget.take(now, `n${n}`);
    now += 100_000;
  }
  t.equal(budget.wait(now, 'n0'), 0);
});

for (const mode of ['a set', 'single keys'] as const) {
  for (const perSecond of [2, 200]) {
    t.test(`K07 ${mode}: ${perSecond} made-up ids a second, then a rotation`, async (t) => {
      const { set, time, publish, fetches, find } = staged(t, mode);
      t.match(await find('held', 'b'), { outcome: 'found' });
      const flood = await floodFor(40, perSecond);
      const absent = flood.filter(({ outcome }) => outcome === 'none');
      t.ok(absent.length >= LOOK_UPS - RESERVED, 'absent where they were looked up');
      const others = flood.filter(({ outcome }) => outcome !== 'none');
      for (const lookup of others.slice(0, 20)) {
        t.match(lookup, { outcome: 'unavailable', retryAfter: Number, cause: /too many key ids/ });
      }
      t.ok(
        others.every(({ outcome }) => outcome === 'unavailable'),
        'unavailable where they could not be',
      );
      const before = fetches();
      t.ok(before <= 1 + LOOK_UPS + 4, `${before} fetches in 40 s`);
      publish(rotated);
      t.match(await find('rotated', 'b'), { outcome: 'found' }, 'another client has one left');
      t.equal(fetches(), before + 1);
      set.close();

      async function floodFor(seconds: number, rate: number): Promise<readonly KeyLookup[]> {
        const lookups: (KeyLookup | Promise<KeyLookup>)[] = [];
        for (let n = 0; n < seconds * 2; n += 1) {
          for (let m = 0; m < rate / 2; m += 1) lookups.push(find(`x${n}-${m}`, 'a'));
          await time.advance(500);
        }
        for (let n = 0; n < LOOK_UPS; n += 1) lookups.push(find(`last-${n}`, 'a'));
        return Promise.all(lookups);
      }
    });
  }
}

t.test('K07 a flood from many networks: a new key is 503 until the next fetch, and never 401', async (t) => {
  const { time, publish, fetches, find } = staged(t, 'a set');
  await find('held', 'b');
  for (let n = 0; n < 50; n += 1) await find(`x${n}`, `network ${n}`);
  publish(rotated);
  const before = fetches();
  t.match(await find('rotated', 'b'), { outcome: 'unavailable', retryAfter: 10 });
  await time.advance(9000);
  const waiting = find('rotated', 'b');
  t.equal(fetches(), before);
  await time.advance(1000);
  t.match(await waiting, { outcome: 'found' });
  t.equal(fetches(), before + 1);
});

t.test(
  'K07 the same network as the flood: 503, then 200 by the fetch that the flood brings about',
  async (t) => {
    const { time, publish, fetches, find } = staged(t, 'a set');
    await find('held', 'a');
    for (let n = 0; n < 50; n += 1) await find(`x${n}`, 'a');
    publish(rotated);
    const before = fetches();
    const { retryAfter } = (await find('rotated', 'a')) as { retryAfter: number };
    t.equal(retryAfter, 10);
    await time.advance(retryAfter * 1000);
    await find('x again', 'a');
    t.equal(fetches(), before + 1);
    t.match(find('rotated', 'a'), { outcome: 'found' });
  },
);

t.test('a withdrawn key id stays 401 under a flood of made-up ones', async (t) => {
  const { time, publish, find } = staged(t, 'a set');
  publish(rotated);
  await find('rotated', 'b');
  publish();
  await time.advance(600_000);
  t.match(await find('rotated', 'b'), { outcome: 'none' });
  await Promise.all(Array.from({ length: 1200 }, (_, n) => find(`x${n}`, `network ${n}`)));
  for (let n = 0; n < 4; n += 1) await find(`y${n}`, `other network ${n}`);
  t.match(await find('z', 'c'), { outcome: 'unavailable' });
  t.match(await find('rotated', 'b'), { outcome: 'none', reason: 'unknown_kid' });
});

t.test('J67 the id of a key that must not verify costs no look-up', async (t) => {
  const { publish, fetches, find } = staged(t, 'a set');
  publish({ ...rotated, jwk: { ...rotated.jwk, use: 'enc' } });
  await find('held', 'b');
  for (let n = 0; n < 20; n += 1) {
    t.match(await find('rotated', 'b'), { outcome: 'none', reason: 'unknown_kid' });
  }
  t.equal(fetches(), 1);
});

function staged(t: Test, mode: 'a set' | 'single keys') {
  let keys: readonly SigningKey[] = [held];
  let fetches = 0;
  const time = createFakeTime();
  const policy = issuerPolicy({
    keys:
      mode === 'a set'
        ? { from: 'url', url: 'https://issuer.test/jwks', form: 'jwks' }
        : { from: 'each', template: 'https://issuer.test/{kid}' },
  });
  const transport = {
    fetch: (url: string) => {
      fetches += 1;
      if (mode === 'a set') {
        return Promise.resolve({
          ok: true as const,
          maxAge: null,
          document: { keys: keys.map(({ jwk }) => jwk) },
        });
      }
      const key = keys.find(({ jwk }) => url.endsWith(`/${jwk.kid}`));
      if (key !== undefined) {
        const pem = key.publicKey.export({ type: 'spki', format: 'pem' });
        return Promise.resolve({ ok: true as const, maxAge: null, document: { pem } });
      }
      const failure = { kind: 'status' as const, status: 404, url, cause: 'answered with status 404' };
      return Promise.resolve({ ok: false as const, answered: true, cause: failure.cause, failure });
    },
    close: () => {},
  };
  const set = createKeySet(policy, { ...time, log: recordLog(), transport, random: () => 0 });
  t.teardown(() => set.close());
  return {
    set,
    time,
    publish: (...more: readonly SigningKey[]) => {
      keys = [held, ...more];
    },
    fetches: () => fetches,
    find: (kid: string, network: string) => set.find(kid, 'ES256', time.now(), from(network)),
  };
}
