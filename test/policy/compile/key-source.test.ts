import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { expiredCertificate, localCertificate } from '../../fixtures/certificates.ts';
import { LOAD_TIME, loadBesidesKinds as load, loadGood } from '../../fixtures/load.ts';
import { createSigningKey } from '../../fixtures/token-signer.ts';

const corp = (more: string) => `issuers: {corp: {issuer: "https://login.example.com", audience: a, ${more}}}`;
const pem = (key: ReturnType<typeof createSigningKey>): string =>
  key.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const held = (certificates: Readonly<Record<string, unknown>>): string =>
  corp(`certificates: ${JSON.stringify(certificates)}`);

t.test('certificates and single keys have sources of their own', async (t) => {
  const rows = [
    [
      'certificates_uri: "https://k.test/x509"',
      { from: 'url', url: 'https://k.test/x509', form: 'certificates' },
    ],
    ['key_uri: "https://k.test/{kid}"', { from: 'each', template: 'https://k.test/{kid}' }],
    [
      'key_uri: "https://k.test/a/{kid}.pem?v=1"',
      { from: 'each', template: 'https://k.test/a/{kid}.pem?v=1' },
    ],
    ['key_uri: "http://localhost:8080/{kid}"', { from: 'each', template: 'http://localhost:8080/{kid}' }],
  ] as const;
  for (const [text, source] of rows) t.same((await loadGood(corp(text))).issuers[0]?.keys, source, text);
  const certificates = { k1: localCertificate.cert };
  t.same((await loadGood(held(certificates))).issuers[0]?.keys, {
    from: 'static',
    document: certificates,
    form: 'certificates',
  });
});

t.test('a key_uri has {kid} once, in its path', async (t) => {
  const bad = [
    'https://k.test/keys',
    'https://k.test/{kid}/{kid}',
    'https://k.test/keys?kid={kid}',
    'https://k.test/{kid}?kid={kid}',
    'https://{kid}.k.test/keys',
    'https://{kid}/keys',
    'https://{kid}@k.test/keys',
    'https://k.test:{kid}/keys',
    'https://k.test/keys#{kid}',
    'https://k.test/{KID}',
    'https://k.test/{id}',
    'https://k.test/{kid}{x}',
    'https://k.test/{{kid}}',
    'k.test/{kid}',
    'https://k.test/{kid}/..',
    'https://k.test/a/{kid}/%2E./keys',
  ];
  for (const uri of bad) {
    const loaded = await load(corp(`key_uri: "${uri}"`));
    const problems = [
      { code: 'invalid_key_uri', path: 'issuers.corp.key_uri', message: /exactly once, in its path/ },
    ];
    t.match(loaded, { ok: false, problems }, uri);
  }
});

t.test('K21 the addresses of certificates and single keys are https, and hold no password', async (t) => {
  t.match(await load(corp('key_uri: "ftp://k.test/{kid}"')), { problems: [{ code: 'invalid_url' }] });
  for (const [key, suffix] of [
    ['certificates_uri', '/x509'],
    ['key_uri', '/{kid}'],
  ]) {
    const path = `issuers.corp.${key}`;
    t.match(await load(corp(`${key}: "http://k.test${suffix}"`)), {
      problems: [{ code: 'insecure_key_source', path, message: /insecure_http: true/ }],
    });
    t.match(await load(corp(`${key}: "https://u:p@k.test${suffix}"`)), {
      problems: [{ code: 'invalid_url', path }],
    });
    t.match(await load(corp(`${key}: "http://k.test${suffix}", insecure_http: true`)), { ok: true });
  }
});

t.test('certificates are a mapping of ids to texts', async (t) => {
  for (const value of ['{}', '[]', '[a]', 'text', '7', '{k1: 7}', '{k1: {}}', '{k1: ""  , k2: null}']) {
    const loaded = await load(corp(`certificates: ${value}`));
    t.match(
      loaded,
      {
        ok: false,
        problems: [{ code: /^(?:invalid_certificates|wrong_type)$/, path: 'issuers.corp.certificates' }],
      },
      value,
    );
  }
});

t.test('certificates of the policy are judged as fetched ones, each at its place', async (t) => {
  const good = createSigningKey('ES256');
  const weak = createSigningKey('RS256', 'weak', 1024);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const secret = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const mixed = await load(held({ good: pem(good), weak: pem(weak), private: secret, page: 'text' }));
  t.match(mixed, {
    ok: true,
    warnings: [
      { code: 'unusable_key', path: 'issuers.corp.certificates.weak', message: /rsa too short/ },
      { code: 'unusable_key', path: 'issuers.corp.certificates.private', message: /private members/ },
      { code: 'unusable_key', path: 'issuers.corp.certificates.page', message: /not pem/ },
    ],
  });
  const useless = await load(held({ 'a.b': pem(weak) }));
  t.match(useless, {
    ok: false,
    problems: [
      { code: 'no_usable_key', path: 'issuers.corp.certificates' },
      { code: 'unusable_key', path: 'issuers.corp.certificates["a.b"]' },
    ],
  });
  t.notMatch(JSON.stringify([mixed.warnings, useless]), /BEGIN|MI[GIH]/, 'no key is repeated');
});

t.test('more keys than max_keys are refused in the policy as they are when fetched', async (t) => {
  const three = {
    a: pem(createSigningKey('ES256', 'a')),
    b: pem(createSigningKey('ES256', 'b')),
    c: pem(createSigningKey('ES256', 'c')),
  };
  const most = (number: number) => `certificates: ${JSON.stringify(three)}, refresh: {max_keys: ${number}}`;
  t.match(await load(corp(most(2))), {
    ok: false,
    problems: [{ code: 'unusable_keys', message: /more than 2 keys; see refresh\.max_keys/ }],
  });
  await loadGood(corp(most(3)));
});

t.test('a certificate outside of its validity period is used, with a warning', async (t) => {
  const warned = {
    ok: true,
    warnings: [{ code: 'certificate_not_valid', path: 'issuers.corp.certificates.old' }],
  };
  t.match(await load(held({ old: expiredCertificate.cert })), warned);
  t.match(await load(held({ old: localCertificate.cert }), { now: Date.UTC(2019, 0, 1) }), warned, 'not yet');
  const now = Math.max(LOAD_TIME, Date.UTC(2027, 0, 1));
  t.match(await load(held({ new: localCertificate.cert }), { now }), { ok: true, warnings: { length: 0 } });
});
