import t from 'tap';
import { decide } from '../../src/gate/decide.ts';
import { createKeySetPool } from '../../src/keys/key-set-pool.ts';
import { createStanding } from '../../src/standing.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { policyOf } from '../fixtures/server.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { wireFixture } from '../fixtures/wire.ts';

const key = createSigningKey('ES256');
const token = signToken(key, { sub: 'alice' });
const policy = await policyOf(`
upstream: http://127.0.0.1:9
issuers: {corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}}
api_keys: {machines: {header: X-Machine, keys: [{id: one, sha256: "${'0'.repeat(64)}", subject: one}]}}
accept: [corp]
routes:
  - {path: /plain, methods: [GET, OPTIONS]}
  - {path: /header, token_sources: [{header: X-Token}]}
  - {path: /cookie, token_sources: [{cookie: session}]}
  - {path: /query, token_sources: [{query: ticket}]}
  - {path: /keys, accept: [machines]}
  - {path: /posts, methods: [POST]}
`);
const dependencies = { now: Date.now, log: recordLog() };
const standing = createStanding(policy, { dependencies, keySets: createKeySetPool(dependencies) }, null);
t.teardown(() => standing.upstreams.destroy());

type Row = readonly [line: string, headers: readonly string[], reason: string, got?: string];

const ROWS: readonly Row[] = [
  ['GET /plain', [], 'no_credential'],
  ['GET /plain', ['Authorization', ''], 'no_credential'],
  ['GET /plain', ['Accept', 'eyJust.a.text', 'Cookie', 'a=b; c=d.e.f'], 'no_credential'],
  ['GET /plain?a=b&access_token=&c=eyJ', [], 'no_credential'],
  ['GET /plain', ['DPoP', token], 'no_credential'],
  ['GET /plain', ['Cookie', `session=${token}`], 'credential_elsewhere', 'cookie'],
  ['GET /plain', ['Cookie', `a=b; other=${token}`], 'credential_elsewhere', 'cookie'],
  [`GET /plain?access_token=${token}`, [], 'credential_elsewhere', 'query'],
  ['GET /plain?x=1&access_token=opaque', [], 'credential_elsewhere', 'query'],
  ['GET /plain?ticket=opaque', [], 'credential_elsewhere', 'query'],
  [`GET /plain?anything=${token}`, [], 'credential_elsewhere', 'query'],
  ['GET /plain', ['X-Machine', 'a-key'], 'credential_elsewhere', 'header x-machine'],
  ['GET /plain', ['X-API-Key', 'a-key'], 'credential_elsewhere', 'header x-api-key'],
  ['GET /plain', ['X-Token', token], 'credential_elsewhere', 'header x-token'],
  [
    'GET /plain',
    ['X-Forwarded-Access-Token', 'x'],
    'credential_elsewhere',
    'header x-forwarded-access-token',
  ],
  ['GET /plain', ['X-Odd', `Bearer ${token}`], 'credential_elsewhere', 'header x-odd'],
  ['GET /plain', ['Proxy-Authorization', 'Basic eDp5'], 'credential_elsewhere', 'header proxy-authorization'],
  ['GET /header', ['Authorization', `Bearer ${token}`], 'credential_elsewhere', 'authorization'],
  ['GET /cookie', ['Authorization', `Bearer ${token}`], 'credential_elsewhere', 'authorization'],
  ['GET /query', ['X-Token', token], 'credential_elsewhere', 'header x-token'],
  ['GET /nowhere', [], 'no_route'],
  ['GET /nowhere', ['X-API-Key', 'x'], 'no_route'],
  ['GET /posts', [], 'method_not_listed'],
  ['OPTIONS /plain', ['Origin', 'https://a.test'], 'no_credential'],
  [
    'OPTIONS /plain',
    ['Origin', 'https://a.test', 'Access-Control-Request-Method', 'GET'],
    'preflight_without_cors',
  ],
  [
    'OPTIONS /posts',
    ['Origin', 'https://a.test', 'Access-Control-Request-Method', 'POST'],
    'preflight_without_cors',
  ],
];

t.test('a request without a credential says to the log why it has none', async (t) => {
  for (const [line, headers, reason, got] of ROWS) {
    const [method = '', target = ''] = line.split(' ');
    const decision = await decide(wireFixture({ method, target, headers }), standing);
    if (decision.kind !== 'refuse') throw new Error(`${line} is not refused`);
    const name = `${line.slice(0, 40)} ${headers.join(': ').slice(0, 40)}`;
    t.equal(decision.refusal.kind, 'unauthenticated', name);
    t.equal(decision.refusal.reason, reason, name);
    t.equal(decision.refusal.detail?.got, got, name);
    t.notOk(JSON.stringify(decision.refusal).includes(token), 'not the token');
  }
});

t.test('the line says where the route looks', async (t) => {
  const expected = async (target: string) => {
    const decision = await decide(wireFixture({ target, headers: ['X-API-Key', 'x'] }), standing);
    return decision.kind === 'refuse' ? decision.refusal.detail?.expected : null;
  };
  t.equal(await expected('/plain'), 'authorization');
  t.equal(await expected('/header'), 'header x-token');
  t.equal(await expected('/cookie'), 'cookie');
  t.equal(await expected('/keys'), 'authorization | header x-machine');
});
