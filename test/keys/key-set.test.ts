import t from 'tap';
import type { Fetched, KeyTransport } from '../../src/keys/fetch-keys.ts';
import { createKeySet, type KeyLookup, type KeySet } from '../../src/keys/key-set.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { createFakeTime, type FakeTime, recordLog, until } from '../fixtures/fake-time.ts';
import { issuerPolicy, refreshDefaults } from '../fixtures/issuer-policy.ts';
import { createIssuer, serveJwks, type TestIssuer } from '../fixtures/tokens.ts';

const a = await createIssuer({ kid: 'a' });
const b = await createIssuer({ kid: 'b' });
const rs = await createIssuer({ kid: 'rs', alg: 'RS256' });
const MINUTE = 60_000;

t.test('keys are obtained by the first need and found without waiting from then on', async (t) => {
  const { set, source } = staged([a, b]);
  const looked = set.find('a', 'ES256', Date.now());
  t.ok(looked instanceof Promise);
  set.start();
  t.match(await set.find('b', 'ES256', Date.now()), { outcome: 'found' }, 'all wait for the same attempt');
  t.match(await looked, { outcome: 'found', keys: [{ kid: 'a', algorithm: 'ES256' }] });
  t.match(set.find('b', 'ES256', Date.now()), { outcome: 'found', keys: { length: 1 } });
  t.match(set.find(null, 'ES256', Date.now()), { outcome: 'found', keys: { length: 2 } });
  t.equal(source.fetches, 1);
});

t.test('J11 J66 K09 only keys that fit the algorithm are tried, four at most', async (t) => {
  const more = await Promise.all([1, 2, 3, 4, 5].map((n) => createIssuer({ kid: `k${n}` })));
  const twins = await Promise.all([1, 2, 3, 4, 5].map(() => createIssuer({ kid: 'twin' })));
  const { set, log, source } = staged([rs, ...more, ...twins]);
  t.match(await set.find(null, 'ES256', Date.now()), { outcome: 'found', keys: { length: 4 } });
  t.match(set.find('twin', 'ES256', Date.now()), { outcome: 'found', keys: { length: 4 } });
  t.same(set.find('rs', 'ES256', Date.now()), { outcome: 'none', reason: 'no_key_for_algorithm' });
  t.same(set.find(null, 'EdDSA', Date.now()), { outcome: 'none', reason: 'no_key_for_algorithm' });
  t.equal(source.fetches, 1, 'no look-up helps here');
  t.match(
    log.lines.find((line) => /share one id/.test(line.message)),
    { level: 'warn', fields: { kids: ['twin'] } },
  );
});

t.test('keys are refreshed in the background, as often as the answer asks within bounds', async (t) => {
  const { set, source, time } = staged([a]);
  await set.find('a', 'ES256', time.now());
  t.equal(time.next(), 10 * MINUTE, 'interval when the answer does not say');
  source.maxAge = MINUTE;
  await refreshOnce(source, time);
  t.equal(time.next(), MINUTE);
  source.maxAge = 1000;
  await refreshOnce(source, time);
  t.equal(time.next(), 10_000, 'cooldown at least');
  source.maxAge = 0;
  await refreshOnce(source, time);
  t.equal(time.next(), MINUTE, 'six times cooldown where the answer forbids caching');
  source.maxAge = 3_600_000;
  await refreshOnce(source, time);
  t.equal(time.next(), 10 * MINUTE, 'interval at most');
});

t.test('K05 S14 a new key works at once, with one fetch for a thousand requests', async (t) => {
  const { set, source, time } = staged([a]);
  await set.find('a', 'ES256', time.now());
  source.serve([a, b]);
  const generation = set.generationAt(time.now());
  const lookups = await Promise.all(Array.from({ length: 1000 }, () => set.find('b', 'ES256', time.now())));
  t.ok(lookups.every((lookup) => lookup.outcome === 'found'));
  t.equal(source.fetches, 2);
  t.equal(set.generationAt(time.now()), generation, 'verdicts by keys that stay are kept');
});

t.test('T45 S14 C4 a key that is withdrawn ends the generation at the next refresh', async (t) => {
  const { set, source, time, log } = staged([a, b]);
  await set.find('a', 'ES256', time.now());
  const generation = set.generationAt(time.now());
  await refreshOnce(source, time);
  t.equal(set.generationAt(time.now()), generation, 'an unchanged set is the same generation');
  source.serve([b]);
  await refreshOnce(source, time);
  t.not(set.generationAt(time.now()), generation);
  t.same(await set.find('a', 'ES256', time.now()), { outcome: 'none', reason: 'unknown_kid' });
  const told = log.lines.findLast((line) => /keys obtained/.test(line.message));
  t.match(told, { level: 'info', fields: { issuer: 'corp', withdrawn: ['a'] } });
});

t.test('a withdrawn key that serves several algorithms is told and counted once', async (t) => {
  const ed = await createIssuer({ kid: 'ed', alg: 'EdDSA' });
  const { alg: _, ...bare } = rs.jwk;
  const { set, source, time, log } = staged([a, ed, { ...rs, jwk: { ...bare } }], {}, [
    'EdDSA',
    'Ed25519',
    'RS256',
    'PS256',
    'ES256',
  ]);
  await set.find('a', 'ES256', time.now());
  source.serve([a]);
  await refreshOnce(source, time);
  const told = log.lines.findLast((line) => /keys obtained/.test(line.message));
  t.match(told, { fields: { kids: ['a'] } });
  t.strictSame(Object(told?.fields).withdrawn, ['ed', 'rs']);
  t.equal(set.status(time.now()).counts.withdrawn, 2);
});

t.test('a key for encryption is no cause for a warning', async (t) => {
  const { set, time, log, source } = staged([a, { ...rs, jwk: { ...rs.jwk, use: 'enc' } }]);
  await set.find('a', 'ES256', time.now());
  t.notOk(log.lines.some(({ level }) => level === 'warn'));
  const told = log.lines.filter(({ message }) => /for another use/.test(message));
  t.match(told, [{ level: 'info', fields: { ignored: [{ kid: 'rs', reason: 'not_for_signatures' }] } }]);
  await refreshOnce(source, time);
  t.equal(log.lines.filter(({ message }) => /for another use/.test(message)).length, 1);
});

t.test('a key replaced under its id is a withdrawal too', async (t) => {
  const { set, source, time } = staged([a]);
  await set.find('a', 'ES256', time.now());
  const generation = set.generationAt(time.now());
  source.serve([await createIssuer({ kid: 'a' })]);
  await refreshOnce(source, time);
  t.not(set.generationAt(time.now()), generation);
});

t.test('K06 an unknown key id is looked up once and then remembered', async (t) => {
  const { set, source, time } = staged([a]);
  await set.find('a', 'ES256', time.now());
  const unknown: KeyLookup = { outcome: 'none', reason: 'unknown_kid' };
  t.same(await set.find('x', 'ES256', time.now()), unknown);
  t.equal(source.fetches, 2);
  for (let times = 0; times < 20; times += 1) t.same(set.find('x', 'ES256', time.now()), unknown);
  t.equal(source.fetches, 2);
  await time.advance(30_000);
  source.serve([a, await createIssuer({ kid: 'x' })]);
  t.match(await set.find('x', 'ES256', time.now()), { outcome: 'found' }, 'not for ever');
});

t.test(
  'K06 K07 a key id that was absent is asked for again once in cooldown, however many ids there are',
  async (t) => {
    const { set, source, time } = staged([a]);
    await set.find('a', 'ES256', time.now());
    const strangers = ['x', 'y', 'z'];
    for (const kid of strangers) await set.find(kid, 'ES256', time.now());
    t.equal(source.fetches, 4);
    for (let round = 1; round <= 5; round += 1) {
      await time.advance(9999);
      for (const kid of strangers) t.match(await set.find(kid, 'ES256', time.now()), { outcome: 'none' });
      t.equal(source.fetches, 3 + round, 'the answer is young');
      await time.advance(1);
      for (const kid of strangers) t.match(await set.find(kid, 'ES256', time.now()), { outcome: 'none' });
      t.equal(source.fetches, 4 + round, 'one for all');
    }
    source.serve([a, await createIssuer({ kid: 'z' })]);
    await time.advance(10_000);
    t.match(
      await set.find('z', 'ES256', time.now()),
      { outcome: 'found' },
      'published later, found after cooldown',
    );
    for (const kid of ['n1', 'n2', 'n3', 'n4']) await set.find(kid, 'ES256', time.now());
    t.equal(source.fetches, 14, 'ids that are new had the whole bucket still');
  },
);

t.test('a key put under an id that is held is found when the set has aged, one fetch for all', async (t) => {
  const { set, source, time } = staged([a]);
  const old = await foundKeys(set, 'a', time);
  t.same(await set.findUntried('a', 'ES256', old), []);
  t.equal(source.fetches, 2, 'one may come early');
  source.serve([await createIssuer({ kid: 'a' })]);
  t.same(await set.findUntried('a', 'ES256', old), [], 'the answer is young');
  t.equal(source.fetches, 2);
  await time.advance(10_000);
  const untried = await Promise.all(Array.from({ length: 500 }, () => set.findUntried('a', 'ES256', old)));
  t.ok(untried.every(([key, ...rest]) => key?.kid === 'a' && !old.includes(key) && rest.length === 0));
  t.equal(source.fetches, 3);
  const tried = untried[0] ?? [];
  t.same(await set.findUntried('a', 'ES256', tried), [], 'none beside these');
  await time.advance(10_000);
  t.same(await set.findUntried('a', 'ES256', tried), [], 'the same again is not another');
  t.equal(source.fetches, 4);
  source.fail('answered with status 500');
  await time.advance(10_000);
  for (let n = 0; n < 50; n += 1) t.same(await set.findUntried('a', 'ES256', tried), []);
  t.equal(source.fetches, 5, 'a flood while the source fails waits with all others');
  set.close();
  await time.advance(60_000);
  t.same(await set.findUntried('a', 'ES256', tried), []);
  t.equal(source.fetches, 5);
});

t.test('a key exchanged a moment after it was fetched is found at once, one time in a minute', async (t) => {
  const { set, source, time } = staged([a]);
  const old = await foundKeys(set, 'a', time);
  source.serve([await createIssuer({ kid: 'a' })]);
  const untried = await Promise.all(Array.from({ length: 40 }, () => set.findUntried('a', 'ES256', old)));
  t.ok(untried.every(({ length }) => length === 1));
  t.equal(source.fetches, 2);
  const tried = [...(untried[0] ?? [])];
  source.serve([a]);
  const asked: number[] = [];
  for (let moment = 0; moment <= 59; moment += 1) {
    for (let n = 0; n < 10; n += 1) await set.findUntried('a', 'ES256', tried);
    asked.push(source.fetches);
    tried.splice(0, tried.length, ...(await foundKeys(set, 'a', time)));
    await time.advance(1000);
  }
  t.equal(source.fetches, 7, 'then once in cooldown, under a flood too');
  t.strictSame(asked.slice(0, 11), [...Array(10).fill(2), 3]);
});

t.test('an id whose key was exchanged for one of another kind is found when the set has aged', async (t) => {
  const { set, source, time } = staged([a]);
  await set.find('a', 'ES256', time.now());
  source.serve([await createIssuer({ kid: 'a', alg: 'RS256' })]);
  const unfit: KeyLookup = { outcome: 'none', reason: 'no_key_for_algorithm' };
  t.same(set.find('a', 'RS256', time.now()), unfit);
  await time.advance(10_000);
  t.match(await set.find('a', 'RS256', time.now()), { outcome: 'found' });
  t.same(set.find(null, 'ES256', time.now()), unfit);
  t.equal(source.fetches, 2);
  source.serve([a]);
  await time.advance(10_000);
  t.match(await set.find(null, 'ES256', time.now()), { outcome: 'found' }, 'so too without an id');
});

t.test('K07 S6 a flood of key ids costs four look-ups and one more each cooldown', async (t) => {
  const { set, source, time } = staged([a]);
  await set.find('a', 'ES256', time.now());
  for (let n = 0; n < 4; n += 1) t.match(await set.find(`x${n}`, 'ES256', time.now()), { outcome: 'none' });
  const overasked = { outcome: 'unavailable', retryAfter: 10, cause: /too many key ids/ };
  for (let n = 4; n < 100; n += 1) t.match(await set.find(`x${n}`, 'ES256', time.now()), overasked);
  t.match(
    await set.find('x0', 'ES256', time.now()),
    { outcome: 'none' },
    'what was looked up is known absent',
  );
  t.equal(source.fetches, 5);
  await time.advance(9000);
  const waiting = Array.from({ length: 300 }, (_, n) => set.find(`y${n}`, 'ES256', time.now()));
  t.equal(source.fetches, 5, 'the next one is a second away');
  source.serve([a, await createIssuer({ kid: 'y7' }), await createIssuer({ kid: 'y299' })]);
  await time.advance(1000);
  const lookups = await Promise.all(waiting);
  t.match(lookups[7], { outcome: 'found' }, 'those who waited for it share it');
  t.match(lookups[8], { outcome: 'none', reason: 'unknown_kid' });
  t.match(lookups[299], { outcome: 'unavailable', retryAfter: 1 }, 'at most 256 requests wait');
  t.equal(source.fetches, 6);
  t.match(await set.find('z', 'ES256', time.now()), { outcome: 'unavailable', retryAfter: 10 });
  t.equal(source.fetches, 6, 'the one that was waited for is spent');
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
});

t.test('a fetch that began before a key id was seen does not prove it absent', async (t) => {
  const { set, source, time } = staged([a]);
  await set.find('a', 'ES256', time.now());
  source.hold();
  const first = set.find('x', 'ES256', time.now());
  await until(() => source.fetches === 2);
  const second = set.find('b', 'ES256', time.now());
  // The answer under way was made before b was published.
  source.release([a]);
  source.serve([a, b]);
  t.match(await second, { outcome: 'found' });
  t.match(await first, { outcome: 'none' });
  t.equal(source.fetches, 3);
});

t.test('K08 S7 an unknown key id while the source fails is 503, and known keys go on', async (t) => {
  const { set, source, time } = staged([a]);
  await set.find('a', 'ES256', time.now());
  source.fail('answered with status 500');
  t.match(await set.find('x', 'ES256', time.now()), {
    outcome: 'unavailable',
    retryAfter: 10,
    cause: /status 500/,
  });
  t.equal(source.fetches, 2);
  for (let n = 0; n < 50; n += 1)
    t.match(await set.find(`x${n}`, 'ES256', time.now()), { outcome: 'unavailable' });
  t.equal(source.fetches, 2, 'nothing is asked before the pause is over');
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
  t.match(set.status(time.now()), { state: 'stale', ready: true, failures: 1, cause: /status 500/ });
  await time.advance(10_000);
  t.equal(source.fetches, 3);
  await time.advance(20_000);
  t.equal(source.fetches, 4, 'pauses double');
  await time.advance(9999);
  t.match(await set.find('x', 'ES256', time.now()), { outcome: 'unavailable', retryAfter: 1 });
  t.equal(source.fetches, 4);
  await time.advance(1);
  t.match(await set.find('x', 'ES256', time.now()), { outcome: 'unavailable' });
  t.equal(source.fetches, 5, 'who needs a new key waits for cooldown at most, not for the background');
  source.serve([a, await createIssuer({ kid: 'x' })]);
  await refreshOnce(source, time);
  t.match(await set.find('x', 'ES256', time.now()), { outcome: 'found' });
  t.match(set.status(time.now()), { state: 'fresh', failures: 0, cause: null });
});

t.test('K22 S8 a source that is down at start is 503, and comes up by itself', async (t) => {
  const { set, source, time, log } = staged([a]);
  source.fail('ECONNREFUSED');
  set.start();
  await until(() => set.status(time.now()).failures === 1);
  t.match(set.status(time.now()), { ready: false, state: 'waiting', keys: 0 });
  t.match(await set.find('a', 'ES256', time.now()), {
    outcome: 'unavailable',
    retryAfter: 1,
    cause: /ECONNREFUSED/,
  });
  t.equal(set.generationAt(time.now()), -1);
  t.match(log.lines, [{ level: 'error', fields: { issuer: 'corp', failures: 1 } }]);
  await time.advance(1000);
  await time.advance(2000);
  t.equal(source.fetches, 3);
  source.serve([a]);
  await refreshOnce(source, time);
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
  t.match(set.status(time.now()), { ready: true, state: 'fresh', keys: 1 });
});

t.test('K04 S19 old keys serve until max_stale, then nothing does until the source is back', async (t) => {
  const { set, source, time, log } = staged([a], { maxStale: 3_600_000 });
  await set.find('a', 'ES256', time.now());
  source.fail('timeout');
  await time.advance(3_600_000);
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
  t.equal(set.generationAt(time.now()), 0);
  await time.advance(2 * MINUTE);
  t.match(await set.find('a', 'ES256', time.now()), { outcome: 'unavailable', cause: /timeout/ });
  t.equal(set.generationAt(time.now()), -1, 'cached verdicts rest as well');
  t.match(set.status(time.now()), { state: 'expired', ready: true, keys: 0 });
  t.match(log.lines.at(-1), { level: 'error' });
  source.serve([a]);
  await refreshOnce(source, time);
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
  t.equal(set.generationAt(time.now()), 0, 'and hold again');
});

t.test('J47 after a step of the clock keys are fetched anew instead of answering 503', async (t) => {
  const { set, source, time } = staged([a]);
  await set.find('a', 'ES256', time.now());
  time.jump(3_600_000 * 48);
  t.match(await set.find('a', 'ES256', time.now()), { outcome: 'found' });
  t.equal(source.fetches, 2);
  time.jump(-3_600_000 * 48);
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
});

t.test('K13 S5 a set without a usable key never replaces a good one', async (t) => {
  const { set, source, time, log } = staged([a]);
  await set.find('a', 'ES256', time.now());
  const useless: readonly unknown[] = [
    [],
    {},
    'keys',
    null,
    [null],
    [{ kty: 'oct', k: 'c2VjcmV0' }],
    Array(101).fill(a.jwk),
  ];
  for (const keys of useless) {
    source.answer({ ok: true, maxAge: null, document: { keys } });
    const failures = set.status(time.now()).failures;
    await refreshOnce(source, time);
    t.equal(set.status(time.now()).failures, failures + 1, JSON.stringify(keys)?.slice(0, 40));
    t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
  }
  const named = log.lines.find((line) => /not used/.test(line.message));
  t.match(named, { level: 'warn', fields: { ignored: [{ index: 0, reason: 'not_an_object' }] } });
});

t.test('members that are left out are logged once, not at every refresh', async (t) => {
  const { set, source, time, log } = staged([]);
  source.answer({
    ok: true,
    maxAge: null,
    document: { keys: [a.jwk, { kty: 'oct', kid: 's', k: 'c2VjcmV0' }] },
  });
  await set.find('a', 'ES256', time.now());
  await refreshOnce(source, time);
  const warnings = log.lines.filter((line) => /not used/.test(line.message));
  t.equal(warnings.length, 1);
  t.notMatch(JSON.stringify(log.lines), /c2VjcmV0/, 'without the secret');
});

t.test(
  'discovered metadata is read again at each refresh, not at each look-up, and after a failure',
  async (t) => {
    const asked: string[] = [];
    const issuer = 'https://issuer.test';
    let broken = false;
    const transport: KeyTransport = {
      fetch: async (url) => {
        asked.push(url.replace(/^https:\/\/[^/]*/, ''));
        if (url.endsWith('/jwks') && broken)
          return { ok: false, answered: true, cause: 'answered with status 404' };
        const document = url.endsWith('/jwks') ? { keys: [a.jwk] } : { issuer, jwks_uri: `${issuer}/jwks` };
        return { ok: true, maxAge: null, document };
      },
      close: () => {},
    };
    const time = createFakeTime();
    const policy = issuerPolicy({ keys: { from: 'discovery', url: null } });
    const set = createKeySet(policy, { ...time, log: recordLog(), transport, random: () => 0 });
    const metadata = '/.well-known/oauth-authorization-server';
    await set.find('a', 'ES256', time.now());
    await set.find('x', 'ES256', time.now());
    t.same(asked.splice(0), [metadata, '/jwks', '/jwks']);
    await time.advance(10 * MINUTE);
    await until(() => asked.length === 2);
    t.same(asked.splice(0), [metadata, '/jwks']);
    broken = true;
    await set.find('y', 'ES256', time.now());
    broken = false;
    await time.advance(10_000);
    t.same(asked.splice(0), ['/jwks', metadata, '/jwks'], 'the address may have moved');
    set.close();
  },
);

t.test('keys of the policy itself are there for good and ask nobody', async (t) => {
  const time = createFakeTime();
  const jwks = JSON.parse(JSON.stringify(a.jwks));
  const set = createKeySet(issuerPolicy({ keys: { from: 'static', document: jwks, form: 'jwks' } }), {
    ...time,
    log: recordLog(),
  });
  t.match(await set.find('a', 'ES256', time.now()), { outcome: 'found' });
  await time.advance(100 * 86_400_000);
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
  t.same(set.find('x', 'ES256', time.now()), { outcome: 'none', reason: 'unknown_kid' });
  t.equal(time.next(), null);
});

t.test('K16 a secret serves any key id, for the algorithms that it is long enough for', async (t) => {
  const deps = { ...createFakeTime(), log: recordLog() };
  const policy = (bytes: number) =>
    issuerPolicy({
      keys: { from: 'secret', secret: Buffer.alloc(bytes, 1) },
      algorithms: ['HS256', 'HS512'],
    });
  const set = createKeySet(policy(32), deps);
  t.match(await set.find('any', 'HS256', deps.now()), { outcome: 'found', keys: { length: 1 } });
  t.match(set.find(null, 'HS256', deps.now()), { outcome: 'found' });
  t.match(set.find('any', 'HS512', deps.now()), { outcome: 'none' });
  t.match(await createKeySet(policy(31), deps).find('any', 'HS256', deps.now()), { outcome: 'unavailable' });
});

t.test('closing ends timers and whoever waits', async (t) => {
  const { set, source, time } = staged([a]);
  await set.find('a', 'ES256', time.now());
  for (let n = 0; n < 4; n += 1) await set.find(`x${n}`, 'ES256', time.now());
  await time.advance(9000);
  const waiting = set.find('y', 'ES256', time.now());
  set.close();
  t.match(await waiting, { outcome: 'unavailable' });
  t.equal(time.next(), null);
  t.equal(source.closed, true);
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' }, 'requests under way still end well');
});

t.test('S8 over real sockets: down at start, up later, then a redirect changes nothing', async (t) => {
  const server = await serveJwks(t, a.jwks);
  await server.stop();
  const refresh = { ...refreshDefaults, cooldown: 20, interval: 50 };
  const policy = issuerPolicy({ keys: { from: 'url', url: server.url, form: 'jwks' }, refresh });
  const set = createKeySet(policy, { now: Date.now, log: recordLog() });
  t.teardown(() => set.close());
  t.match(await set.find('a', 'ES256', Date.now()), { outcome: 'unavailable', retryAfter: 1 });
  await server.restart();
  await until(() => set.status(Date.now()).ready);
  t.match(set.find('a', 'ES256', Date.now()), { outcome: 'found' });
  const elsewhere = await serveJwks(t, b.jwks);
  server.answer((_, response) => void response.writeHead(302, { location: elsewhere.url }).end());
  await until(() => set.status(Date.now()).state === 'stale');
  t.match(set.find('a', 'ES256', Date.now()), { outcome: 'found' });
  t.same(elsewhere.asked, []);
});

/** A key source that a test commands. */
interface Source extends KeyTransport {
  fetches: number;
  maxAge: number | null;
  closed: boolean;
  serve(issuers: readonly TestIssuer[]): void;
  fail(cause: string): void;
  answer(fetched: Fetched): void;
  /** Keeps the next answer back until it is released with the given keys. */
  hold(): void;
  release(issuers: readonly TestIssuer[]): void;
}

function createSource(first: readonly TestIssuer[]): Source {
  let current = documentOf(first);
  let held: PromiseWithResolvers<Fetched> | null = null;
  const source: Source = {
    fetches: 0,
    maxAge: null,
    closed: false,
    fetch: () => {
      source.fetches += 1;
      if (held !== null) return held.promise;
      return Promise.resolve(current.ok ? { ...current, maxAge: source.maxAge } : current);
    },
    close: () => {
      source.closed = true;
    },
    serve: (issuers) => {
      current = documentOf(issuers);
    },
    fail: (cause) => {
      current = { ok: false, answered: true, cause };
    },
    answer: (fetched) => {
      current = fetched;
    },
    hold: () => {
      held = Promise.withResolvers<Fetched>();
    },
    release: (issuers) => {
      held?.resolve(documentOf(issuers));
      held = null;
    },
  };
  return source;
}

function documentOf(issuers: readonly TestIssuer[]): Fetched {
  return { ok: true, maxAge: null, document: { keys: issuers.map((issuer) => issuer.jwk) } };
}

function staged(
  issuers: readonly TestIssuer[],
  refresh: Partial<IssuerPolicy['refresh']> = {},
  algorithms: readonly string[] = issuerPolicy().algorithms,
) {
  const source = createSource(issuers);
  const time = createFakeTime();
  const log = recordLog();
  const policy = issuerPolicy({
    keys: { from: 'url', url: 'https://issuer.test/jwks', form: 'jwks' },
    refresh: { ...refreshDefaults, ...refresh },
    algorithms,
  });
  // 0.5 spreads pauses not at all; a tenth off the interval would only blur the numbers.
  const random = (): number => (source.fetches > 0 && set.status(time.now()).failures > 0 ? 0.5 : 0);
  const set: KeySet = createKeySet(policy, { ...time, log, transport: source, random });
  return { set, source, time, log };
}

async function foundKeys(set: KeySet, kid: string, time: FakeTime) {
  const lookup = await set.find(kid, 'ES256', time.now());
  return lookup.outcome === 'found' ? lookup.keys : [];
}

/** Lets the next planned attempt happen and end. */
async function refreshOnce(source: Source, time: FakeTime): Promise<void> {
  const before = source.fetches;
  await time.advance(time.next() ?? 0);
  await until(() => source.fetches > before && time.next() !== null);
}
