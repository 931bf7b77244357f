import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import type { CredentialPolicy } from '../../src/credentials/kind.ts';
import { createVerifiers } from '../../src/credentials/kinds.ts';
import { createKeySetPool } from '../../src/keys/key-set-pool.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { recordLog, until } from '../fixtures/fake-time.ts';
import { acceptPolicy, issuerPolicy, tokenCredential } from '../fixtures/issuer-policy.ts';
import { createIssuer, serveJwks } from '../fixtures/tokens.ts';

const ACCEPT = acceptPolicy(['corp'], ['machines']);
const issuer = await createIssuer();

t.test('tokens go to the issuers, other values to the key sets', async (t) => {
  const server = await serveJwks(t, issuer.jwks);
  const { verifiers } = stage(t, server.url);
  const now = Date.now();
  t.match(await verifiers.verify(tokenCredential(await issuer.sign()), ACCEPT, now), {
    ok: true,
    principal: { kind: 'jwt' },
  });
  const key = tokenCredential('the-key', { family: 'key' });
  t.match(verifiers.verify(key, ACCEPT, now), {
    ok: true,
    principal: { kind: 'api_key', source: 'machines' },
  });
  t.match(verifiers.verify(tokenCredential('the-key'), ACCEPT, now), {
    refusal: { reason: 'malformed_token' },
  });
  const token = tokenCredential(await issuer.sign(), { family: 'key' });
  t.match(verifiers.verify(token, ACCEPT, now), { refusal: { reason: 'unknown_api_key' } });
});

t.test('readiness names each source, and what it waits for', async (t) => {
  const server = await serveJwks(t, issuer.jwks);
  await server.stop();
  const { verifiers } = stage(t, server.url);
  t.match(verifiers.ready(), [
    { name: 'corp', ready: false, detail: /waiting/ },
    { name: 'machines', ready: true, detail: '1 keys' },
  ]);
  verifiers.start();
  await until(() => /ECONNREFUSED/.test(verifiers.ready()[0]?.detail ?? ''));
  await server.restart();
  await until(() => verifiers.ready()[0]?.ready === true);
  t.match(
    verifiers.ready()[0]?.detail,
    /^fresh, 1 keys, obtained \d+ s ago, next try in \d+ s; attempts 2, failed 1,/,
  );
});

t.test('a reload keeps the keys of an unchanged source while the provider is down', async (t) => {
  const server = await serveJwks(t, issuer.jwks);
  const { verifiers, pool } = stage(t, server.url);
  const credential = tokenCredential(await issuer.sign());
  t.match(await verifiers.verify(credential, ACCEPT, Date.now()), { ok: true });
  await server.stop();
  const next = stage(
    t,
    server.url,
    { requireClaims: [{ name: 'vip', path: ['vip'], matchers: [{ op: 'exists', value: true }] }] },
    pool,
  );
  next.verifiers.start();
  verifiers.close();
  t.match(next.verifiers.ready()[0], { ready: true });
  const refused = { ok: false, refusal: { reason: 'claim_required' } };
  t.match(
    await next.verifiers.verify(credential, ACCEPT, Date.now()),
    refused,
    'C5 nothing is cached across policies',
  );
  const vip = tokenCredential(await issuer.sign({ vip: true }));
  t.match(await next.verifiers.verify(vip, ACCEPT, Date.now()), { ok: true });
  t.equal(server.asked.length, 1);
});

t.test(
  'each family recognises what is known to be good, and nothing is asked or judged for it',
  async (t) => {
    const server = await serveJwks(t, issuer.jwks);
    const { verifiers } = stage(t, server.url);
    const now = Date.now();
    const token = tokenCredential(await issuer.sign());
    const key = tokenCredential('the-key', { family: 'key' });
    t.match(verifiers.recognise(key, ACCEPT, now), { ok: true, principal: { source: 'machines' } });
    t.equal(verifiers.recognise({ ...key, value: 'other' }, ACCEPT, now), null);
    t.equal(verifiers.recognise(token, ACCEPT, now), null);
    t.equal(verifiers.recognise({ ...token, family: 'password' }, ACCEPT, now), null);
    t.same(server.asked, []);
    const verified = await verifiers.verify(token, ACCEPT, now);
    t.equal(verifiers.recognise(token, ACCEPT, now), verified);
    t.equal(verifiers.recognise({ ...token, family: 'key' }, ACCEPT, now), null);
  },
);

t.test('a defect of ours while recognising is 503 too', async (t) => {
  const server = await serveJwks(t, issuer.jwks);
  const { verifiers, log } = stage(t, server.url);
  const hostile = {
    ...tokenCredential('x'),
    get value(): string {
      throw new Error('secret in a message');
    },
  };
  t.match(verifiers.recognise(hostile, ACCEPT, Date.now()), {
    refusal: { kind: 'unavailable', reason: 'internal_error' },
  });
  t.notMatch(JSON.stringify(log.lines), /secret in a message/);
});

t.test('a defect of ours is 503, thrown or rejected', async (t) => {
  const server = await serveJwks(t, issuer.jwks);
  const broken = { refusal: { kind: 'unavailable', reason: 'internal_error' } };
  const { verifiers, log, now } = stage(t, server.url);
  const credential = tokenCredential(await issuer.sign());
  const hostile = {
    ...credential,
    get value(): string {
      throw new Error('secret in a message');
    },
  };
  t.match(verifiers.verify(hostile, ACCEPT, Date.now()), broken);
  now.break = true;
  t.match(await verifiers.verify(credential, ACCEPT, Date.now()), broken);
  t.equal(log.lines.filter((line) => line.level === 'error').length >= 2, true);
  t.notMatch(JSON.stringify(log.lines), /secret in a message/);
});

t.test('J55 J56 J38 no address that a token names is ever asked', async (t) => {
  const server = await serveJwks(t, issuer.jwks);
  const lure = await serveJwks(t, issuer.jwks);
  const { verifiers } = stage(t, server.url);
  const evil = await createIssuer({ kid: 'evil' });
  const header = { jku: lure.url, x5u: lure.url, jwk: { ...evil.jwk } };
  for (const token of [
    await evil.sign({}, header),
    await evil.sign({ iss: lure.origin }, header),
    await issuer.sign({ iss: lure.url }),
  ]) {
    t.match(await verifiers.verify(tokenCredential(token), ACCEPT, Date.now()), { ok: false });
  }
  t.same(lure.asked, []);
});

function stage(
  t: Test,
  url: string,
  changes: Partial<IssuerPolicy> = {},
  shared?: ReturnType<typeof createKeySetPool>,
) {
  const log = recordLog();
  const now = { break: false };
  const deps = {
    log,
    now: () => {
      if (now.break) throw new Error('secret in a message');
      return Date.now();
    },
  };
  const pool = shared ?? createKeySetPool({ now: Date.now, log });
  const sha256 = createHash('sha256').update('the-key').digest();
  const policy: CredentialPolicy = {
    issuers: [issuerPolicy({ keys: { from: 'url', url, form: 'jwks' }, ...changes })],
    apiKeySets: [
      {
        name: 'machines',
        header: 'x-api-key',
        keys: [{ id: 'ci', sha256, subject: 'ci', scopes: [], roles: [], expires: Number.POSITIVE_INFINITY }],
      },
    ],
    userLists: [],
    limits: { tokenBytes: 16_384 },
  };
  const verifiers = createVerifiers(policy, deps, pool);
  t.teardown(() => verifiers.close());
  return { verifiers, pool, log, now };
}
