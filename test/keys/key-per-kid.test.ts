import t, { type Test } from 'tap';
import type { Fetched, KeyTransport } from '../../src/keys/fetch-keys.ts';
import { createKeySet, type KeyLookup, type KeySet } from '../../src/keys/key-set.ts';
import { keyAddress } from '../../src/keys/single-keys.ts';
import { createFakeTime, type FakeTime, recordLog } from '../fixtures/fake-time.ts';
import { issuerPolicy, refreshDefaults } from '../fixtures/issuer-policy.ts';
import { createSigningKey, type SigningKey } from '../fixtures/token-signer.ts';

const MINUTE = 60_000;
const TEMPLATE = 'https://keys.test/{kid}';
const UNKNOWN: KeyLookup = { outcome: 'none', reason: 'unknown_kid' };
const a = createSigningKey('ES256', 'a');
const b = createSigningKey('ES256', 'b');
const weak = createSigningKey('RS256', 'weak', 1024);

t.test('a key is fetched when a token names it, once for all who ask, and then held', async (t) => {
  const { set, source } = staged(t, { a, b });
  t.match(set.status(0), { ready: true, state: 'fresh', keys: 0, obtainedAt: null });
  const lookups = await Promise.all(Array.from({ length: 100 }, () => set.find('a', 'ES256', Date.now())));
  t.ok(lookups.every((lookup) => lookup.outcome === 'found'));
  t.same(source.asked, ['https://keys.test/a']);
  t.match(set.find('a', 'ES256', Date.now()), { outcome: 'found', keys: [{ kid: 'a', algorithm: 'ES256' }] });
  t.same(set.find('a', 'RS256', Date.now()), { outcome: 'none', reason: 'no_key_for_algorithm' });
  t.match(await set.find('b', 'ES256', Date.now()), { outcome: 'found', keys: [{ kid: 'b' }] });
  t.equal(source.asked.length, 2);
  t.match(set.status(0), { keys: 2, counts: { attempts: 2, failures: 0 } });
});

t.test('J65 only ids of a harmless grammar become part of an address', async (t) => {
  const { set, source } = staged(t, {});
  const bad = [
    '',
    '.',
    '..',
    '...',
    '../a',
    'a/b',
    'a%2fb',
    'a?b',
    'a#b',
    'a b',
    'a\nb',
    'a@b',
    'a:b',
    '\u00e9',
    '{kid}',
    'x'.repeat(129),
  ];
  for (const kid of [...bad, null]) t.same(set.find(kid, 'ES256', Date.now()), UNKNOWN, String(kid));
  t.same(source.asked, [], 'nobody is asked');
  for (const kid of ['a', '.a', 'a..b', '-', '_', 'x'.repeat(128)]) {
    t.equal(keyAddress(TEMPLATE, kid), `https://keys.test/${kid}`);
  }
  t.equal(keyAddress('https://keys.test/a/{kid}.pem?v=$1', '..a'), 'https://keys.test/a/..a.pem?v=$1');
});

t.test('K06 an id that the source does not know is 401, and remembered for a while', async (t) => {
  for (const status of [404, 403, 400, 410]) {
    const { set, source, time } = staged(t, {});
    source.status = status;
    t.same(await set.find('a', 'ES256', time.now()), UNKNOWN, String(status));
    for (let n = 0; n < 20; n += 1) t.same(set.find('a', 'ES256', time.now()), UNKNOWN);
    t.equal(source.asked.length, 1);
    source.keys.set('a', a);
    await time.advance(30_000);
    t.match(await set.find('a', 'ES256', time.now()), { outcome: 'found' }, 'not for ever');
    t.match(set.status(0), { failures: 0, counts: { failures: 0 } }, 'no failure of the source');
  }
});

t.test('K07 S6 a flood of ids costs four look-ups and one more each cooldown', async (t) => {
  const { set, source, time } = staged(t, { a, b });
  await set.find('a', 'ES256', time.now());
  source.asked.length = 0;
  const flood = await Promise.all(
    Array.from({ length: 150 }, (_, n) => set.find(`x${n}`, 'ES256', time.now())),
  );
  t.equal(source.asked.length, 4);
  t.equal(flood.filter(({ outcome }) => outcome === 'none').length, 4, 'what was looked up is unknown');
  t.equal(flood.filter(({ outcome }) => outcome === 'unavailable').length, 146, 'of the rest nobody knows');
  t.match(await set.find('b', 'ES256', time.now()), {
    outcome: 'unavailable',
    retryAfter: 10,
    cause: /too many/,
  });
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' }, 'what is held goes on');
  await time.advance(10_000);
  t.match(await set.find('b', 'ES256', time.now()), { outcome: 'found' });
  for (let n = 0; n < 20; n += 1) await set.find(`y${n}`, 'ES256', time.now());
  t.equal(source.asked.length, 6, 'a key that exists cost nothing, an id that does not cost the one');
});

t.test('many keys that exist are found at once after a start', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`k${n}`, a]));
  const { set, source } = staged(t, many);
  const lookups = Object.keys(many).map((kid) => set.find(kid, 'ES256', Date.now()));
  const outcomes = (await Promise.all(lookups)).map(({ outcome }) => outcome);
  t.same(new Set(outcomes), new Set(['found']));
  t.ok(source.most <= 4, 'never more than four at a time');
});

t.test('K08 S7 a failing source is 503 with a pause for all ids, and held keys go on', async (t) => {
  const { set, source, time, log } = staged(t, { a, b });
  await set.find('a', 'ES256', time.now());
  source.status = 500;
  const retryAfter = 10;
  t.match(await set.find('b', 'ES256', time.now()), {
    outcome: 'unavailable',
    retryAfter,
    cause: /status 500/,
  });
  for (let n = 0; n < 20; n += 1) {
    t.match(await set.find(`x${n}`, 'ES256', time.now()), { outcome: 'unavailable' });
  }
  t.equal(source.asked.length, 2, 'nothing is asked before the pause is over');
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
  t.match(set.status(0), {
    ready: true,
    state: 'stale',
    failures: 1,
    cause: /status 500/,
    counts: { stale: 1 },
  });
  t.match(log.lines.at(-1), { level: 'warn', fields: { issuer: 'corp', kind: 'status', status: 500 } });
  source.status = 200;
  await time.advance(10_000);
  t.match(await set.find('b', 'ES256', time.now()), { outcome: 'found' });
  t.match(set.status(0), { state: 'fresh', failures: 0, cause: null });
  const over = log.lines.find(({ message }) => message === 'issuer keys can be obtained again');
  t.match(over, { level: 'info', fields: { issuer: 'corp', failures: 1, outage_s: 10 } });
});

t.test('K01 K03 silence and pages are failures, not unknown ids', async (t) => {
  const bad: readonly Fetched[] = [
    { ok: false, answered: false, cause: 'did not answer in time' },
    { ok: false, answered: true, cause: 'answered with something that is not PEM' },
    failedWith(401),
    failedWith(429),
    failedWith(302, 'redirect'),
    failedWith(403, 'proxy'),
  ];
  for (const answer of bad) {
    const { set, source } = staged(t, {});
    source.answer = answer;
    t.match(await set.find('a', 'ES256', Date.now()), { outcome: 'unavailable', retryAfter: 1 });
  }
});

t.test('K11 K12 an id whose key must not verify is unknown, and the reason is logged', async (t) => {
  const { set, log } = staged(t, { weak });
  t.same(await set.find('weak', 'RS256', Date.now()), UNKNOWN);
  t.match(log.lines[0], { level: 'warn', fields: { ignored: [{ kid: 'weak', reason: 'rsa_too_short' }] } });
});

t.test('K13 a key that must not verify never replaces a good one', async (t) => {
  const { set, source, time } = staged(t, { a });
  await set.find('a', 'ES256', time.now());
  const generation = set.generationAt(time.now());
  source.keys.set('a', weak);
  await time.advance(10 * MINUTE);
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
  t.equal(set.generationAt(time.now()), generation);
  t.match(set.status(0), { failures: 1, failure: { kind: 'body' }, cause: /holds no usable key/ });
});

t.test('held keys are refreshed in the background, as often as the answer asks within bounds', async (t) => {
  const { set, source, time } = staged(t, { a, b });
  await set.find('a', 'ES256', time.now());
  t.equal(time.next(), 10 * MINUTE);
  await time.advance(5 * MINUTE);
  source.maxAge = MINUTE;
  await set.find('b', 'ES256', time.now());
  t.equal(time.next(), MINUTE, 'that of b is due first');
  await time.advance(MINUTE);
  t.same(source.asked.slice(2), ['https://keys.test/b']);
  const generation = set.generationAt(time.now());
  await time.advance(10 * MINUTE);
  t.ok(source.asked.slice(3).includes('https://keys.test/a'));
  t.equal(set.generationAt(time.now()), generation, 'the same keys are the same generation');
});

t.test('T45 S14 a key that is gone or exchanged at a refresh ends the generation', async (t) => {
  for (const change of ['gone', 'exchanged'] as const) {
    const { set, source, time, log, withdrawn } = staged(t, { a, b });
    await set.find('a', 'ES256', time.now());
    await set.find('b', 'ES256', time.now());
    const generation = set.generationAt(time.now());
    if (change === 'gone') source.keys.delete('a');
    else source.keys.set('a', createSigningKey('ES256', 'a'));
    await time.advance(10 * MINUTE);
    t.not(set.generationAt(time.now()), generation, change);
    t.same(withdrawn, ['corp a']);
    t.match(set.status(0), { counts: { withdrawn: 1 } });
    t.ok(log.lines.some(({ fields }) => 'withdrawn' in fields && String(fields.withdrawn) === 'a'));
    t.equal((await set.find('a', 'ES256', time.now())).outcome, change === 'gone' ? 'none' : 'found');
    t.match(set.find('b', 'ES256', time.now()), { outcome: 'found' });
  }
});

t.test(
  'a held key that is refused with 403 is used until it is too old, and spoils nothing else',
  async (t) => {
    const { set, source, time, log } = staged(t, { a, b });
    await set.find('a', 'ES256', time.now());
    source.keys.delete('a');
    source.status = 403;
    await time.advance(10 * MINUTE);
    t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
    t.match(log.lines.at(-1), { level: 'warn', message: 'an issuer key is no longer given out' });
    t.match(await set.find('b', 'ES256', time.now()), { outcome: 'found' }, 'no pause');
    await time.advance(24 * 60 * MINUTE);
    t.same(await set.find('a', 'ES256', time.now()), UNKNOWN);
  },
);

t.test('K04 S19 old keys serve until max_stale while the source is down', async (t) => {
  const { set, source, time } = staged(t, { a });
  await set.find('a', 'ES256', time.now());
  const generation = set.generationAt(time.now());
  source.status = 503;
  await time.advance(23 * 60 * MINUTE);
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
  t.equal(set.generationAt(time.now()), generation);
  await time.advance(61 * MINUTE);
  t.not(set.generationAt(time.now()), generation, 'verdicts by it end too');
  t.match(await set.find('a', 'ES256', time.now()), { outcome: 'unavailable' });
  source.status = 200;
  await time.advance(MINUTE);
  t.match(await set.find('a', 'ES256', time.now()), { outcome: 'found' });
});

t.test('no more than max_keys are held; the one that was unused for longest goes first', async (t) => {
  const { set, source, time } = staged(t, { a, b, c: a }, { maxKeys: 2 });
  for (const kid of ['a', 'b', 'a', 'c']) await set.find(kid, 'ES256', time.now());
  t.equal(set.status(0).keys, 2);
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found', keys: { length: 1 } });
  source.asked.length = 0;
  await set.find('b', 'ES256', time.now());
  t.same(source.asked, ['https://keys.test/b'], 'that one was let go');
});

t.test('S14 a verdict does not outlive the key that had to go: nobody would see it withdrawn', async (t) => {
  const { set, source, time } = staged(t, { a, b, c: a }, { maxKeys: 2 });
  await set.find('a', 'ES256', time.now());
  await set.find('b', 'ES256', time.now());
  const generation = set.generationAt(time.now());
  await set.find('c', 'ES256', time.now());
  source.keys.delete('a');
  await time.advance(11 * MINUTE);
  t.notOk(source.asked.slice(3).includes('https://keys.test/a'), 'nobody asks for it any more');
  t.not(set.generationAt(time.now()), generation);
});

t.test('S6 ids whose keys push others out cost a look-up as those without a key do', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`k${n}`, a]));
  const { set, source, time } = staged(t, many, { maxKeys: 10 });
  for (const kid of Object.keys(many)) await set.find(kid, 'ES256', time.now());
  t.equal(source.asked.length, 14, 'ten found room, and four look-ups may follow each other');
  for (const kid of Object.keys(many)) await set.find(kid, 'ES256', time.now());
  t.equal(source.asked.length, 14);
  await time.advance(10_000);
  for (const kid of Object.keys(many)) await set.find(kid, 'ES256', time.now());
  t.equal(source.asked.length, 15, 'and one more each cooldown');
});

t.test('a key that no token named for max_stale is forgotten', async (t) => {
  const { set, source, time } = staged(t, { a }, { maxStale: 30 * MINUTE });
  await set.find('a', 'ES256', time.now());
  await time.advance(60 * MINUTE);
  t.equal(set.status(0).keys, 0);
  t.equal(time.next(), null, 'and nothing is fetched for it any more');
  t.ok(source.asked.length <= 5);
});

t.test('after a bad signature the key is asked for again, once in cooldown', async (t) => {
  const { set, source, time } = staged(t, { a });
  const found = await set.find('a', 'ES256', time.now());
  const tried = found.outcome === 'found' ? found.keys : [];
  source.keys.set('a', createSigningKey('ES256', 'a'));
  t.same(await set.findUntried('a', 'ES256', tried), [], 'not at once');
  await time.advance(10_000);
  const parallel = await Promise.all([1, 2, 3].map(() => set.findUntried('a', 'ES256', tried)));
  t.same(
    parallel.map((keys) => keys.length),
    [1, 1, 1],
  );
  for (let n = 0; n < 10; n += 1) await set.findUntried('a', 'ES256', tried);
  t.equal(source.asked.length, 2);
  t.same(await set.findUntried(null, 'ES256', []), []);
  t.same(await set.findUntried('b', 'ES256', []), []);
});

t.test('closing ends timers and the connections', async (t) => {
  const { set, source, time } = staged(t, { a, b });
  await set.find('a', 'ES256', time.now());
  set.close();
  t.equal(time.next(), null);
  t.equal(source.closed, true);
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' }, 'requests under way end well');
  t.match(await set.find('b', 'ES256', time.now()), { outcome: 'unavailable' });
  t.equal(source.asked.length, 1);
});

t.test('closing while a key is under way: it is not put in force, and nothing is told', async (t) => {
  const { set, time, log } = staged(t, { a });
  const looking = set.find('a', 'ES256', time.now());
  set.close();
  t.match(await looking, { outcome: 'unavailable', retryAfter: 1 });
  t.equal(set.status(time.now()).keys, 0);
  t.same(log.lines, []);
  t.equal(time.next(), null);
});

interface StagedSource extends KeyTransport {
  readonly keys: Map<string, SigningKey>;
  readonly asked: string[];
  /** For ids without a key where it is 4xx, for all where it is another one. */
  status: number;
  maxAge: number | null;
  answer: Fetched | null;
  closed: boolean;
  /** Most fetches at a time. */
  most: number;
}

function staged(t: Test, keys: Readonly<Record<string, SigningKey>>, changes = {}) {
  const source = stagedSource(keys);
  const time: FakeTime = createFakeTime();
  const log = recordLog();
  const withdrawn: string[] = [];
  const policy = issuerPolicy({
    keys: { from: 'each', template: TEMPLATE },
    refresh: { ...refreshDefaults, ...changes },
  });
  const set: KeySet = createKeySet(policy, {
    ...time,
    log,
    transport: source,
    random: () => (source.status === 500 ? 0.5 : 0),
    onWithdrawal: (name, kids) => void withdrawn.push(`${name} ${[...kids].join()}`),
  });
  t.teardown(() => set.close());
  return { set, source, time, log, withdrawn };
}

function stagedSource(keys: Readonly<Record<string, SigningKey>>): StagedSource {
  let flying = 0;
  const source: StagedSource = {
    keys: new Map(Object.entries(keys)),
    asked: [],
    status: 404,
    maxAge: null,
    answer: null,
    closed: false,
    most: 0,
    fetch: async (url) => {
      source.asked.push(url);
      flying += 1;
      source.most = Math.max(source.most, flying);
      await new Promise((resolve) => setImmediate(resolve));
      flying -= 1;
      const key = source.keys.get(url.slice(url.lastIndexOf('/') + 1));
      if (source.answer !== null) return source.answer;
      if (source.status >= 500) return failedWith(source.status);
      if (key === undefined) return failedWith(source.status);
      const pem = key.publicKey.export({ type: 'spki', format: 'pem' });
      return { ok: true, document: { pem }, maxAge: source.maxAge };
    },
    close: () => {
      source.closed = true;
    },
  };
  return source;
}

function failedWith(status: number, kind: 'status' | 'redirect' | 'proxy' = 'status'): Fetched {
  const cause = `answered with status ${status}`;
  return { ok: false, answered: true, cause, failure: { kind, status, url: TEMPLATE, cause } };
}
