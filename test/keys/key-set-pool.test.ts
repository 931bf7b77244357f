import t from 'tap';
import { createKeySetPool } from '../../src/keys/key-set-pool.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { issuerPolicy, refreshDefaults } from '../fixtures/issuer-policy.ts';

const url = (changes: Partial<IssuerPolicy> = {}): IssuerPolicy =>
  issuerPolicy({ keys: { from: 'url', url: 'https://issuer.test/jwks', form: 'jwks' }, ...changes });

t.test('issuers with the same key source share a set, all others have their own', async (t) => {
  const pool = createKeySetPool({ now: Date.now, log: recordLog() });
  const set = pool.acquire(url());
  t.equal(
    pool.acquire(url({ audience: { insecureAny: true }, leeway: 0 })),
    set,
    'what is no key matter may change',
  );
  const changes: readonly Partial<IssuerPolicy>[] = [
    { name: 'other' },
    { issuers: ['https://other.test'] },
    { keys: { from: 'url', url: 'https://issuer.test/jwks2', form: 'jwks' } },
    { keys: { from: 'static', document: { keys: [] }, form: 'jwks' } },
    { keys: { from: 'secret', secret: Buffer.alloc(32, 1) } },
    { keys: { from: 'secret', secret: Buffer.alloc(32, 2) } },
    { algorithms: ['ES256'] },
    { insecureHttp: true },
    { ca: 'PEM' },
    { bearerTokenFile: '/token' },
    { tenants: { templates: ['https://{tenant}.test'], anyOf: ['a'] } },
    { profile: 'spiffe' },
    { proxy: { url: 'http://proxy.test:3128', noProxy: '' } },
    { proxy: { url: 'http://proxy.test:3128', noProxy: 'issuer.test' } },
    { redirects: 'same_origin' },
    { keys: { from: 'url', url: 'https://issuer.test/jwks', form: 'certificates' } },
    { keys: { from: 'each', template: 'https://issuer.test/{kid}' } },
    { refresh: { ...refreshDefaults, cacheFile: '/var/cache/corp.json' } },
    { refresh: { ...refreshDefaults, maxStale: 1 } },
    { refresh: { ...refreshDefaults, maxStale: Number.POSITIVE_INFINITY } },
  ];
  const sets = new Set([set, ...changes.map((change) => pool.acquire(url(change)))]);
  t.equal(sets.size, changes.length + 1);
  for (const each of sets) pool.release(each);
  pool.release(set);
});

t.test('a tenant more or less leaves the keys as they are; another template does not', async (t) => {
  const pool = createKeySetPool({ now: Date.now, log: recordLog() });
  const template = 'https://issuer.test/{tenant}';
  const entry = (anyOf: readonly string[] | null, templates = [template]): IssuerPolicy =>
    url({
      issuers: templates.flatMap((each) => (anyOf ?? []).map((tenant) => each.replace('{tenant}', tenant))),
      tenants: { templates, anyOf },
    });
  const set = pool.acquire(entry(['a', 'b']));
  t.equal(pool.acquire(entry(['c', 'b', 'a'])), set);
  t.equal(pool.acquire(entry(null)), set);
  t.not(pool.acquire(entry(['a', 'b'], [template, 'https://other.test/{tenant}'])), set);
  t.equal(pool.acquire(entry(['a'])), set);
  const discovered = (anyOf: readonly string[]): IssuerPolicy => ({
    ...entry(anyOf),
    keys: { from: 'discovery', url: 'https://issuer.test/common' },
  });
  const found = pool.acquire(discovered(['a', 'b']));
  t.equal(pool.acquire(discovered(['a', 'b', 'c'])), found);
  t.not(pool.acquire(discovered(['a'])), found, 'one tenant may have metadata of its own');
  t.not(pool.acquire(url({ issuers: ['https://issuer.test/a', 'https://issuer.test/b'] })), set);
});

t.test('without tenants every issuer decides which keys have their place', async (t) => {
  const pool = createKeySetPool({ now: Date.now, log: recordLog() });
  const set = pool.acquire(url());
  t.not(pool.acquire(url({ issuers: ['https://issuer.test', 'https://other.test'] })), set);
});

t.test('a set is closed when its last user gave it back, and made anew after that', async (t) => {
  let closed = 0;
  const transport = {
    fetch: async () => ({ ok: false as const, answered: false, cause: 'down' }),
    close: () => {
      closed += 1;
    },
  };
  const pool = createKeySetPool({ now: Date.now, log: recordLog(), transport });
  const set = pool.acquire(url());
  pool.acquire(url());
  pool.release(set);
  t.equal(closed, 0);
  pool.release(set);
  t.equal(closed, 1);
  pool.release(set);
  t.equal(closed, 1);
  t.not(pool.acquire(url()), set);
});
