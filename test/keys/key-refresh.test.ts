/** Keys that are fetched because an operator asks: now, by an attempt that begins after the request, once a second. */
import t, { type Test } from 'tap';
import { createKeySet } from '../../src/keys/key-set.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { createFakeTime, recordLog, until } from '../fixtures/fake-time.ts';
import { issuerPolicy } from '../fixtures/issuer-policy.ts';
import { createSigningKey } from '../fixtures/token-signer.ts';

const a = createSigningKey('ES256', 'a');
const b = createSigningKey('ES256', 'b');
const ISSUER = 'https://issuer.test';
const DISCOVERY: IssuerPolicy['keys'] = { from: 'discovery', url: null };

t.test('a set is fetched at once, metadata included, and a key that is gone is withdrawn', async (t) => {
  const { set, time, answers, asked } = staged(t, DISCOVERY);
  await set.find('a', 'ES256', time.now());
  const before = set.generationAt(time.now());
  answers.set(`${ISSUER}/jwks2`, { keys: [b.jwk] });
  answers.set(`${ISSUER}/.well-known/openid-configuration`, { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks2` });
  asked.length = 0;
  t.strictSame(await set.refreshNow(), { issuer: 'corp', outcome: 'fetched', cause: null, keys: 1 });
  t.match(asked.at(-1), /jwks2$/);
  t.not(set.generationAt(time.now()), before);
  t.match(set.find('b', 'ES256', time.now()), { outcome: 'found' });
});

t.test('requests at once share an attempt, and none is served by one that began before it', async (t) => {
  const { set, time, answers, asked, hold } = staged(t, { from: 'url', url: `${ISSUER}/jwks`, form: 'jwks' });
  const release = hold();
  const found = set.find('a', 'ES256', time.now());
  const early = set.refreshNow();
  await until(() => asked.length === 1);
  answers.set(`${ISSUER}/jwks`, { keys: [a.jwk, b.jwk] });
  release({ keys: [a.jwk] });
  await found;
  t.match(await early, { outcome: 'fetched', keys: 2 });
  t.equal(asked.length, 2, 'the attempt under way was too early');
  const many = Array.from({ length: 100 }, () => set.refreshNow());
  await time.advance(999);
  t.equal(asked.length, 2, 'a second apart');
  await time.advance(1);
  t.ok((await Promise.all(many)).every(({ outcome }) => outcome === 'fetched'));
  t.equal(asked.length, 3);
});

t.test(
  'a failure is told with its cause, what is held goes on, and the pause after it holds nothing up',
  async (t) => {
    const { set, time, answers, asked } = staged(t, { from: 'url', url: `${ISSUER}/jwks`, form: 'jwks' });
    await set.find('a', 'ES256', time.now());
    answers.delete(`${ISSUER}/jwks`);
    t.match(await set.refreshNow(), { outcome: 'failed', cause: /status 500/, keys: 1 });
    t.match(set.find('a', 'ES256', time.now()), { outcome: 'found' });
    answers.set(`${ISSUER}/jwks`, { keys: [b.jwk] });
    const again = set.refreshNow();
    await time.advance(1000);
    t.match(await again, { outcome: 'fetched', keys: 1 });
    t.equal(asked.length, 3);
  },
);

t.test('keys of the policy are not fetched, and a closed set fetches nothing', async (t) => {
  const written = staged(t, { from: 'static', document: { keys: [] }, form: 'jwks' });
  t.match(await written.set.refreshNow(), { outcome: 'not_fetched', cause: /policy/ });
  const { set, asked } = staged(t, { from: 'url', url: `${ISSUER}/jwks`, form: 'jwks' });
  set.close();
  t.match(await set.refreshNow(), { outcome: 'failed', cause: 'closed' });
  t.equal(asked.length, 0);
});

t.test('single keys are fetched again, those that are held, up to the first failure', async (t) => {
  const { set, time, answers, asked } = staged(t, { from: 'each', template: `${ISSUER}/{kid}` });
  const pem = (key: typeof a) => ({ pem: key.publicKey.export({ type: 'spki', format: 'pem' }) });
  answers.set(`${ISSUER}/a`, pem(a));
  answers.set(`${ISSUER}/b`, pem(b));
  t.match(await set.refreshNow(), { outcome: 'fetched', keys: 0 });
  for (const kid of ['a', 'b']) t.match(await set.find(kid, 'ES256', time.now()), { outcome: 'found' });
  answers.set(`${ISSUER}/a`, 404);
  asked.length = 0;
  await time.advance(1000);
  t.match(await set.refreshNow(), { outcome: 'fetched', keys: 1 });
  t.equal(asked.length, 2);
  t.match(set.find('a', 'ES256', time.now()), { outcome: 'none' });
  answers.delete(`${ISSUER}/b`);
  const failed = set.refreshNow();
  await time.advance(1000);
  t.match(await failed, { outcome: 'failed', cause: /status 500/, keys: 1 });
});

function staged(t: Test, keys: IssuerPolicy['keys']) {
  const time = createFakeTime();
  const asked: string[] = [];
  const answers = new Map<string, object | number>([
    [`${ISSUER}/.well-known/openid-configuration`, { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` }],
    [`${ISSUER}/jwks`, { keys: [a.jwk] }],
  ]);
  let held: PromiseWithResolvers<object> | null = null;
  const transport = {
    fetch: async (url: string) => {
      asked.push(url);
      const waiting = held;
      held = null;
      const answer = waiting === null ? (answers.get(url) ?? 500) : await waiting.promise;
      if (typeof answer === 'object') return { ok: true as const, maxAge: null, document: { ...answer } };
      const failure = {
        kind: 'status' as const,
        status: answer,
        url,
        cause: `answered with status ${answer}`,
      };
      return { ok: false as const, answered: true, cause: failure.cause, failure };
    },
    close: () => {},
  };
  const set = createKeySet(issuerPolicy({ keys }), {
    ...time,
    log: recordLog(),
    transport,
    random: () => 0.5,
  });
  t.teardown(() => set.close());
  const hold = () => {
    const promise = Promise.withResolvers<object>();
    held = promise;
    return promise.resolve;
  };
  return { set, time, answers, asked, hold };
}
