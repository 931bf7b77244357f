import t from 'tap';
import { admitKeys } from '../../src/keys/admit-key.ts';
import { createKeySet, type KeySet } from '../../src/keys/key-set.ts';
import { flawOfBundleMember, refreshHintOf } from '../../src/keys/spiffe-bundle.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { createFakeTime, recordLog, until } from '../fixtures/fake-time.ts';
import { issuerPolicy } from '../fixtures/issuer-policy.ts';
import { createSigningKey, type Members, type SigningKey } from '../fixtures/token-signer.ts';

const first = createSigningKey('ES256', 'first');
const second = createSigningKey('ES256', 'second');
const rsa = createSigningKey('RS256', 'rsa');

/** A member as SPIRE publishes it: no `alg`. */
const member = ({ jwk: { alg: _alg, ...rest } }: SigningKey, changes: Members = {}): Members => ({
  ...rest,
  use: 'jwt-svid',
  ...changes,
});

t.test('Q11 only members that say that they are for JWT-SVIDs, under an id, vouch for them', async (t) => {
  t.equal(flawOfBundleMember({ use: 'jwt-svid', kid: 'k' }), null);
  for (const [use, kid, reason] of [
    ['x509-svid', 'k', 'for_x509_svids'],
    ['x509-svid', undefined, 'for_x509_svids'],
    [undefined, 'k', 'not_for_jwt_svids'],
    ['sig', 'k', 'not_for_jwt_svids'],
    ['enc', 'k', 'not_for_jwt_svids'],
    ['JWT-SVID', 'k', 'not_for_jwt_svids'],
    ['wit-svid', 'k', 'not_for_jwt_svids'],
    ['jwt-svid', undefined, 'kid_missing'],
    ['jwt-svid', '', 'kid_missing'],
  ] as const) {
    t.equal(
      flawOfBundleMember({ ...(use && { use }), ...(kid !== undefined && { kid }) }),
      reason,
      `${use} ${kid}`,
    );
  }
});

t.test('Q11 keys of bundles are none of other issuers, and the other way round', async (t) => {
  const allowed = ['RS256', 'PS256', 'ES256'];
  const members = [member(first), member(rsa), rsa.jwk, member(second, { use: undefined })];
  const bundle = await admitKeys(members, allowed, 'spiffe');
  t.strictSame(
    bundle.keys.map(({ kid, algorithm }) => `${kid} ${algorithm}`),
    ['first ES256', 'rsa RS256', 'rsa PS256'],
  );
  t.strictSame(
    bundle.ignored.map(({ index, reason }) => [index, reason]),
    [
      [2, 'not_for_jwt_svids'],
      [3, 'not_for_jwt_svids'],
    ],
  );
  for (const profile of ['compat', 'rfc9068', 'kubernetes', 'aws_alb'] as const) {
    const plain = await admitKeys(members, allowed, profile);
    t.strictSame(
      plain.ignored.map(({ index, reason }) => [index, reason]),
      [
        [0, 'not_for_signatures'],
        [1, 'not_for_signatures'],
      ],
      profile,
    );
  }
});

t.test('Q11 what is wrong with any key is wrong in a bundle too', async (t) => {
  const secret = { kty: 'oct', k: 'AAAA', kid: 'k', use: 'jwt-svid' };
  const shown = { ...member(first), d: 'AAAA' };
  const ed = member(createSigningKey('EdDSA', 'ed'));
  const { keys, ignored } = await admitKeys([secret, shown, ed], ['ES256', 'RS256'], 'spiffe');
  t.same(keys, []);
  t.strictSame(
    ignored.map(({ reason }) => reason),
    ['symmetric', 'private_members', 'kind_not_allowed'],
  );
});

t.test('Q12 the hint is whole seconds, or none', async (t) => {
  for (const [hint, milliseconds] of [
    [300, 300_000],
    [0, 0],
    [undefined, null],
    [-1, null],
    [1.5, null],
    ['300', null],
    [null, null],
    [1e300, null],
  ] as const) {
    t.equal(refreshHintOf({ keys: [], spiffe_refresh_hint: hint }), milliseconds, String(hint));
  }
});

t.test('Q12 the hint is honoured within cooldown and interval, before Cache-Control', async (t) => {
  const { time, serve, refreshed } = stage();
  for (const [hint, wait] of [
    [300, 300_000],
    [1, 10_000],
    [86_400, 600_000],
  ] as const) {
    serve([member(first)], { spiffe_sequence: 1, spiffe_refresh_hint: hint }, 60_000);
    await refreshed();
    t.equal(time.next(), wait, `a hint of ${hint} s`);
  }
  serve([member(first)], {}, 60_000);
  await refreshed();
  t.equal(time.next(), 60_000, 'without a hint as anybody');
});

t.test('Q12 the hint of others is a member like any other', async (t) => {
  const { time, serve, refreshed } = stage('compat');
  serve([first.jwk], { spiffe_refresh_hint: 30 }, null);
  await refreshed();
  t.equal(time.next(), 600_000);
});

t.test('K13 an empty bundle means that there are no keys, and what they vouched for is void', async (t) => {
  const { set, time, serve, refreshed, log, withdrawn } = stage();
  const x509 = member(second, { use: 'x509-svid', kid: undefined });
  for (const empty of [[], [x509]]) {
    serve([x509, member(first)], {}, null);
    await refreshed();
    t.match(await set.find('first', 'ES256', time.now()), { outcome: 'found' });
    const generation = set.generationAt(time.now());
    const before = withdrawn.length;
    serve(empty, {}, null);
    await refreshed();
    t.match(await set.find('first', 'ES256', time.now()), { outcome: 'none', reason: 'unknown_kid' });
    t.match(await set.find(null, 'ES256', time.now()), { outcome: 'none' });
    t.not(set.generationAt(time.now()), generation);
    t.equal(withdrawn.length, before + 1, 'open streams are told');
    t.match(set.status(time.now()), { state: 'fresh', keys: 0 });
  }
  const told = log.lines.filter(({ message }) => message.startsWith('the bundle holds no key'));
  t.equal(told.length, 2, 'once for each time');
  t.equal(log.lines.filter(({ message }) => message.startsWith('members of a key set')).length, 0);
  serve([member(first)], {}, null);
  await refreshed();
  t.match(await set.find('first', 'ES256', time.now()), { outcome: 'found' }, 'and back');
});

t.test('K13 an answer that is no bundle leaves the last good one in force', async (t) => {
  const { set, time, serve, refreshed } = stage();
  serve([member(first)], {}, null);
  await refreshed();
  serve('none', {}, null);
  await refreshed();
  t.match(await set.find('first', 'ES256', time.now()), { outcome: 'found' });
  t.match(set.status(time.now()), { state: 'stale', failures: 1 });
});

t.test('K13 an empty set of anybody else leaves the last good one in force', async (t) => {
  const { set, time, serve, refreshed } = stage('compat');
  serve([first.jwk], {}, null);
  await refreshed();
  serve([], {}, null);
  await refreshed();
  t.match(await set.find('first', 'ES256', time.now()), { outcome: 'found' });
});

function stage(profile: IssuerPolicy['profile'] = 'spiffe') {
  const time = createFakeTime();
  const log = recordLog();
  const withdrawn: unknown[] = [];
  let document: Readonly<Record<string, unknown>> = {};
  let age: number | null = null;
  let fetches = 0;
  const set: KeySet = createKeySet(
    issuerPolicy({
      profile,
      issuers: ['spiffe://example.org'],
      algorithms: ['ES256', 'RS256'],
      keys: { from: 'url', url: 'https://bundle.test/', form: 'jwks' },
    }),
    {
      ...time,
      log,
      random: () => (set.status(time.now()).failures > 0 ? 0.5 : 0),
      onWithdrawal: (...told) => withdrawn.push(told),
      transport: {
        fetch: async () => {
          fetches += 1;
          return { ok: true, document, maxAge: age };
        },
        close: () => {},
      },
    },
  );
  set.start();
  return {
    set,
    time,
    log,
    withdrawn,
    serve: (keys: unknown, more: Members, maxAge: number | null) => {
      document = { keys, ...more };
      age = maxAge;
    },
    /** Lets the next planned attempt happen and end. */
    refreshed: async () => {
      const before = fetches;
      await until(() => time.next() !== null);
      await time.advance(time.next() ?? 0);
      await until(() => fetches > before && time.next() !== null);
    },
  };
}
