import t from 'tap';
import { discover, metadataUrls } from '../../src/keys/discover.ts';
import type { Fetched, KeyTransport } from '../../src/keys/fetch-keys.ts';

const ISSUER = 'https://as.test/realms/corp';
const JWKS = 'https://as.test/keys';

t.test('K19 K20 metadata is looked for in the order of RFC 8414 and OpenID Connect', async (t) => {
  t.same(metadataUrls('https://as.test/realms/corp'), [
    'https://as.test/.well-known/oauth-authorization-server/realms/corp',
    'https://as.test/.well-known/openid-configuration/realms/corp',
    'https://as.test/realms/corp/.well-known/openid-configuration',
  ]);
  const root = [
    'https://tenant.auth0.test/.well-known/oauth-authorization-server',
    'https://tenant.auth0.test/.well-known/openid-configuration',
  ];
  t.same(metadataUrls('https://tenant.auth0.test/'), root, 'the final slash is dropped for the address');
  t.same(metadataUrls('https://tenant.auth0.test'), root);
  t.same(
    metadataUrls('https://as.test:8443/a/')[0],
    'https://as.test:8443/.well-known/oauth-authorization-server/a',
  );
});

t.test('K18 only metadata of exactly this issuer is used', async (t) => {
  const others = [
    'https://AS.test/realms/corp',
    'https://as.test:443/realms/corp',
    'https://evil.test',
    '',
    7,
    [ISSUER],
    undefined,
  ];
  for (const issuer of others) {
    const result = await run({ document: { issuer, jwks_uri: JWKS } });
    t.match(result, { ok: false, cause: 'names another issuer' }, String(issuer));
  }
  const slash = await run({ document: { issuer: `${ISSUER}/`, jwks_uri: JWKS } });
  t.match(slash, { ok: false, cause: /differs from the policy's only by its final slash: write \S+corp\/$/ });
  t.same(await run({ document: { issuer: ISSUER, jwks_uri: JWKS } }), { ok: true, jwksUri: JWKS });
});

t.test('K18 metadata that names the issuer as that of its access tokens is used (ADFS)', async (t) => {
  const rows: readonly [access_token_issuer: unknown, found: boolean][] = [
    [ISSUER, true],
    [`${ISSUER}/`, false],
    ['https://evil.test', false],
    [[ISSUER], false],
    [undefined, false],
  ];
  for (const [access_token_issuer, found] of rows) {
    const document = { issuer: 'https://as.test/adfs', access_token_issuer, jwks_uri: JWKS };
    t.equal((await run({ document })).ok, found, JSON.stringify(access_token_issuer));
  }
});

const template = 'https://as.test/{tenant}/v2';
const named = (tenant: string): string => template.replace('{tenant}', tenant);
/** Tenants (null: any), the issuer in the metadata, and whether it is that of the entry. */
const TEMPLATES: readonly (readonly [anyOf: readonly string[] | null, issuer: string, found: boolean])[] = [
  [['a'], named('{tenantid}'), true],
  [['a'], template, true],
  [['a'], named('a'), true],
  [['a'], named('b'), false],
  [['a', 'b'], named('{tenantid}'), true],
  [['a', 'b'], named('a'), false],
  [null, named('{tenantid}'), true],
  [null, named('a'), false],
  [['a'], named('{tid}'), false],
  [['a'], named('{TENANTID}'), false],
  [['a'], 'https://other.test/{tenantid}/', false],
];
t.test('K18 for tenants metadata names the first template, or the only tenant', async (t) => {
  const second = 'https://other.test/{tenant}/';
  for (const [anyOf, issuer, found] of TEMPLATES) {
    const issuers = (anyOf ?? []).flatMap((tenant) => [named(tenant), second.replace('{tenant}', tenant)]);
    const entry = { issuers, tenants: { templates: [template, second], anyOf }, insecureHttp: false };
    const answer: Fetched = { ok: true, maxAge: null, document: { issuer, jwks_uri: JWKS } };
    const { signal } = new AbortController();
    const result = await discover(entry, ['https://as.test/common'], transportOf([answer]), signal);
    t.equal(result.ok, found, `${issuer} for ${anyOf}`);
    if (!found) t.match(result, { cause: /names another issuer: "/ });
  }
});

t.test('the next place is tried after an answer that is no use, not after silence', async (t) => {
  const good: Fetched = { ok: true, maxAge: null, document: { issuer: ISSUER, jwks_uri: JWKS } };
  const asked: string[] = [];
  const answers: Fetched[] = [
    { ok: false, answered: true, cause: 'answered with status 404' },
    {
      ok: true,
      maxAge: null,
      document: { issuer: 'https://other.test', jwks_uri: 'https://other.test/keys' },
    },
    good,
  ];
  t.same(await discoverWith(answers, asked), { ok: true, jwksUri: JWKS });
  t.equal(asked.length, 3);
  asked.length = 0;
  const silent: Fetched = { ok: false, answered: false, cause: 'ECONNREFUSED' };
  t.match(await discoverWith([silent, good], asked), { ok: false, cause: /ECONNREFUSED/ });
  t.equal(asked.length, 1);
  const mismatch: Fetched = { ok: true, maxAge: null, document: { issuer: 'https://other.test' } };
  const missing: Fetched = { ok: false, answered: true, cause: 'answered with status 404' };
  t.match(
    await discoverWith([mismatch, missing, missing], []),
    { cause: /another issuer/ },
    'the mismatch is told',
  );
});

t.test('S16 a key address must be https unless the policy allows otherwise', async (t) => {
  const vectors = [
    { jwksUri: 'https://keys.other.test/set', ok: true },
    { jwksUri: 'http://as.test/keys', ok: false },
    { jwksUri: 'http://169.254.169.254/latest/meta-data', ok: false },
    { jwksUri: 'http://127.0.0.1:8080/keys', ok: false },
    { jwksUri: 'file:///etc/passwd', ok: false },
    { jwksUri: 'data:application/json,{}', ok: false },
    { jwksUri: 'https://user:secret@as.test/keys', ok: false },
    { jwksUri: 'not a url', ok: false },
    { jwksUri: `https://as.test/${'k'.repeat(2100)}`, ok: false },
    { jwksUri: 7, ok: false },
    { jwksUri: 'http://as.test/keys', insecureHttp: true, ok: true },
    { jwksUri: 'ftp://as.test/keys', insecureHttp: true, ok: false },
    { jwksUri: 'http://127.0.0.1:8080/keys', issuer: 'http://localhost:8080', ok: true },
    { jwksUri: 'http://[::1]:8080/keys', issuer: 'http://127.0.0.1:8080', ok: true },
    { jwksUri: 'http://10.0.0.1/keys', issuer: 'http://localhost:8080', ok: false },
    { jwksUri: 'http://127.0.0.1.evil.test/keys', issuer: 'http://localhost:8080', ok: false },
  ];
  for (const { jwksUri, ok, issuer, insecureHttp = false } of vectors) {
    const document = { issuer: issuer ?? ISSUER, jwks_uri: jwksUri };
    const result = await run({ document, issuer: issuer ?? ISSUER, insecureHttp });
    t.equal(result.ok, ok, `${issuer ?? ISSUER} -> ${jwksUri}`);
  }
});

function run({
  document,
  issuer = ISSUER,
  insecureHttp = false,
}: {
  document: Record<string, unknown>;
  issuer?: string;
  insecureHttp?: boolean;
}) {
  return discover(
    { issuers: [issuer], tenants: null, insecureHttp },
    metadataUrls(issuer),
    transportOf([{ ok: true, maxAge: null, document }]),
    new AbortController().signal,
  );
}

function discoverWith(answers: readonly Fetched[], asked: string[]) {
  const issuer = { issuers: [ISSUER], tenants: null, insecureHttp: false };
  return discover(issuer, metadataUrls(ISSUER), transportOf(answers, asked), new AbortController().signal);
}

function transportOf(answers: readonly Fetched[], asked: string[] = []): KeyTransport {
  return {
    fetch: (url) => {
      asked.push(url);
      const answer = answers[asked.length - 1] ?? answers[answers.length - 1];
      if (answer === undefined) throw new Error('no answer');
      return Promise.resolve(answer);
    },
    close: () => {},
  };
}
