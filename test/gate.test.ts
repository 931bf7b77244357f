import t from 'tap';
import { stillAllowed } from '../src/gate.ts';
import { createKeySetPool } from '../src/keys/key-set-pool.ts';
import type { Refusal } from '../src/refusals/refusal.ts';
import { createStanding } from '../src/standing.ts';
import { recordLog } from './fixtures/fake-time.ts';
import { policyOf } from './fixtures/server.ts';
import { wireFixture } from './fixtures/wire.ts';

const POLICY = `
upstream: http://127.0.0.1:9
issuers: {corp: {issuer: https://issuer.test, audience: api, jwks_uri: "https://issuer.test/jwks"}}
routes: [{path: /**}]
`;

t.test('a stream ends when its credential is no good any more, not when that cannot be told', async (t) => {
  const dependencies = { now: Date.now, log: recordLog() };
  const keySets = createKeySetPool(dependencies);
  const standing = createStanding(await policyOf(POLICY), { dependencies, keySets }, null);
  t.teardown(() => standing.upstreams.destroy());
  const route = standing.policy.routes[0];
  if (route === undefined) throw new Error('no route');
  const wire = wireFixture({ method: 'GET', target: '/', headers: ['Authorization', 'Bearer a.b.c'] });
  const after = (refusal: Refusal) => {
    const verifiers = { ...standing.verifiers, verify: () => ({ ok: false as const, refusal }) };
    return stillAllowed({ wire, route }, { ...standing, verifiers });
  };
  t.equal(await after({ kind: 'invalid_credential', code: 'invalid_token', reason: 'x' }), false);
  t.equal(await after({ kind: 'unavailable', reason: 'x', retryAfter: 1 }), true);
  t.equal(await after({ kind: 'overloaded', reason: 'x', retryAfter: 1 }), true);
});

t.test(
  'WS07 that open streams are judged again is no failure of anybody, and no budget ends them',
  async (t) => {
    const dependencies = { now: Date.now, log: recordLog() };
    const limits = 'limits: {failed_credentials: {per_peer: 1/1h, aggregates: true}}';
    const standing = createStanding(
      await policyOf(`${POLICY}${limits}\n`),
      { dependencies, keySets: createKeySetPool(dependencies) },
      null,
    );
    t.teardown(() => standing.upstreams.destroy());
    const [route] = standing.policy.routes;
    const { failures } = standing;
    if (route === undefined || failures === null) throw new Error('no route, no budget');
    const wire = wireFixture({ headers: ['Authorization', 'Bearer a.b.c'] });
    for (let i = 0; i < 10; i += 1) t.equal(await stillAllowed({ wire, route }, standing), false);
    t.equal(failures.counts.failed, 0);
    const visitor = { wire, peer: '127.0.0.1', trusted: false };
    failures.note(visitor, { kind: 'invalid_credential', code: 'invalid_token', reason: 'x' }, Date.now());
    t.ok(failures.wait(visitor, Date.now()) > 0);
    let asked = 0;
    const verify = () => {
      asked += 1;
      return { ok: false as const, refusal: { kind: 'unavailable' as const, reason: 'x', retryAfter: 1 } };
    };
    const verifiers = { ...standing.verifiers, verify };
    t.equal(await stillAllowed({ wire, route }, { ...standing, verifiers }), true);
    t.equal(asked, 1, 'judged, though the budget is used up');
  },
);
