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
