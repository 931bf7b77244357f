import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { decide } from '../../src/gate/decide.ts';
import { passedBy, TOKEN_CHECKS } from '../../src/gate/trace.ts';
import { createKeySetPool } from '../../src/keys/key-set-pool.ts';
import { createStanding } from '../../src/standing.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { policyOf } from '../fixtures/server.ts';
import { createSigningKey, keySet, type Members, signToken } from '../fixtures/token-signer.ts';
import { wireFixture } from '../fixtures/wire.ts';

const key = createSigningKey('ES256');
const stranger = createSigningKey('ES256', key.kid);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const policy = await policyOf(`
upstream: http://127.0.0.1:9
issuers: {corp: {issuer: https://issuer.test, audience: api, leeway: 0s, jwks: ${JSON.stringify(keySet(key))}}}
api_keys:
  machines: {header: X-Machine, keys: [{id: one, sha256: ${sha256('one')}}]}
  guests: {header: X-Guest, keys: [{id: old, sha256: ${sha256('old')}, expires: 2020-01-01}]}
accept: [corp, machines, guests]
routes:
  - {path: /plain}
  - {path: /open, auth: none}
  - {path: /corp, accept: [corp]}
  - path: /full
    audience: [api]
    require: {roles: boss, claims: {tenant: acme}, when: 'claims.tenant == "acme"', acr: gold, max_age: 5m, scopes: write}
`);
const dependencies = { now: Date.now, log: recordLog() };
const standing = createStanding(policy, { dependencies, keySets: createKeySetPool(dependencies) }, null);
t.teardown(() => standing.upstreams.destroy());

const bearer = (claims: Members = {}, signer = key) => [
  'Authorization',
  `Bearer ${signToken(signer, { sub: 'alice', ...claims })}`,
];
const ALL_OF_TOKEN = TOKEN_CHECKS.map(([check]) => `token.${check}`);
const until = (check: string) => [
  'route',
  'credential',
  ...ALL_OF_TOKEN.slice(0, ALL_OF_TOKEN.indexOf(check)),
];
const ALL = ['route', 'credential', ...ALL_OF_TOKEN];
const BOSS = { roles: ['boss'], tenant: 'acme', acr: 'gold', auth_time: Math.floor(Date.now() / 1000) };

const ROWS: readonly (readonly [target: string, headers: readonly string[], passed: readonly string[]])[] = [
  ['/plain', [], ['route']],
  ['/nowhere', [], []],
  ['/open', [], ['route', 'anonymous']],
  ['/plain', ['Authorization', 'Bearer a.b.c'], until('token.form')],
  ['/plain', bearer({ iss: 'https://other.test' }), until('token.issuer')],
  ['/plain', bearer({ aud: 'other' }), until('token.audience')],
  ['/plain', bearer({ nbf: 9_000_000_000 }), until('token.times')],
  ['/plain', bearer({ sub: 7 }), until('token.claims')],
  ['/plain', bearer({}, createSigningKey('ES256', 'other')), until('token.key')],
  ['/plain', bearer({}, stranger), until('token.signature')],
  ['/plain', bearer({ iat: 1, exp: 2 }), until('token.expiry')],
  ['/plain', bearer(), [...ALL, 'identity']],
  ['/nowhere', bearer(), ALL.slice(1)],
  ['/full', bearer(), [...ALL, 'audience']],
  ['/full', bearer({ roles: ['boss'] }), [...ALL, 'audience', 'require.roles']],
  [
    '/full',
    bearer({ ...BOSS, acr: 'x' }),
    [...ALL, 'audience', 'require.roles', 'require.claims', 'require.when'],
  ],
  [
    '/full',
    bearer(BOSS),
    [...ALL, 'audience', 'require.roles', 'require.claims', 'require.when', 'require.acr', 'require.max_age'],
  ],
  [
    '/full',
    bearer({ ...BOSS, scope: 'write' }),
    [
      ...ALL,
      ...['audience', 'require.roles', 'require.claims', 'require.when', 'require.acr', 'require.max_age'],
      ...['require.scopes', 'identity'],
    ],
  ],
  ['/plain', ['X-Machine', 'none'], ['route', 'credential', 'key.form']],
  ['/corp', ['Authorization', 'Bearer one'], ['route', 'credential']],
  ['/plain', ['X-Machine', 'old'], ['route', 'credential', 'key.form', 'key.known']],
  ['/plain', ['X-Guest', 'old'], ['route', 'credential', 'key.form', 'key.known', 'key.source']],
  [
    '/plain',
    ['X-Machine', 'one'],
    ['route', 'credential', 'key.form', 'key.known', 'key.source', 'key.expiry', 'identity'],
  ],
];

t.test('the checks that a request passed are read off its decision', async (t) => {
  for (const [target, headers, passed] of ROWS) {
    const decision = await decide(wireFixture({ target, headers }), standing);
    const reason = decision.kind === 'refuse' ? decision.refusal.reason : decision.kind;
    t.strictSame(passedBy(decision), passed, `${target} ${headers[0] ?? ''} ${reason}`);
  }
});

t.test('every reason to refuse a token belongs to one check', async (t) => {
  const text = readFileSync(new URL('../../docs/refusals.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| (?:invalid_token|token_expired) \| (`\w+`[^|]*) \|/gm)];
  const reasons = rows.flatMap(([, names = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  );
  t.ok(reasons.length > 40, `${reasons.length} reasons`);
  for (const reason of reasons) {
    if (reason === 'audience_not_for_route') continue;
    const checks = TOKEN_CHECKS.filter(([, known]) => known.test(reason)).map(([check]) => check);
    t.equal(checks.length, 1, `${reason}: ${checks.join(' ')}`);
  }
});
