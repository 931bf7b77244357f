import t from 'tap';
import type { KeySet } from '../../src/keys/key-set.ts';
import { type CachedToken, createVerifiedCache, digestOf } from '../../src/tokens/verified-cache.ts';

t.test('C1 a token goes by the digest of all its characters', async (t) => {
  const digests = ['a.b.c', 'a.b.d', 'a.b.', 'a.b.c '].map(digestOf);
  t.equal(new Set(digests).size, 4);
  t.match(digests[0], /^[A-Za-z0-9_-]{43}$/);
});

t.test('C7 the cache is bounded in entries, and who is asked for stays', async (t) => {
  const cache = createVerifiedCache(3);
  for (const name of ['a', 'b', 'c']) cache.set(name, entry());
  t.ok(cache.get('a'));
  cache.set('d', entry());
  t.equal(cache.size, 3);
  t.ok(cache.get('a'), 'asked for');
  t.notOk(cache.get('b'), 'the oldest that nobody asked for');
  for (let n = 0; n < 1000; n += 1) cache.set(`x${n}`, entry());
  t.equal(cache.size, 3);
});

t.test('when all are in use one goes all the same', async (t) => {
  const cache = createVerifiedCache(3);
  for (const name of ['a', 'b', 'c']) cache.set(name, entry());
  for (const name of ['a', 'b', 'c']) cache.get(name);
  cache.set('d', entry());
  t.equal(cache.size, 3);
});

t.test('the cache is bounded in bytes', async (t) => {
  const cache = createVerifiedCache(100, 1000);
  for (let n = 0; n < 10; n += 1) cache.set(`${n}`, entry(400));
  t.equal(cache.size, 2);
  cache.set('large', entry(1001));
  t.equal(cache.size, 0, 'what is larger than all is not kept');
  cache.set('again', entry(400));
  cache.set('again', entry(500));
  cache.set('other', entry(500));
  t.equal(cache.size, 2, 'a replaced entry no longer counts');
  cache.delete('again');
  cache.delete('never there');
  cache.set('third', entry(500));
  t.equal(cache.size, 2);
});

t.test('C8 names of prototypes are no entries', async (t) => {
  const cache = createVerifiedCache();
  t.equal(cache.get('__proto__'), undefined);
  t.equal(cache.get('constructor'), undefined);
});

function entry(bytes = 1): CachedToken {
  const keySet: KeySet = {
    name: 'corp',
    find: () => ({ outcome: 'none', reason: 'unknown_kid' }),
    findUntried: () => Promise.resolve([]),
    generationAt: () => 0,
    start: () => {},
    refreshNow: () => Promise.reject(new Error('not asked')),
    status: () => {
      throw new Error('not asked');
    },
    close: () => {},
  };
  const principal = {
    source: 'corp',
    kind: 'jwt' as const,
    subject: 'alice',
    issuer: 'https://issuer.test',
    client: null,
    scopes: [],
    roles: [],
    claims: {},
    audiences: [],
    expiresAt: 0,
    kid: null,
  };
  return { verified: { ok: true, principal }, keySet, generation: 0, validFrom: 0, validUntil: 1, bytes };
}
