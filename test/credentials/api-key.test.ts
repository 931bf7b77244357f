import { createHash } from 'node:crypto';
import t from 'tap';
import { apiKey, hashApiKey } from '../../src/credentials/api-key.ts';
import type { Credential } from '../../src/credentials/credential.ts';
import { createKeySetPool } from '../../src/keys/key-set-pool.ts';
import type { ApiKeyPolicy } from '../../src/policy/sources.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { acceptPolicy } from '../fixtures/issuer-policy.ts';

const NOW = 1_800_000_000_000;
const BOTH = acceptPolicy([], ['machines', 'partners']);
const deps = { now: () => NOW, log: recordLog() };
const verifier = apiKey(
  {
    issuers: [],
    userLists: [],
    apiKeySets: [
      {
        name: 'machines',
        header: 'x-api-key',
        keys: [key('ci', 'key-of-ci'), key('old', 'key-of-old', NOW)],
      },
      { name: 'partners', header: 'x-partner-key', keys: [key('acme', 'key-of-acme', NOW + 1)] },
    ],
    limits: { tokenBytes: 1000 },
  },
  { ...deps, keySets: createKeySetPool(deps) },
);

t.test('only the SHA-256 is stored', async (t) => {
  t.same(hashApiKey('abc'), createHash('sha256').update('abc').digest());
  t.same(hashApiKey('schlüssel'), createHash('sha256').update('schlüssel', 'utf8').digest());
});

t.test('a known key is who it belongs to, at once and as one shared object', async (t) => {
  const verified = verifier.verify(inHeader('key-of-ci'), BOTH, NOW);
  t.same(verified, {
    ok: true,
    principal: {
      source: 'machines',
      kind: 'api_key',
      subject: 'ci-user',
      issuer: 'machines',
      client: null,
      scopes: ['read', 'write'],
      roles: ['deployer'],
      claims: {},
      audiences: [],
      expiresAt: Number.POSITIVE_INFINITY,
      kid: null,
      key: 'ci',
    },
  });
  t.equal(verifier.verify(inHeader('key-of-ci'), BOTH, NOW), verified);
  t.ok(Object.isFrozen(verified));
});

t.test('K16 L8 every other value is refused alike, and the log knows why', async (t) => {
  const vectors: readonly (readonly [Credential, string])[] = [
    [inHeader('key-of-c'), 'unknown_api_key'],
    [inHeader('key-of-cii'), 'unknown_api_key'],
    [inHeader('KEY-OF-CI'), 'unknown_api_key'],
    [inHeader('key-of-ci '), 'unknown_api_key'],
    [inHeader(''), 'unknown_api_key'],
    [inHeader(hashApiKey('key-of-ci').toString('hex')), 'unknown_api_key'],
    [inHeader('x'.repeat(1001)), 'api_key_too_long'],
    [inHeader('key-of-old'), 'api_key_expired'],
    [inHeader('key-of-acme'), 'source_not_accepted'],
    [inHeader('key-of-ci', 'x-partner-key'), 'source_not_accepted'],
    [inHeader('key-of-ci', 'x-token'), 'source_not_accepted'],
  ];
  for (const [credential, reason] of vectors) {
    const verified = verifier.verify(credential, BOTH, NOW);
    t.match(verified, {
      ok: false,
      refusal: { kind: 'invalid_credential', code: 'invalid_api_key', reason },
    });
  }
});

t.test('a key may also come as a Bearer value, and is then refused as a token is', async (t) => {
  t.match(verifier.verify(bearer('key-of-ci'), BOTH, NOW), { ok: true });
  t.match(verifier.verify(bearer('key-of-acme'), BOTH, NOW), { ok: true, principal: { source: 'partners' } });
  t.match(verifier.verify(bearer('nonsense'), BOTH, NOW), { refusal: { code: 'invalid_token' } });
  const reserved = { ...bearer('key-of-ci'), onlyIssuers: ['corp'] };
  t.match(verifier.verify(reserved, BOTH, NOW), { ok: false, refusal: { reason: 'source_not_accepted' } });
});

t.test('a set that the route does not read is refused', async (t) => {
  const accept = acceptPolicy([], ['partners']);
  t.match(verifier.verify(bearer('key-of-ci'), accept, NOW), {
    ok: false,
    refusal: { reason: 'source_not_accepted' },
  });
});

t.test('a key ends at its moment', async (t) => {
  t.match(verifier.verify(bearer('key-of-acme'), BOTH, NOW), {
    ok: true,
    principal: { expiresAt: (NOW + 1) / 1000 },
  });
  t.match(verifier.verify(bearer('key-of-acme'), BOTH, NOW + 1), { refusal: { reason: 'api_key_expired' } });
});

t.test('only a key that is good, here and now, is recognised', async (t) => {
  t.equal(
    verifier.recognise(inHeader('key-of-ci'), BOTH, NOW),
    verifier.verify(inHeader('key-of-ci'), BOTH, NOW),
  );
  t.match(verifier.recognise(bearer('key-of-acme'), BOTH, NOW), { ok: true });
  for (const credential of [
    inHeader('key-of-old'),
    inHeader('key-of-acme'),
    inHeader('nonsense'),
    inHeader('x'.repeat(1001)),
    { ...bearer('key-of-ci'), onlyIssuers: ['corp'] },
  ]) {
    t.equal(verifier.recognise(credential, BOTH, NOW), null, credential.value.slice(0, 20));
  }
  t.equal(verifier.recognise(bearer('key-of-acme'), BOTH, NOW + 1), null);
});

t.test('a digest of zeros opens nothing', async (t) => {
  // The comparison for unknown keys is made against 32 zero bytes.
  t.match(verifier.verify(bearer(Buffer.alloc(32).toString('latin1')), BOTH, NOW), { ok: false });
});

function key(id: string, value: string, expires = Number.POSITIVE_INFINITY): ApiKeyPolicy {
  const sha256 = createHash('sha256').update(value).digest();
  return {
    id,
    sha256,
    subject: `${id}-user`,
    scopes: ['read', 'write', 'read'],
    roles: ['deployer'],
    expires,
  };
}

function inHeader(value: string, name = 'x-api-key'): Credential {
  return { place: { in: 'header', name }, family: 'key', value, refusedAs: 'invalid_api_key' };
}

function bearer(value: string): Credential {
  return { place: { in: 'authorization' }, family: 'key', value, refusedAs: 'invalid_token' };
}
