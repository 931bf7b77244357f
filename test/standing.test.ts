import t from 'tap';
import { createKeySetPool } from '../src/keys/key-set-pool.ts';
import { createStanding } from '../src/standing.ts';
import { recordLog } from './fixtures/fake-time.ts';
import { policyOf } from './fixtures/server.ts';

const POLICY = `
upstream: http://127.0.0.1:9
issuers:
  corp: { issuer: https://issuer.test, audience: api, jwks: { keys: [] } }
api_keys:
  machines:
    keys: [{ id: one, sha256: ${'ab'.repeat(32)}, subject: m }]
accept: [corp, machines]
identity: { headers: { X-Customer: { claim: customer } }, strip: ["X-Gate-*"] }
routes:
  - path: /a
  - { path: /b, token_sources: [{ header: X-Token }] }
`;

t.test('H1 H2 when never sees a credential of any route, nor a header that only we may send', async (t) => {
  const dependencies = { now: Date.now, log: recordLog() };
  const policy = await policyOf(
    POLICY.replace('jwks: { keys: [] }', `secret: ${'s'.repeat(32)}, algorithms: [HS256]`),
  );
  const standing = createStanding(policy, { dependencies, keySets: createKeySetPool(dependencies) }, null);
  t.teardown(() => standing.upstreams.destroy());
  const hidden = [
    ...['authorization', 'proxy-authorization', 'cookie', 'dpop', 'x-api-key', 'x-token', 'x_token'],
    ...[
      'x-auth-subject',
      'x_auth_roles',
      'x.auth.x',
      'remote-user',
      'x-forwarded-user',
      'x-customer',
      'x_customer',
    ],
    ...[
      'x-gate-anything',
      'x-http-method-override',
      'x-original-url',
      'connection',
      'host',
      'x-forwarded-for',
    ],
  ];
  for (const name of hidden) t.notOk(standing.isVisible(name), name);
  for (const name of ['x-tenant', 'accept', 'content-type', 'user-agent'])
    t.ok(standing.isVisible(name), name);
});

t.test('K6 when sees neither a token in the query nor one among offered subprotocols', async (t) => {
  const dependencies = { now: Date.now, log: recordLog() };
  const keyed = POLICY.replace('jwks: { keys: [] }', `secret: ${'s'.repeat(32)}, algorithms: [HS256]`);
  const standingOf = async (policy: string) => {
    const pool = createKeySetPool(dependencies);
    const standing = createStanding(await policyOf(policy), { dependencies, keySets: pool }, null);
    t.teardown(() => standing.upstreams.destroy());
    return standing;
  };
  const plain = await standingOf(keyed);
  t.ok(plain.isVisible('sec-websocket-protocol'));
  t.equal(plain.visibleQuery('?a=1&t=T'), '?a=1&t=T');
  const embedded = await standingOf(
    keyed.replace('{ header: X-Token }', '{ query: t }, { websocket_protocol: bearer }'),
  );
  t.notOk(embedded.isVisible('sec-websocket-protocol'));
  t.equal(embedded.visibleQuery('?a=1&%74=T'), '?a=1');
});
