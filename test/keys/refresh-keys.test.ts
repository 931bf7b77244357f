/** Keys over outages and restarts, as the log and the status tell it; the clock moves only when a test says so. */
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Fetched } from '../../src/keys/fetch-keys.ts';
import { createKeySet } from '../../src/keys/key-set.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { createFakeTime, type FakeTime, recordLog, until } from '../fixtures/fake-time.ts';
import { issuerPolicy, refreshDefaults } from '../fixtures/issuer-policy.ts';
import { createIssuer, type TestIssuer } from '../fixtures/tokens.ts';

const a = await createIssuer({ kid: 'a' });
const b = await createIssuer({ kid: 'b' });
const URL_OF_KEYS = 'https://issuer.test/jwks';
const HOUR = 3_600_000;
const down: Fetched = {
  ok: false,
  answered: true,
  cause: 'answered with status 500',
  failure: { kind: 'status', status: 500, url: URL_OF_KEYS, cause: 'answered with status 500' },
};

/** One process of a gateway; several share the time and the file. */
function startProcess(
  time: FakeTime,
  refresh: Partial<IssuerPolicy['refresh']> = {},
  more: Partial<IssuerPolicy> = {},
) {
  const log = recordLog();
  const source = { answer: down, fetches: 0 };
  const withdrawals: (string | null)[][] = [];
  const policy = issuerPolicy({
    keys: { from: 'url', url: URL_OF_KEYS, form: 'jwks' },
    refresh: { ...refreshDefaults, ...refresh },
    ...more,
  });
  const set = createKeySet(policy, {
    ...time,
    log,
    random: () => 0.5,
    transport: {
      fetch: async () => {
        source.fetches += 1;
        return source.answer;
      },
      close: () => {},
    },
    onWithdrawal: (name, kids) => {
      // The new table is in force already.
      for (const kid of kids) t.not(set.generationAt(time.now()), 0, `${name} ${kid}`);
      withdrawals.push([...kids]);
    },
  });
  const attempt = async (): Promise<void> => {
    const before = source.fetches;
    await time.advance(time.next() ?? 0);
    await until(() => source.fetches > before && set.status(time.now()).nextTryAt !== null);
  };
  return { set, log, source, withdrawals, attempt };
}

function served(...issuers: readonly TestIssuer[]): Fetched {
  return { ok: true, maxAge: null, document: { keys: issuers.map(({ jwk }) => jwk) } };
}

function fileIn(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-refresh-'));
  // A write that is under way may still put a file into it.
  t.teardown(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 }));
  return join(directory, 'corp.json');
}

/** A process that fetched the given keys and ended. */
async function lived(time: FakeTime, cacheFile: string, ...issuers: readonly TestIssuer[]): Promise<void> {
  const { set, source } = startProcess(time, { cacheFile });
  source.answer = served(...issuers);
  await set.find('a', 'ES256', time.now());
  await until(() => readIfThere(cacheFile).includes('"obtained"'));
  set.close();
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

t.test(
  'a defect of ours after a fetch is a failed attempt, and ends neither the process nor the refreshes',
  async (t) => {
    const time = createFakeTime();
    let documents = [a, b];
    let fetches = 0;
    const transport = {
      fetch: async (): Promise<Fetched> => {
        fetches += 1;
        return { ok: true, maxAge: null, document: { keys: documents.map((issuer) => issuer.jwk) } };
      },
      close: () => {},
    };
    const onWithdrawal = (): void => {
      throw new Error('defect');
    };
    const policy = issuerPolicy({ keys: { from: 'url', url: URL_OF_KEYS, form: 'jwks' } });
    const log = recordLog();
    const set = createKeySet(policy, { ...time, log, transport, onWithdrawal, random: () => 0.5 });
    await set.find('a', 'ES256', time.now());
    documents = [a];
    await time.advance(time.next() ?? 0);
    await until(() => set.status(time.now()).failures === 1);
    t.match(set.status(time.now()), { state: 'stale', cause: 'defect', keys: 1 });
    t.equal(fetches, 2);
    await time.advance(20_000);
    await until(() => set.status(time.now()).failures === 0);
    t.equal(fetches, 3);
    set.close();
  },
);

t.test('K22 a restart while the provider is down goes on with the keys that were kept', async (t) => {
  const time = createFakeTime();
  const cacheFile = fileIn(t);
  await lived(time, cacheFile, a, b);
  const obtainedAt = time.now();
  time.jump(2 * HOUR);
  const { set, log, source, attempt } = startProcess(time, { cacheFile });
  t.match(await set.find('a', 'ES256', time.now()), { outcome: 'found', keys: [{ kid: 'a' }] });
  t.match(set.status(time.now()), {
    ready: true,
    state: 'stale',
    keys: 2,
    obtainedAt,
    usableUntil: obtainedAt + 24 * HOUR,
    failures: 1,
    failure: { kind: 'status', status: 500, url: URL_OF_KEYS },
    counts: { attempts: 1, failures: 1, stale: 1, withdrawn: 0 },
  });
  t.match(log.lines, [
    {
      level: 'warn',
      fields: { issuer: 'corp', file: cacheFile, kids: ['a', 'b'], keys_age_s: 7200 },
      message: /cache_file/,
    },
    { level: 'warn', fields: { failures: 1, keys_age_s: 7200 }, message: /the old ones are used/ },
  ]);
  t.match(
    await set.find('new', 'ES256', time.now()),
    { outcome: 'unavailable' },
    'nobody can tell of others',
  );
  t.match(await attempt(), undefined, 'attempts go on');
  t.match(set.status(time.now()), { state: 'stale', failures: 2 });
  source.answer = served(a, b);
  await attempt();
  t.match(set.status(time.now()), { state: 'fresh', failures: 0, failure: null, cause: null });
});

t.test(
  'T45 keys that were kept and are withdrawn meanwhile go as soon as the provider answers',
  async (t) => {
    const time = createFakeTime();
    const cacheFile = fileIn(t);
    await lived(time, cacheFile, a, b);
    const { set, source, withdrawals, attempt } = startProcess(time, { cacheFile });
    await set.find('a', 'ES256', time.now());
    const generation = set.generationAt(time.now());
    source.answer = served(b);
    await attempt();
    t.not(set.generationAt(time.now()), generation);
    t.same(withdrawals, [['a']]);
    t.same(
      set.find('a', 'ES256', time.now()),
      { outcome: 'none', reason: 'unknown_kid' },
      'without asking again',
    );
    t.equal(set.status(time.now()).counts.withdrawn, 1);
    await until(() => !readIfThere(cacheFile).includes('"kid":"a"'));
    t.match(JSON.parse(readFileSync(cacheFile, 'utf8')), { document: { keys: [{ kid: 'b' }] } });
  },
);

t.test('kept keys are not read while the provider answers, nor when keys are held', async (t) => {
  const time = createFakeTime();
  const cacheFile = fileIn(t);
  await lived(time, cacheFile, a);
  const { set, source, log, attempt } = startProcess(time, { cacheFile });
  source.answer = served(b);
  t.match(await set.find('b', 'ES256', time.now()), { outcome: 'found' });
  await until(() => readIfThere(cacheFile).includes('"kid":"b"'));
  await lived(time, cacheFile, a);
  source.answer = down;
  await attempt();
  t.match(set.status(time.now()), { state: 'stale', keys: 1 });
  t.match(set.find('b', 'ES256', time.now()), { outcome: 'found' });
  t.notOk(log.lines.some(({ message }) => /cache_file/.test(message)));
});

t.test('kept keys are as old as they are: max_stale counts from when they were obtained', async (t) => {
  const time = createFakeTime();
  const cacheFile = fileIn(t);
  await lived(time, cacheFile, a);
  time.jump(23 * HOUR);
  const { set, log } = startProcess(time, { cacheFile });
  t.match(await set.find('a', 'ES256', time.now()), { outcome: 'found' });
  await time.advance(HOUR);
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
  await time.advance(1);
  t.match(set.status(time.now()), { state: 'expired', keys: 0, ready: true });
  t.match(await set.find('a', 'ES256', time.now()), { outcome: 'unavailable' });
  const told = log.lines.filter(({ message }) => /too old/.test(message));
  t.match(told, [{ level: 'error', fields: { issuer: 'corp', keys_age_s: 24 * 3600 } }]);
  await time.advance(HOUR);
  t.equal(log.lines.filter(({ message }) => /too old/.test(message)).length, 1, 'once');
  set.close();
  t.equal(time.next(), null);
});

t.test(
  'S19 keys that are too old when the first attempt fails are told as such, once in each outage',
  async (t) => {
    const time = createFakeTime();
    const { set, log, source, attempt } = startProcess(time, { maxStale: HOUR });
    const told = () => log.lines.filter(({ message }) => /too old/.test(message)).length;
    for (const outage of [1, 2]) {
      source.answer = served(a);
      await set.find('a', 'ES256', time.now());
      t.match(set.status(time.now()), { state: 'fresh' });
      source.answer = down;
      time.jump(2 * HOUR);
      await attempt();
      await attempt();
      t.match(set.status(time.now()), { state: 'expired' });
      t.equal(told(), outage);
      source.answer = served(a);
      await attempt();
    }
    set.close();
  },
);

const UNUSED: readonly [name: string, content: (kept: string) => string, reason: RegExp][] = [
  ['broken', (kept) => kept.slice(1), /not a file of kept keys/],
  [
    "another issuer's",
    (kept) => kept.replace('https://issuer.test"', 'https://other.test"'),
    /another issuer/,
  ],
  ['with a shared secret for a key', (kept) => kept.replace('"kty":"EC"', '"kty":"oct"'), /no usable key/],
  ['of private keys', (kept) => kept.replace('"kty":"EC"', '"kty":"EC","d":"AAAA"'), /no usable key/],
];
for (const [name, content, reason] of UNUSED) {
  t.test(`a file that is ${name} is told once and not used`, async (t) => {
    const time = createFakeTime();
    const cacheFile = fileIn(t);
    await lived(time, cacheFile, a);
    writeFileSync(cacheFile, content(readFileSync(cacheFile, 'utf8')));
    const { set, log, attempt } = startProcess(time, { cacheFile });
    t.match(await set.find('a', 'ES256', time.now()), { outcome: 'unavailable' });
    t.match(set.status(time.now()), { ready: false, state: 'waiting', keys: 0, obtainedAt: null });
    await attempt();
    const told = log.lines.filter(({ message }) => /cache_file is not used/.test(message));
    t.match(told, [{ level: 'warn', fields: { issuer: 'corp', file: cacheFile, reason } }]);
    t.equal(told.length, 1);
    set.close();
  });
}

const FORMS: readonly [name: string, document: object, more: Partial<IssuerPolicy>, kept: object][] = [
  [
    'a SPIFFE bundle, without what is not for tokens',
    {
      keys: [
        { ...a.jwk, use: 'x509-svid' },
        { ...a.jwk, use: 'jwt-svid' },
      ],
      spiffe_sequence: 7,
    },
    { profile: 'spiffe', issuers: ['spiffe://example.org'] },
    { keys: [{ kid: 'a', use: 'jwt-svid' }] },
  ],
  [
    'a document of certificates or keys in PEM',
    { a: spkiOf(a), none: 'not PEM' },
    { keys: { from: 'url', url: URL_OF_KEYS, form: 'certificates' } },
    { a: /PUBLIC KEY/, none: undefined },
  ],
];
for (const [name, document, more, kept] of FORMS) {
  t.test(`kept and recalled in its own form: ${name}`, async (t) => {
    const time = createFakeTime();
    const cacheFile = fileIn(t);
    const first = startProcess(time, { cacheFile }, more);
    first.source.answer = { ok: true, maxAge: null, document: { ...document } };
    t.match(await first.set.find('a', 'ES256', time.now()), { outcome: 'found' });
    await until(() => readIfThere(cacheFile).endsWith('\n'));
    first.set.close();
    t.match(JSON.parse(readFileSync(cacheFile, 'utf8')).document, kept);
    const { set, source, withdrawals, attempt } = startProcess(time, { cacheFile }, more);
    t.match(await set.find('a', 'ES256', time.now()), { outcome: 'found', keys: { length: 1 } });
    t.match(set.status(time.now()), { state: 'stale', keys: 1 });
    source.answer = { ok: true, maxAge: null, document: { ...document } };
    await attempt();
    t.same(withdrawals, [], 'the same keys, so nothing is withdrawn');
    set.close();
  });
}

function spkiOf({ jwk }: TestIssuer): string {
  const key = createPublicKey({ key: JSON.parse(JSON.stringify(jwk)), format: 'jwk' });
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

t.test('an emptied SPIFFE bundle is kept as such: a restart must not bring its keys back', async (t) => {
  const time = createFakeTime();
  const cacheFile = fileIn(t);
  const more: Partial<IssuerPolicy> = { profile: 'spiffe', issuers: ['spiffe://example.org'] };
  const first = startProcess(time, { cacheFile }, more);
  first.source.answer = { ok: true, maxAge: null, document: { keys: [{ ...a.jwk, use: 'jwt-svid' }] } };
  await first.set.find('a', 'ES256', time.now());
  first.source.answer = { ok: true, maxAge: null, document: { keys: [] } };
  await first.attempt();
  await until(() => readIfThere(cacheFile).includes('"keys":[]'));
  t.same(first.withdrawals, [['a']]);
  first.set.close();
  const { set } = startProcess(time, { cacheFile }, more);
  t.match(await set.find('a', 'ES256', time.now()), { outcome: 'unavailable' });
  t.match(set.status(time.now()), { ready: true, state: 'stale', keys: 0 });
  set.close();
});

t.test('algorithms that the policy no longer allows are not recalled', async (t) => {
  const time = createFakeTime();
  const cacheFile = fileIn(t);
  await lived(time, cacheFile, a);
  const { set } = startProcess(time, { cacheFile }, { algorithms: ['RS256'] });
  t.match(await set.find('a', 'ES256', time.now()), { outcome: 'unavailable' });
  set.close();
});

t.test(
  'S7 one line for each failed attempt, with all that is needed at night, and one for the recovery',
  async (t) => {
    const time = createFakeTime(Date.parse('2026-05-01T00:00:00Z'));
    const { set, log, source, attempt } = startProcess(time);
    source.answer = served(a);
    await set.find('a', 'ES256', time.now());
    log.lines.length = 0;
    source.answer = down;
    await attempt();
    for (let n = 0; n < 500; n += 1) {
      set.find('a', 'ES256', time.now());
      await set.find(`x${n}`, 'ES256', time.now());
    }
    await attempt();
    const common = { issuer: 'corp', url: URL_OF_KEYS, kind: 'status', status: 500, cause: /status 500/ };
    // A twentieth was taken off the interval of ten minutes.
    const held = { held_until: '2026-05-02T00:00:00.000Z' };
    t.match(log.lines, [
      { level: 'warn', fields: { ...common, ...held, failures: 1, keys_age_s: 570, next_try_s: 10 } },
      { level: 'warn', fields: { ...common, ...held, failures: 2, keys_age_s: 580, next_try_s: 20 } },
    ]);
    t.equal(log.lines.length, 2, 'whatever is asked meanwhile');
    source.answer = served(a);
    await attempt();
    t.match(log.lines.slice(2), [
      {
        level: 'info',
        fields: { issuer: 'corp', kids: ['a'], failures: 2, outage_s: 30 },
        message: 'issuer keys obtained again',
      },
    ]);
    await attempt();
    t.equal(log.lines.length, 3, 'an attempt that changes nothing is no news');
  },
);

t.test('tokens of unknown key ids are told at most once a minute, and counted', async (t) => {
  const time = createFakeTime();
  const { set, log, source } = startProcess(time, { cooldown: 1000 });
  source.answer = served(a);
  await set.find('a', 'ES256', time.now());
  const told = () => log.lines.filter(({ message }) => /no key of the id/.test(message));
  for (let n = 0; n < 20; n += 1) await set.find('x', 'ES256', time.now());
  t.match(told(), [{ level: 'info', fields: { issuer: 'corp', tokens: 1 } }]);
  await time.advance(60_000);
  await set.find('x', 'ES256', time.now());
  t.match(told().slice(1), [{ level: 'info', fields: { tokens: 20 } }], 'those since');
  t.equal(told().length, 2);
  t.match(set.status(time.now()).counts, { unknown: 21 });
  set.close();
});

t.test('counts only grow, and tell look-ups, strangers and withdrawals apart', async (t) => {
  const time = createFakeTime();
  const { set, source, attempt } = startProcess(time);
  source.answer = served(a, b);
  await set.find('a', 'ES256', time.now());
  t.same(set.status(time.now()).counts, {
    attempts: 1,
    failures: 0,
    lookUps: 0,
    unknown: 0,
    stale: 0,
    withdrawn: 0,
  });
  await set.find('x', 'ES256', time.now());
  await set.find('x', 'ES256', time.now());
  t.match(set.status(time.now()).counts, { attempts: 2, lookUps: 1, unknown: 2 });
  source.answer = served(a);
  await attempt();
  t.match(set.status(time.now()).counts, { attempts: 3, withdrawn: 1 });
  t.ok((set.status(time.now()).nextTryAt ?? 0) > time.now());
  source.answer = down;
  await attempt();
  set.find('a', 'ES256', time.now());
  t.match(set.status(time.now()).counts, { attempts: 4, failures: 1, stale: 1 });
  set.close();
});
