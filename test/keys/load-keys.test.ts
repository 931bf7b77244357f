import t from 'tap';
import type { Fetched, FetchedObject, KeyTransport } from '../../src/keys/fetch-keys.ts';
import { createKeyLoader, type LoadedKeys } from '../../src/keys/load-keys.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { issuerPolicy, refreshDefaults } from '../fixtures/issuer-policy.ts';
import { selfSignedPem } from '../fixtures/self-signed.ts';
import { createSigningKey, keySet } from '../fixtures/token-signer.ts';

const URL = 'https://keys.test/x509';
const ec = createSigningKey('ES256', 'ec');
const rsa = createSigningKey('RS256', 'rsa');
const weak = createSigningKey('RS256', 'weak', 1024);
const fetched = (document: FetchedObject, maxAge: number | null = null): Fetched => ({
  ok: true,
  document,
  maxAge,
});

t.test('certificates are loaded as key sets are, with their ages and bounds', async (t) => {
  const map = { ec: selfSignedPem(ec), rsa: selfSignedPem(rsa), weak: selfSignedPem(weak), page: '<html>' };
  const loaded = await load(fetched(map, 21_000));
  t.match(loaded, { ok: true, maxAge: 21_000, fetched: { url: URL } });
  t.same(
    idsOf(loaded),
    ['ec', 'rsa', 'rsa', 'rsa', 'rsa', 'rsa', 'rsa'],
    'RSA keys for each of six algorithms',
  );
  t.match(loaded.ignored, [
    { index: 2, kid: 'weak', reason: 'rsa_too_short' },
    { index: 3, kid: 'page', reason: 'not_pem' },
  ]);
  const few = { refresh: { ...refreshDefaults, maxKeys: 3 } };
  t.match(await load(fetched(map), few), { ok: false, failure: { kind: 'body', cause: /more than 3 keys/ } });
  t.match(await load(fetched({ weak: map.weak })), {
    ok: false,
    ignored: { length: 1 },
    cause: /no usable key/,
  });
  t.match(await load(fetched({})), { ok: false, cause: `${URL} holds no usable key` });
});

t.test('a JWK Set where certificates are expected, and the other way round, holds nothing', async (t) => {
  t.match(await load(fetched(keySet(ec))), { ok: false, failure: { kind: 'body', url: URL } });
  const sets: Partial<IssuerPolicy> = { keys: { from: 'url', url: URL, form: 'jwks' } };
  t.match(await load(fetched({ ec: selfSignedPem(ec) }), sets), { ok: false, cause: /no list of keys/ });
});

t.test('certificates of the policy itself are loaded without asking anybody', async (t) => {
  const document = { ec: selfSignedPem(ec) };
  const keys: IssuerPolicy['keys'] = { from: 'static', document, form: 'certificates' };
  t.same(idsOf(await load(null, { keys })), ['ec']);
});

t.test('single keys are no set: nothing is loaded, and nobody asked', async (t) => {
  const keys: IssuerPolicy['keys'] = { from: 'each', template: 'https://keys.test/{kid}' };
  t.match(await load(null, { keys }), { ok: true, keys: { length: 0 } });
});

t.test('what is kept over a restart is judged again by its form', async (t) => {
  const loader = createKeyLoader(
    issuerPolicy({ keys: { from: 'url', url: URL, form: 'certificates' } }),
    asked(null),
  );
  const recalled = await loader.recall?.({ ec: selfSignedPem(ec), weak: selfSignedPem(weak) });
  t.match(recalled, { ok: true, keys: [{ kid: 'ec' }], ignored: [{ kid: 'weak' }] });
});

t.test('K18 of certificates the good ones are kept, whatever their document calls keys', async (t) => {
  const loaded = await load(fetched({ ec: selfSignedPem(ec), keys: [{ ...ec.jwk, d: 'AAAA' }] }));
  t.match(loaded, { ok: true, ignored: [{ kid: 'keys', reason: 'not_pem' }] });
  t.strictSame(loaded.ok && Object.keys(loaded.fetched?.document ?? {}), ['ec']);
  const named = await load(fetched({ keys: selfSignedPem(ec), weak: selfSignedPem(weak) }));
  t.strictSame(named.ok && Object.keys(named.fetched?.document ?? {}), ['keys']);
});

t.test('a failure keeps its kind, status and address, from discovery too', async (t) => {
  const failure = { kind: 'status', status: 500, url: URL, cause: 'answered with status 500' } as const;
  const failed: Fetched = { ok: false, answered: true, cause: failure.cause, failure };
  const ways: readonly Partial<IssuerPolicy>[] = [
    {},
    { keys: { from: 'discovery', url: null } },
    { keys: { from: 'discovery', url: URL } },
  ];
  for (const way of ways) {
    t.match(await load(failed, way), {
      ok: false,
      cause: /status 500/,
      failure: { kind: 'status', status: 500 },
    });
  }
  const wrong = fetched({ issuer: 'https://other.test', jwks_uri: URL });
  t.match(await load(wrong, { keys: { from: 'discovery', url: URL } }), {
    ok: false,
    failure: { kind: 'body', status: 200, url: URL, cause: /names another issuer/ },
  });
});

function load(answer: Fetched | null, changes: Partial<IssuerPolicy> = {}): Promise<LoadedKeys> {
  const policy = issuerPolicy({ keys: { from: 'url', url: URL, form: 'certificates' }, ...changes });
  return createKeyLoader(policy, asked(answer)).load(0);
}

/** Null: nobody may ask. */
function asked(answer: Fetched | null): KeyTransport {
  return {
    fetch: () => (answer === null ? Promise.reject(new Error('asked')) : Promise.resolve(answer)),
    close: () => {},
  };
}

function idsOf(loaded: LoadedKeys): (string | null)[] {
  return loaded.ok ? loaded.keys.map(({ kid }) => kid) : [];
}
