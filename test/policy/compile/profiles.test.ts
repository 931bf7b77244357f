/** What a profile narrows and rules out at load, and where padding is taken. */
import t from 'tap';
import { load, loadGood } from '../../fixtures/load.ts';
import { createSigningKey, keySet } from '../../fixtures/token-signer.ts';

const key = createSigningKey('ES256');
const bundle = (...uses: string[]) =>
  JSON.stringify({ keys: uses.map((use) => ({ ...key.jwk, alg: undefined, use, kid: use })) });
const spiffe = (more: string, issuer = 'spiffe://example.org') =>
  `issuers: {mesh: {issuer: ${issuer}, audience: orders, profile: spiffe, ${more}}}`;
const SOURCE = 'jwks_uri: "https://spire.example.org/bundle"';
const SIGNER = 'require_header: {signer: arn}';
const alb = (more: string) =>
  `{issuer: "https://users.example.com", audience: {any_of: shop, claims: client}, profile: aws_alb, ${SIGNER}, ${more}}`;
const KEY_URI = 'key_uri: "https://keys.example.com/{kid}"';

/** What is written, the code, the path, and the way out that the message must name. */
const refused: readonly (readonly [string, string, string, RegExp])[] = [
  [
    spiffe(SOURCE, 'https://example.org'),
    'invalid_trust_domain',
    'issuers.mesh.issuer',
    /spiffe:\/\/example\.org/,
  ],
  [spiffe(SOURCE, 'spiffe://Example.org'), 'invalid_trust_domain', 'issuers.mesh.issuer', /lower case/],
  [spiffe(SOURCE, 'spiffe://example.org/a'), 'invalid_trust_domain', 'issuers.mesh.issuer', /without path/],
  [spiffe(SOURCE, '"spiffe://example.org:443"'), 'invalid_trust_domain', 'issuers.mesh.issuer', /port/],
  [spiffe(SOURCE, '"spiffe://me@example.org"'), 'invalid_trust_domain', 'issuers.mesh.issuer', /alone/],
  [spiffe(SOURCE, '"spiffe://"'), 'invalid_trust_domain', 'issuers.mesh.issuer', /alone/],
  [
    spiffe(SOURCE, '[spiffe://a, spiffe://b]'),
    'several_trust_domains',
    'issuers.mesh.issuer',
    /an entry for each/,
  ],
  [
    spiffe(`${SOURCE}, algorithms: [ES256, EdDSA]`),
    'profile_contradicts',
    'issuers.mesh.algorithms',
    /EdDSA/,
  ],
  [spiffe('discovery_url: "https://a/b"'), 'profile_contradicts', 'issuers.mesh.discovery_url', /jwks_uri/],
  [
    spiffe('certificates_uri: "https://a/b"'),
    'profile_contradicts',
    'issuers.mesh.certificates_uri',
    /jwks_uri/,
  ],
  [spiffe('key_uri: "https://a/{kid}"'), 'profile_contradicts', 'issuers.mesh.key_uri', /jwks_file/],
  [spiffe(`secret: ${'s'.repeat(64)}`), 'profile_contradicts', 'issuers.mesh.secret', /remove it/],
  [spiffe(''), 'key_source_missing', 'issuers.mesh', /jwks_uri.*jwks_file/],
  [
    spiffe('jwks_uri: "http://spire.example.org/bundle"'),
    'insecure_key_source',
    'issuers.mesh.jwks_uri',
    /https:\/\//,
  ],
  [
    `issuers: {mesh: {issuer: spiffe://a, audience: {insecure_any: true}, profile: spiffe, ${SOURCE}}}`,
    'profile_contradicts',
    'issuers.mesh.audience',
    /must name this service/,
  ],
  [
    `issuers: {mesh: {issuer: spiffe://a, audience: {any_of: x, claims: [aud, sub]}, profile: spiffe, ${SOURCE}}}`,
    'profile_contradicts',
    'issuers.mesh.audience',
    /remove claims/,
  ],
  [
    `issuers: {mesh: {issuer: spiffe://a, audience: x, ${SOURCE}}}`,
    'profile_missing',
    'issuers.mesh.issuer',
    /profile: spiffe/,
  ],
  [
    `issuers: {mesh: {issuer: "SPIFFE://a", audience: x, profile: kubernetes, ${SOURCE}}}`,
    'profile_missing',
    'issuers.mesh.issuer',
    /profile: spiffe/,
  ],
  [
    `issuers: {k8s: {issuer: "https://k", audience: x, profile: kubernetes, secret: ${'s'.repeat(64)}}}`,
    'profile_contradicts',
    'issuers.k8s.secret',
    /remove it/,
  ],
  [
    `issuers: {alb: {issuer: "https://k", audience: x, profile: aws_alb, ${KEY_URI}, ${SIGNER}}}`,
    'profile_contradicts',
    'issuers.alb.audience',
    /claims: client/,
  ],
  [
    `issuers: {a: {issuer: spiffe://a, audience: x, profile: spiffe, ${SOURCE}}, b: {issuer: spiffe://a, audience: y, profile: spiffe, ${SOURCE}}}\naccept: a`,
    'issuer_shared',
    'issuers.b.issuer',
    /one entry/,
  ],
];

t.test('Q08 what contradicts a profile is refused at load, with a way out', async (t) => {
  for (const [text, code, path, wayOut] of refused) {
    const loaded = await load(text);
    const problems = loaded.ok ? [] : loaded.problems;
    const found = problems.find((problem) => problem.code === code);
    t.match(found, { path, message: wayOut }, `${text} ${JSON.stringify(problems)}`);
    t.notOk(
      problems.some((problem) => problem.code === 'not_discoverable'),
      'and is told as what it is',
    );
  }
});

t.test('Q08 algorithms of an entry that names none are those of its profile', async (t) => {
  const eight = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];
  const algorithmsOf = async (text: string) => (await loadGood(text)).issuers[0]?.algorithms;
  t.strictSame(await algorithmsOf(spiffe(SOURCE)), eight);
  t.strictSame(await algorithmsOf(`issuers: {alb: ${alb(KEY_URI)}}`), ['ES256']);
  t.strictSame(await algorithmsOf(spiffe(`${SOURCE}, algorithms: [PS256]`)), ['PS256']);
  t.strictSame(await algorithmsOf(''), [...eight, 'EdDSA', 'Ed25519']);
});

t.test('K13 a bundle in a file may be empty, with a warning, and an other set may not', async (t) => {
  for (const uses of [[], ['x509-svid'], ['sig']]) {
    const loaded = await load(spiffe(`jwks: ${bundle(...uses)}`));
    t.ok(loaded.ok, JSON.stringify(loaded));
    t.ok(
      loaded.warnings.some(({ code }) => code === 'no_usable_key'),
      uses.join(),
    );
  }
  const good = await load(spiffe(`jwks: ${bundle('x509-svid', 'jwt-svid')}`));
  t.ok(good.ok);
  t.notOk(
    good.warnings.some(({ path }) => path.includes('jwks')),
    'nothing to say of X.509-SVIDs',
  );
  const plain = (set: object) =>
    load(`issuers: {corp: {issuer: "https://a", audience: x, jwks: ${JSON.stringify(set)}}}`);
  t.equal((await plain({ keys: [] })).ok, false);
  t.equal((await plain(JSON.parse(bundle('jwt-svid')))).ok, false);
  t.equal((await plain(keySet(key))).ok, true);
});

t.test('padding is taken in headers that are read for load balancers alone', async (t) => {
  const corp = 'corp: {issuer: "https://login.example.com", audience: x}';
  const issuers = `issuers: {alb: ${alb(KEY_URI)}, second: ${alb(KEY_URI).replace('users', 'others')}, ${corp}}`;
  const one = `issuers: {alb: ${alb(KEY_URI)}}`;
  const H = 'header: X-Amzn-Oidc-Data';
  for (const [text, padded] of [
    [`${one}\ntoken_sources: {${H}}`, [true]],
    [`${one}\ntoken_sources: [authorization, {${H}}]`, [true]],
    [
      `${issuers}\naccept: [corp, alb]\ntoken_sources: [{${H}, issuers: [alb]}, {header: X-Token}]`,
      [true, false],
    ],
    [
      `${issuers}\naccept: [alb, second, corp]\ntoken_sources: [{${H}, issuers: [alb, second]}, authorization]`,
      [true],
    ],
    [`${issuers}\naccept: [alb]\ntoken_sources: [{${H}, issuers: [alb, corp]}]`, [true]],
    [`${issuers}\naccept: [corp]\ntoken_sources: [{header: X-Token}]`, [false]],
    [`${one}\ntoken_sources: [authorization, {cookie: t}, {query: q}]`, []],
  ] as const) {
    const policy = await loadGood(text);
    const sources = policy.routes[0]?.accept.tokenSources ?? [];
    t.strictSame(
      sources.flatMap((source) => (source.in === 'header' ? [source.padded] : [])),
      padded,
      text,
    );
  }
});

t.test('a load balancer that is read only beside others could never be read', async (t) => {
  const corp = 'corp: {issuer: "https://login.example.com", audience: x}';
  const issuers = `issuers: {alb: ${alb(KEY_URI)}, ${corp}}\naccept: [alb, corp]`;
  for (const sources of [
    '{header: X-Amzn-Oidc-Data}',
    '[authorization, {header: X-A, issuers: [alb, corp]}]',
  ]) {
    const loaded = await load(`${issuers}\ntoken_sources: ${sources}`);
    t.match(loaded, {
      ok: false,
      problems: [{ code: 'padded_among_others', message: /issuers: \[alb\]/ }],
    });
  }
});
