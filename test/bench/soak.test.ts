/** The parts of the soak run that decide what is right: its plan, its oracle, its bounds and its slope. */
import t from 'tap';
import { createCallers } from '../../bench/soak/callers.ts';
import { residentBytes, slopeOf } from '../../bench/soak/memory.ts';
import {
  allowedFor,
  type History,
  mostAttempts,
  type Promises,
  type Question,
  stallsOf,
  type Verdict,
} from '../../bench/soak/oracle.ts';
import { OUTAGES, planRun, SIGNS_FOR } from '../../bench/soak/plan.ts';
import { startProvider } from '../../bench/soak/provider.ts';
import { Judge } from '../../bench/soak/tally.ts';

const PROMISES: Promises = { cooldown: 5000, interval: 30_000, timeout: 2000, maxStale: 90_000, slack: 1000 };
const NEVER = Number.POSITIVE_INFINITY;

t.test('a plan is the same for the same seed, and another for another', async (t) => {
  t.strictSame(planRun(20, 7), planRun(20, 7));
  t.notSame(planRun(20, 7).outages, planRun(20, 8).outages);
});

t.test('20 minutes have a new key every 20 s, every kind of outage, a long one, and floods', async (t) => {
  for (const seed of [1, 2, 3]) {
    const { length, keys, outages, floods } = planRun(20, seed);
    t.equal(length, 1_200_000);
    t.equal(keys.length, 60);
    for (const [place, { from, to, withdrawn }] of keys.entries()) {
      t.equal(from, place * SIGNS_FOR);
      t.equal(to - from, SIGNS_FOR);
      t.ok(withdrawn > to, 'kept for a while');
    }
    t.strictSame(new Set(outages.map(({ kind }) => kind)), new Set(OUTAGES));
    t.ok(outages.some(({ from, to }) => to - from > PROMISES.maxStale + PROMISES.interval));
    for (const [place, { from, to }] of outages.entries()) {
      t.ok(from < to && to < length);
      t.ok(from - (outages[place - 1]?.to ?? 0) >= 70_000, 'healthy before');
    }
    t.ok(floods.length >= 3);
    for (const flood of floods) t.notOk(outages.some(({ from, to }) => from < flood.to && to > flood.from));
  }
});

t.test('a short run has no outage', async (t) => {
  t.strictSame(planRun(1, 1).outages, []);
});

/** Keys `old` and `now` were given at 0, `now` and `next` are published at 10,000; times are milliseconds. */
function history(changes: Partial<History> = {}): History {
  return {
    sent: [{ at: 0, kids: new Set(['old', 'now']), certain: true }],
    attempts: [0],
    spent: [],
    doubts: [],
    published: new Map([
      ['old', { from: 0, to: 10_000 }],
      ['now', { from: 0, to: NEVER }],
      ['next', { from: 10_000, to: NEVER }],
    ]),
    ...changes,
  };
}

const question = (changes: Partial<Question> = {}): Question => ({
  kid: 'now',
  signer: 'now',
  wrongAudience: false,
  expires: 500_000,
  sent: 20_000,
  answered: 20_010,
  ...changes,
});
const next = { kid: 'next', signer: 'next' };
const outage = { from: 15_000, outageEnd: 25_000, to: 30_000 };
const lately = { at: 19_500, kids: new Set(['now', 'next']), certain: true };
const spentAt = (...spent: number[]): Partial<History> => ({ spent });

const flood = Array.from({ length: 50 }, (_, place) => place * 100);

const late = flood.map((at) => at + 7000);

const ANSWERS: [string, Partial<Question>, Partial<History>, Verdict[]][] = [
  ['a held key', {}, {}, ['ok']],
  ['a new key, first seen', next, {}, ['ok']],
  [
    'a new key after four guesses',
    next,
    spentAt(19_996, 19_997, 19_998, 19_999, 20_000),
    ['ok', 'invalid_token'],
  ],
  ['a new key after four guesses long ago', next, spentAt(1, 2, 3, 4, 20_000), ['ok']],
  [
    'a new key in a flood',
    { ...next, sent: 12_000, answered: 12_010 },
    spentAt(...late),
    ['ok', 'invalid_token'],
  ],
  ['a new key some time after a flood', next, spentAt(...flood, 20_000), ['ok']],
  ['a key of the last set that is withdrawn meanwhile', { kid: 'old', signer: 'old' }, {}, ['ok']],
  [
    '... once another set came',
    { kid: 'old', signer: 'old', sent: 21_000 },
    { sent: [lately] },
    ['invalid_token'],
  ],
  [
    '... while the other set is on its way',
    { kid: 'old', signer: 'old' },
    { sent: [...history().sent, lately] },
    ['invalid_token', 'ok'],
  ],
  [
    '... when the other set may have been lost',
    { kid: 'old', signer: 'old', sent: 24_000, answered: 24_001 },
    { sent: [...history().sent, { ...lately, certain: false }] },
    ['invalid_token', 'ok'],
  ],
  ['an unknown key', { kid: 'guess', signer: null }, {}, ['invalid_token']],
  [
    'an unknown key in an outage',
    { kid: 'guess', signer: null },
    { doubts: [outage] },
    ['invalid_token', 'unavailable'],
  ],
  ['a held key in an outage', {}, { doubts: [outage] }, ['ok']],
  ['a new key in an outage', next, { doubts: [outage] }, ['unavailable']],
  [
    'a new key after an outage, before anybody asked',
    { ...next, sent: 26_000, answered: 26_001 },
    { doubts: [outage] },
    ['ok', 'unavailable'],
  ],
  ['a new key after it', { ...next, sent: 32_000, answered: 32_001 }, { doubts: [outage] }, ['ok']],
  [
    'a held key, too old',
    { sent: 92_000, answered: 92_001 },
    { doubts: [{ ...outage, to: NEVER }] },
    ['unavailable'],
  ],
  ['a held key, nearly too old', { sent: 89_000, answered: 89_001 }, { doubts: [outage] }, ['ok']],
  ['a held key that grows too old', { sent: 89_999, answered: 90_001 }, {}, ['ok', 'unavailable']],
  ['an expired token', { expires: 19_000 }, {}, ['token_expired']],
  ['a token that expires', { expires: 20_005 }, {}, ['ok', 'token_expired']],
  [
    'an expired token of a new key in an outage',
    { ...next, expires: 1 },
    { doubts: [outage] },
    ['unavailable'],
  ],
  ['a bad signature', { signer: null }, {}, ['invalid_token']],
  ['a signature of another key', { signer: 'old' }, {}, ['invalid_token']],
  ['an expired token with a bad signature', { signer: null, expires: 1 }, {}, ['invalid_token']],
  [
    'another audience, without any key',
    { wrongAudience: true, sent: 95_000, answered: 95_001 },
    {},
    ['invalid_token'],
  ],
  ['no key id, of a held key', { kid: null }, {}, ['ok']],
  ['no key id, of a new key', { kid: null, signer: 'next' }, {}, ['invalid_token']],
];
for (const [name, asked, known, verdicts] of ANSWERS) {
  t.test(`${name}: ${verdicts.join(' or ')}`, async (t) => {
    const allowed = allowedFor(question(asked), history(known), PROMISES);
    t.strictSame([...allowed].toSorted(), verdicts.toSorted());
  });
}

t.test('fetches are bounded by the cooldown and by what was asked for', async (t) => {
  t.equal(mostAttempts(50_000, 0, { spent: [] }, PROMISES), 11);
  t.equal(mostAttempts(50_000, 0, { spent: [10, 20_000, 40_000] }, PROMISES), 14);
  const flood = Array.from({ length: 100 }, (_, place) => 20_000 + place * 100);
  t.ok(mostAttempts(50_000, 0, { spent: flood }, PROMISES) <= 11 + 4 + 3);
  t.ok(mostAttempts(50_000, 15_000, { spent: [] }, PROMISES) > 11);
});

t.test('a gateway that does not ask in time is found out', async (t) => {
  const set = (at: number) => ({ at, kids: new Set<string>(), certain: true });
  t.strictSame(stallsOf(history({ sent: [set(0), set(30_000)] }), 60_000, PROMISES), []);
  t.strictSame(stallsOf(history({ sent: [set(0), set(34_000)] }), 60_000, PROMISES), [0]);
  t.strictSame(stallsOf(history({ sent: [set(0)] }), 34_000, PROMISES), [0]);
  const doubts = [{ from: 20_000, outageEnd: 50_000, to: 80_000 }];
  t.strictSame(stallsOf(history({ sent: [set(0), set(85_000)], doubts }), 85_001, PROMISES), []);
  t.strictSame(stallsOf(history({ sent: [set(0), set(95_000)], doubts }), 95_001, PROMISES), [50_000]);
  const open = [{ from: 20_000, outageEnd: NEVER, to: NEVER }];
  t.strictSame(stallsOf(history({ sent: [set(0)], doubts: open }), 500_000, PROMISES), []);
});

t.test('a wrong answer is counted and shown', async (t) => {
  const callers = createCallers('https://issuer.test', 'api', 1);
  const [key] = planRun(1, 1).keys;
  if (key === undefined) throw new Error('no key');
  callers.rotate(key);
  const judge = new Judge(history({ published: new Map([[key.kid, { from: 0, to: NEVER }]]) }), PROMISES, 0);
  const token = callers.make(false);
  judge.shows(token, 5000);
  judge.judge(token, { sent: 5000, answered: 5001 }, { verdict: 'other', said: '500' }, false);
  const { wrong, answers, examples } = judge.result();
  t.strictSame([wrong, answers], [1, 1]);
  t.match(examples, [{ said: '500', sent: 5000, took: 1, kid: token.kid }]);
});

t.test('callers make every case, each as it says', async (t) => {
  const callers = createCallers('https://issuer.test', 'api', 3);
  const { keys } = planRun(2, 1);
  for (const key of keys.slice(0, 3)) callers.rotate(key);
  callers.withdrawn('key-0');
  const cases = new Map<string, number>();
  for (let count = 0; count < 4000; count += 1) {
    const token = callers.make(count % 2 === 0);
    cases.set(token.case, (cases.get(token.case) ?? 0) + 1);
    const [head = '', payload = ''] = token.text.split('.');
    const header: { kid?: string } = JSON.parse(Buffer.from(head, 'base64url').toString());
    const claims: { exp: number; aud: string; sub: string } = JSON.parse(
      Buffer.from(payload, 'base64url').toString(),
    );
    if (header.kid !== (token.kid ?? undefined)) t.fail('the key id');
    if (claims.exp * 1000 !== token.expires || claims.sub !== token.subject) t.fail('the claims');
    if ((claims.aud === 'api') === token.wrongAudience) t.fail('the audience');
    if (token.case === 'withdrawn key' && token.kid !== 'key-0') t.fail('the withdrawn key');
  }
  t.equal(cases.size, 9);
  t.ok((cases.get('good') ?? 0) > 2400);
});

t.test('the provider fails as told, and writes down what it gave', async (t) => {
  const provider = await startProvider();
  t.teardown(() => provider.stop());
  const ask = (path: string): Promise<Response> =>
    fetch(`${provider.url}${path}`, { headers: { connection: 'close' } });
  provider.publish({ kid: 'a' });
  t.match(await (await ask('/keys')).json(), { keys: [{ kid: 'a' }] });
  await provider.fail('error');
  t.equal((await ask('/keys')).status, 500);
  await provider.recover();
  await provider.fail('refused');
  await t.rejects(ask('/keys'));
  await provider.recover();
  for (const kind of ['cut', 'html', 'empty'] as const) {
    await provider.fail(kind);
    const answer = ask('/keys').then((response) => response.text());
    if (kind === 'cut') await t.rejects(answer);
    else t.equal(await answer, kind === 'html' ? '<html>sign in</html>' : '{"keys":[]}');
    await provider.recover();
  }
  provider.withdraw('a');
  t.match(await (await ask('/keys')).json(), { keys: [] });
  const { sent, doubts, published } = provider.history;
  t.strictSame(
    sent.map(({ kids }) => [...kids]),
    [['a'], []],
  );
  t.equal(sent[0]?.certain, false, 'so short before an outage it may have been lost');
  t.equal(doubts.length, 5);
  t.ok(doubts.every(({ from, outageEnd, to }) => from <= outageEnd && outageEnd <= to && to < NEVER));
  t.ok((published.get('a')?.to ?? NEVER) < NEVER);
});

t.test('a slope is found by least squares, and only where there is one to be judged', async (t) => {
  const mebibytes = (at: number, size: number) => ({ at: at * 60_000, bytes: size * 1024 * 1024 });
  const samples = [
    mebibytes(0, 10),
    mebibytes(1, 200),
    mebibytes(5, 100),
    mebibytes(6, 102),
    mebibytes(7, 104),
  ];
  t.equal(Math.round((slopeOf(samples, 5 * 60_000) ?? 0) * 1000), 2000);
  t.equal(slopeOf(samples.slice(0, 4), 5 * 60_000), null);
  if (process.platform === 'linux') t.ok(residentBytes(process.pid) > 1024 * 1024);
});
