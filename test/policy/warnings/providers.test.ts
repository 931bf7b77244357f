/** Warnings about what is known of single providers: policies that deserve them, and policies close to them that do not. */
import t from 'tap';
import { loadBesidesKinds as load } from '../../fixtures/load.ts';

async function warningsOf(text: string): Promise<readonly string[]> {
  const loaded = await load(text);
  t.ok(loaded.ok, JSON.stringify(loaded.ok ? '' : loaded.problems));
  return loaded.warnings.map(({ code, path, line }) => `${line} ${path} ${code}`);
}

const entry = (issuer: string, more = '') =>
  `issuers: {a: {issuer: "${issuer}", audience: x, jwks_uri: "https://keys.example", ${more}}}`;

/** As it should be written; the other spelling is warned of. */
const spelt: readonly string[] = [
  'https://example.eu.auth0.com/',
  'https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/',
  'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
  'https://example.okta.com/oauth2/default',
  'https://example.oktapreview.com/oauth2/aus1',
  'https://accounts.google.com',
  'accounts.google.com',
  'https://securetoken.google.com/my-project',
  'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI',
  'https://cloud.google.com/iap',
  'https://example.cloudflareaccess.com',
  'https://abcdefghijklmnopqrst.supabase.co/auth/v1',
  'https://login.example.com/realms/corp',
  'http://127.0.0.1:8080/auth/realms/corp',
];

t.test('the final slash of known issuers', async (t) => {
  for (const issuer of spelt) {
    const other = issuer.endsWith('/') ? issuer.slice(0, -1) : `${issuer}/`;
    t.strictSame(await warningsOf(entry(issuer)), [], issuer);
    t.strictSame(await warningsOf(entry(other)), ['1 issuers.a.issuer issuer_slash'], other);
    const { warnings } = await load(entry(other));
    t.match(warnings[0]?.message, `is written ${issuer} in the tokens`);
  }
});

t.test('where Entra lets people of any tenant log in is the issuer of no token', async (t) => {
  const entra = 'https://login.microsoftonline.com';
  for (const issuer of [`${entra}/common/v2.0`, `${entra}/organizations/v2.0`, `${entra}/consumers/v2.0`]) {
    t.strictSame(await warningsOf(entry(issuer)), ['1 issuers.a.issuer entra_common'], issuer);
  }
  t.strictSame(await warningsOf(entry('https://sts.windows.net/common/')), [
    '1 issuers.a.issuer entra_common',
  ]);
  t.strictSame(await warningsOf(entry(`${entra}/commonwealth/v2.0`)), [], 'only the whole word');
});

t.test('an issuer of GitHub, also one of an enterprise, has no final slash', async (t) => {
  const pinned = 'require_claims: {repository_owner_id: "1"}';
  for (const issuer of [
    'https://token.actions.githubusercontent.com',
    'https://token.actions.githubusercontent.com/o',
  ]) {
    t.strictSame(await warningsOf(entry(issuer, pinned)), []);
    t.strictSame(await warningsOf(entry(`${issuer}/`, pinned)), ['1 issuers.a.issuer issuer_slash']);
  }
});

t.test('of issuers that nobody here knows, both spellings are taken', async (t) => {
  const unknown = [
    'https://login.example.com',
    'https://auth0.com.example.com',
    'https://example.com/a.auth0.com',
    'https://eastus.oic.prod-aks.azure.com/a/b',
    'https://login.microsoftonline.com/x',
    'https://gitlab.example.com',
    'https://login.example.com/realms/corp/more',
  ];
  for (const issuer of unknown) {
    t.strictSame(await warningsOf(entry(issuer)), [], issuer);
    t.strictSame(await warningsOf(entry(`${issuer}/`)), [], `${issuer}/`);
  }
});

t.test('the server of an Okta organization is for Okta', async (t) => {
  const warned = ['1 issuers.a.issuer okta_org_server'];
  for (const issuer of ['https://example.okta.com', 'https://example.okta-emea.com']) {
    t.strictSame(await warningsOf(entry(issuer)), warned, issuer);
  }
  t.strictSame(await warningsOf(entry('https://login.example.com', 'preset: okta')), warned);
  t.strictSame(await warningsOf(entry('https://login.example.com/oauth2/default', 'preset: okta')), []);
  t.strictSame(await warningsOf(entry('https://example.okta.com.example.com')), []);
});

const github = (more = '') => `issuers: {a: {preset: github, audience: x, ${more}}}\npath_case: sensitive\n`;
const route = (more: string) => `routes: [{path: /a, require: {${more}}}]`;

t.test("a token of GitHub is anybody's unless something is asked of its repository", async (t) => {
  const warned = ['1 issuers.a github_any_repository'];
  const open = [
    github(),
    github('require_claims: {ref: refs/heads/main}'),
    github('require_claims: {repository: {exists: true}}'),
    `${github()}${route('claims: {ref: refs/heads/main}')}`,
    `${github()}${route('when: claims.ref == "refs/heads/main"')}`,
    `${github()}routes: [{path: /a, require: {claims: {repository: o/r}}}, {path: /b}]`,
    entry('https://token.actions.githubusercontent.com'),
    entry('https://token.actions.githubusercontent.com/enterprise'),
  ];
  for (const text of open) t.strictSame(await warningsOf(text), warned, text);
  const pinned = [
    ...[
      'sub',
      'repository',
      'repository_id',
      'repository_owner',
      'repository_owner_id',
      'job_workflow_ref',
    ].map((name) => github(`require_claims: {${name}: x}`)),
    github('require_claims: {repository: {in: [o/r, o/s]}}'),
    github('require_claims: {sub: {starts_with: "repo:o/"}}'),
    `${github()}${route('claims: {repository: o/r}')}`,
    `${github()}${route('when: claims.repository_owner == "o"')}`,
    `${github()}routes: [{path: /a, require: {claims: {repository: o/r}}}, {path: /b, auth: none}]`,
    entry('https://token.actions.githubusercontent.com.example.com'),
  ];
  for (const text of pinned) t.strictSame(await warningsOf(text), [], text);
});

const assertions = [
  [
    'aws_alb',
    'X-Amzn-Oidc-Data',
    'issuer: "https://a.example", key_uri: "https://k.example/{kid}", require_header: {signer: arn}',
  ],
  ['google_iap', 'X-Goog-IAP-JWT-Assertion', ''],
  ['cloudflare_access', 'Cf-Access-Jwt-Assertion', 'issuer: "https://a.cloudflareaccess.com"'],
] as const;

t.test('what a front end vouches for must be read where it comes', async (t) => {
  const entries = assertions.map(([preset, ...rest]) => [`preset: ${preset}, audience: x`, ...rest] as const);
  const [, ...balancer] = assertions[0];
  const written = ['profile: aws_alb, audience: {any_of: x, claims: client}', ...balancer] as const;
  for (const [start, header, more] of [...entries, written]) {
    const issuers = `issuers: {a: {${start}, ${more}}}\npath_case: sensitive\n`;
    const warned = ['1 issuers.a assertion_not_read'];
    t.strictSame(await warningsOf(issuers), warned, start);
    t.strictSame(await warningsOf(`${issuers}token_sources: [{header: X-Other}]`), warned);
    t.strictSame(await warningsOf(`${issuers}token_sources: [{header: ${header.toLowerCase()}}]`), []);
    t.strictSame(await warningsOf(`${issuers}token_sources: [{header: ${header}, issuers: [a]}]`), []);
    const onRoute = `routes: [{path: /a, token_sources: [{header: ${header}}]}, {path: /b}]`;
    t.strictSame(await warningsOf(`${issuers}${onRoute}`), [], 'one route is enough');
    const { warnings } = await load(issuers);
    t.match(warnings[0]?.message, `token_sources: [{header: ${header}, issuers: [a]}]`);
  }
});

t.test('a header that is read for another issuer only does not count', async (t) => {
  const text = `issuers: {a: {preset: google_iap, audience: x}, b: {issuer: "https://b.example", audience: x}}
accept: [a, b]
token_sources: [authorization, {header: X-Goog-IAP-JWT-Assertion, issuers: [b]}]`;
  t.strictSame(await warningsOf(text), ['1 issuers.a assertion_not_read']);
});

t.test('ID tokens are warned of where somebody wrote it, not where a provider has no others', async (t) => {
  for (const preset of ['preset: google', 'preset: firebase, issuer: "https://securetoken.google.com/p"']) {
    t.strictSame(await warningsOf(`issuers: {a: {${preset}, audience: x}}`), []);
    t.strictSame(await warningsOf(`issuers: {a: {${preset}, audience: x, accept_id_tokens: true}}`), [
      '1 issuers.a.accept_id_tokens accept_id_tokens',
    ]);
  }
});
