/** Each preset: what it fills, that what is written wins, and what is said when something about it is wrong. */
import t from 'tap';
import { stringify } from 'yaml';
import type { LoadOptions } from '../../src/policy/load-policy.ts';
import { readConfiguration } from '../../src/policy/read-policy.ts';
import { issuerKeys } from '../../src/policy/schema/issuers.ts';
import { KEY_SOURCES } from '../../src/policy/schema/key-sources.ts';
import type { Key, ObjectNode, Preset } from '../../src/policy/schema/node.ts';
import { PRESET_NAMES, PRESETS } from '../../src/policy/schema/presets.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { testAuthority } from '../fixtures/certificates.ts';
import { load, loadGood } from '../fixtures/load.ts';

type Values = Readonly<Record<string, unknown>>;

const AUTHORITY = '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt';
const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const cluster: Readonly<Record<string, string>> = { [AUTHORITY]: testAuthority, [TOKEN]: 'abc' };

function inCluster(path: string): string {
  const text = cluster[path];
  if (text === undefined) throw Object.assign(new Error('none'), { code: 'ENOENT' });
  return text;
}

function policyOf(entry: Values): string {
  return stringify({ issuers: { x: entry } }, { lineWidth: 0 });
}

async function issuerOf(entry: Values, options: Partial<LoadOptions> = {}): Promise<IssuerPolicy> {
  const { issuers } = await loadGood(policyOf(entry), { readFile: inCluster, ...options });
  const [issuer] = issuers;
  if (issuer === undefined || issuers.length !== 1) throw new Error(`${issuers.length} issuers`);
  return issuer;
}

/** `LINE:COLUMN path code` of each problem of a policy. */
async function problemsOf(text: string, options: Partial<LoadOptions> = {}): Promise<readonly string[]> {
  const loaded = await load(text, { readFile: inCluster, ...options });
  const problems = loaded.ok ? [] : loaded.problems;
  return problems.map(({ line, column, path, code }) => `${line}:${column} ${path} ${code}`);
}

const presets: Readonly<Record<string, Preset>> = PRESETS;
/** Each with what is left to write. */
const entries = PRESET_NAMES.map((name) => {
  const { fills, examples } = presets[name] as Preset;
  return { name, fills, examples, entry: { preset: name, ...examples } as Values };
});
const { node: issuersNode } = issuerKeys.issuers;
const issuerNode = issuersNode.kind === 'map' ? (issuersNode.value as ObjectNode) : null;

/** The checked entry as it reaches the compiler. */
function readEntry(entry: Values): Record<string, unknown> {
  const reading = readConfiguration({
    file: '/policy/sallyport.yaml',
    text: stringify({ upstream: 'http://a', issuers: { x: entry }, routes: [{ path: '/' }] }),
    environment: {},
    readFile: (path) => cluster[path] ?? '{"keys": [{"kty": "RSA"}], "k": "x"}',
  });
  t.strictSame(reading.problems.sorted(), [], JSON.stringify(entry));
  return reading.configuration.issuers.get('x') as unknown as Record<string, unknown>;
}

const tenant = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const google = 'https://www.googleapis.com';
const none = { client: [], scopes: [], roles: [] };
const RSA_AND_EC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];

const asked = (name: string, matcher: Values) => [{ name, path: [name], matchers: [matcher] }];
const there: Values = { op: 'exists', value: true };

/** What each provider publishes, said here a second time, so that a slip in the table is seen. */
const facts: Readonly<Record<string, Partial<Record<keyof IssuerPolicy, unknown>>>> = {
  keycloak: {
    keys: { from: 'discovery', url: null },
    client: [['azp'], ['client_id']],
    scopes: [['scope']],
    roles: [['realm_access', 'roles']],
    requireClaims: [{ name: 'typ', path: ['typ'], matchers: [{ op: 'equals', value: 'Bearer' }] }],
  },
  entra: {
    issuers: [`https://login.microsoftonline.com/${tenant}/v2.0`, `https://sts.windows.net/${tenant}/`],
    keys: {
      from: 'discovery',
      url: 'https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration',
    },
    client: [['azp'], ['appid']],
    scopes: [['scp']],
    roles: [['roles']],
  },
  auth0: {
    keys: { from: 'discovery', url: null },
    client: [['client_id'], ['azp']],
    scopes: [['scope'], ['permissions']],
    roles: [],
  },
  okta: { keys: { from: 'discovery', url: null }, client: [['cid']], scopes: [['scp']], roles: [['groups']] },
  cognito: {
    keys: { from: 'discovery', url: null },
    audience: { anyOf: ['1example23456789'], claims: [['client_id']] },
    client: [['client_id']],
    scopes: [['scope']],
    roles: [['cognito:groups']],
    acceptIdTokens: false,
    requireClaims: [
      { name: 'token_use', path: ['token_use'], matchers: [{ op: 'equals', value: 'access' }] },
    ],
  },
  dex: {
    acceptIdTokens: true,
    client: [['azp'], ['aud']],
    scopes: [],
    roles: [['groups']],
    requireClaims: [],
  },
  spring: {
    acceptIdTokens: false,
    requireClaims: asked('nbf', there),
    client: [['aud']],
    scopes: [['scope']],
    roles: [['roles']],
  },
  casdoor: {
    acceptIdTokens: true,
    requireClaims: asked('tokenType', { op: 'equals', value: 'access-token' }),
    client: [['azp']],
    roles: [['groups']],
  },
  zitadel: {
    acceptIdTokens: false,
    requireClaims: asked('jti', there),
    client: [['client_id'], ['azp']],
    roles: [['urn:zitadel:iam:org:project:roles']],
  },
  authentik: {
    acceptIdTokens: true,
    requireClaims: asked('uid', there),
    client: [['azp']],
    roles: [['groups']],
  },
  google: {
    issuers: ['https://accounts.google.com', 'accounts.google.com'],
    keys: { from: 'url', url: `${google}/oauth2/v3/certs`, form: 'jwks' },
    acceptIdTokens: true,
    ...none,
    client: [['azp']],
  },
  firebase: {
    keys: {
      from: 'url',
      url: `${google}/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com`,
      form: 'jwks',
    },
    algorithms: ['RS256'],
    acceptIdTokens: true,
    requireClaims: [{ name: 'auth_time', path: ['auth_time'], matchers: [{ op: 'exists', value: true }] }],
    ...none,
  },
  supabase: {
    keys: {
      from: 'url',
      url: 'https://abcdefghijklmnopqrst.supabase.co/auth/v1/.well-known/jwks.json',
      form: 'jwks',
    },
    audience: { anyOf: ['authenticated'], claims: [['aud']] },
    ...none,
    roles: [['role']],
  },
  github: {
    issuers: ['https://token.actions.githubusercontent.com'],
    keys: { from: 'discovery', url: null },
    ...none,
    client: [['repository']],
  },
  kubernetes: {
    issuers: ['https://kubernetes.default.svc.cluster.local'],
    keys: { from: 'url', url: 'https://kubernetes.default.svc/openid/v1/jwks', form: 'jwks' },
    ca: testAuthority,
    bearerTokenFile: TOKEN,
    profile: 'kubernetes',
    ...none,
  },
  spiffe: { algorithms: RSA_AND_EC, profile: 'spiffe', ...none },
  aws_alb: {
    audience: { anyOf: ['1example23456789'], claims: [['client']] },
    algorithms: ['ES256'],
    profile: 'aws_alb',
    ...none,
    client: [['client']],
  },
  google_iap: {
    issuers: ['https://cloud.google.com/iap'],
    keys: { from: 'url', url: 'https://www.gstatic.com/iap/verify/public_key-jwk', form: 'jwks' },
    algorithms: ['ES256'],
    ...none,
  },
  cloudflare_access: {
    keys: { from: 'url', url: 'https://example.cloudflareaccess.com/cdn-cgi/access/certs', form: 'jwks' },
    algorithms: ['RS256'],
    subject: [['common_name'], ['sub']],
    ...none,
  },
};

t.test('each preset is enough beside what its provider cannot know', async (t) => {
  t.strictSame(Object.keys(facts), PRESET_NAMES);
  for (const { name, entry } of entries) {
    const issuer = await issuerOf(entry);
    t.equal(issuer.preset, name);
    for (const [key, wanted] of Object.entries(facts[name] ?? {})) {
      t.strictSame(issuer[key as keyof IssuerPolicy], wanted, `${name}: ${key}`);
    }
  }
});

t.test('an entry with a preset is the same as one in which all of it is written out', async (t) => {
  for (const { name, entry, fills, examples } of entries) {
    const [first] = [examples.issuer].flat();
    const filled = JSON.parse(
      JSON.stringify(fills).replaceAll('{issuer}', String(first).replace(/\/$/, '')),
    ) as Values;
    const audience =
      typeof filled.audience === 'object' ? { ...filled.audience, any_of: examples.audience } : undefined;
    const written = { ...filled, ...examples, ...(audience === undefined ? {} : { audience }) };
    const { preset: _, ...long } = await issuerOf(written);
    const { preset: __, ...short } = await issuerOf(entry);
    t.strictSame(short, long, name);
  }
});

/** Another value for whatever a preset fills; good by itself. */
const others: Values = {
  issuer: 'https://other.example/',
  discovery_url: 'https://other.example/metadata',
  jwks_uri: 'https://other.example/jwks',
  ca_file: '/other.crt',
  bearer_token_file: '/other.token',
  algorithms: ['ES384'],
  profile: 'rfc9068',
  accept_id_tokens: false,
  'audience.any_of': 'other',
  'audience.claims': ['other'],
  'claims.subject': ['other'],
  'claims.client': ['other'],
  'claims.scopes': ['other'],
  'claims.roles': ['other'],
  'refresh.interval': '7m',
};

/** `audience` in its short form is its `any_of`. */
function leavesOf(fills: Values, node: ObjectNode | null): readonly (readonly string[])[] {
  return Object.entries(fills).flatMap(([name, value]) => {
    const below: Key | undefined = node?.keys[name];
    if (below?.node.kind !== 'object') return name === 'require_claims' ? [] : [[name]];
    const { short } = below.node;
    if (typeof value !== 'object' || value === null) return short === undefined ? [] : [[name, short]];
    return Object.keys(value).map((key) => [name, key]);
  });
}

/** Every value of an entry by its dotted path. */
function flat(entry: Values): ReadonlyMap<string, string> {
  const pairs = Object.entries(entry).flatMap(([name, value]) =>
    ['audience', 'claims', 'refresh'].includes(name)
      ? Object.entries((value ?? {}) as Values).map(([inner, each]) => [`${name}.${inner}`, each] as const)
      : [[name, value] as const],
  );
  return new Map(pairs.map(([name, value]) => [name, stringify(value)]));
}

function changed(before: Values, after: Values): readonly string[] {
  const [old, now] = [flat(before), flat(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((name) => old.get(name) !== now.get(name));
}

/** What changes with a key besides. */
function dependents(leaf: string, fills: Values): readonly string[] {
  if (KEY_SOURCES.includes(leaf)) return ['ca_file', 'bearer_token_file'].filter((name) => name in fills);
  if (leaf === 'issuer' && 'discovery_url' in fills) return ['discovery_url'];
  const usesIssuer = JSON.stringify(fills).includes('{issuer}');
  return leaf === 'issuer' && usesIssuer ? ['jwks_uri'] : [];
}

t.test('what is written wins, key by key, and nothing else changes', async (t) => {
  let count = 0;
  for (const { name, entry, fills } of entries) {
    const before = readEntry(entry);
    for (const [outer = '', inner] of leavesOf(fills, issuerNode)) {
      const leaf = inner === undefined ? outer : `${outer}.${inner}`;
      t.not(others[leaf], undefined, leaf);
      const beside = typeof entry[outer] === 'string' ? { any_of: entry[outer] } : {};
      const own = inner === undefined ? others[leaf] : { ...beside, [inner]: others[leaf] };
      const after = readEntry({ ...entry, [outer]: own });
      const wanted = [leaf, ...dependents(leaf, fills)];
      t.strictSame([...changed(before, after)].sort(), wanted.sort(), `${name}: ${leaf}`);
      count += 1;
    }
  }
  t.ok(count > 50, `${count} keys`);
});

t.test("a matcher of one's own stands beside those of the preset, or in the place of one", async (t) => {
  const base = { preset: 'keycloak', issuer: 'https://a.example/realms/b', audience: 'x' };
  const beside = await issuerOf({ ...base, require_claims: { email_verified: true } });
  t.strictSame(
    beside.requireClaims.map(({ name }) => name),
    ['typ', 'email_verified'],
  );
  const instead = await issuerOf({ ...base, require_claims: { typ: { in: ['Bearer', 'DPoP'] } } });
  t.strictSame(instead.requireClaims, [
    { name: 'typ', path: ['typ'], matchers: [{ op: 'in', values: ['Bearer', 'DPoP'] }] },
  ]);
});

t.test("beside a source of one's own that of the preset is gone, with all that was for it", async (t) => {
  const own: Values = {
    discovery_url: 'https://o.example/d',
    jwks_uri: 'https://o.example/jwks',
    jwks: { keys: [{ kty: 'RSA' }] },
    jwks_file: 'keys.json',
    certificates_uri: 'https://o.example/certificates',
    certificates: { k: 'x' },
    certificates_file: 'certificates.json',
    key_uri: 'https://o.example/{kid}',
    secret: 's'.repeat(64),
    secret_file: 'secret',
  };
  const named = Object.keys(own).map((name) => name.replace(/_file$/, ''));
  t.strictSame(new Set(named), new Set(KEY_SOURCES));
  for (const [key, value] of Object.entries(own)) {
    const {
      ca_file: authority,
      bearer_token_file: token,
      ...entry
    } = readEntry({
      preset: 'kubernetes',
      audience: 'x',
      [key]: value,
    });
    t.strictSame([authority, token], [undefined, undefined], `${key}: the token of the cluster stays here`);
    const given = KEY_SOURCES.filter((name) => entry[name] !== undefined);
    t.strictSame(given, [key.replace(/_file$/, '')]);
    t.equal(entry.profile, 'kubernetes', 'and the rest is filled');
  }
});

t.test("a file of one's own replaces that of the preset", async (t) => {
  const readFile = (path: string) => (path === '/other.crt' ? testAuthority : inCluster(path));
  const issuer = await issuerOf(
    { preset: 'kubernetes', audience: 'x', ca_file: '/other.crt' },
    { readFile: (path) => (path === AUTHORITY ? inCluster('/none') : readFile(path)) },
  );
  t.equal(issuer.ca, testAuthority);
  t.equal(issuer.bearerTokenFile, TOKEN);
});

t.test('{issuer} stands for the first issuer without its final slash, whatever is in it', async (t) => {
  const urls = [
    ['https://a.example', 'https://a.example/cdn-cgi/access/certs'],
    ['https://a.example/', 'https://a.example/cdn-cgi/access/certs'],
    ['https://a.example/$&', 'https://a.example/$&/cdn-cgi/access/certs'],
    [['https://a.example/b', 'https://c.example'], 'https://a.example/b/cdn-cgi/access/certs'],
  ] as const;
  for (const [issuer, url] of urls) {
    const text = policyOf({ preset: 'cloudflare_access', issuer, audience: 'x' }).replace('$&', '$$$$&');
    const { issuers } = await loadGood(text);
    t.strictSame(issuers[0]?.keys, { from: 'url', url, form: 'jwks' });
  }
});

t.test("an issuer of one's own is asked for its own metadata", async (t) => {
  const issuer = 'https://login.microsoftonline.us/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0';
  const { keys, issuers, tenants } = await issuerOf({ preset: 'entra', issuer, audience: 'x' });
  t.strictSame(keys, { from: 'discovery', url: null });
  t.strictSame([issuers, tenants], [[issuer], null]);
  const several = {
    preset: 'entra',
    issuer: 'https://login.microsoftonline.us/{tenant}/v2.0',
    audience: 'x',
  };
  const own = {
    discovery_url: 'https://login.microsoftonline.us/common/v2.0/.well-known/openid-configuration',
  };
  const written = await issuerOf({ ...several, ...own, tenants: { insecure_any: true } });
  t.strictSame(written.keys, { from: 'discovery', url: own.discovery_url });
});

t.test('the signer of a load balancer is named by ARN, or by account', async (t) => {
  const arn = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188';
  const account = 'arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012:';
  for (const signer of [arn, { in: [arn] }, { starts_with: account }]) {
    const entry = entries.find(({ name }) => name === 'aws_alb')?.entry;
    const issuer = await issuerOf({ ...entry, require_header: { signer } });
    t.match(issuer.requireHeader, [{ name: 'signer' }]);
  }
});

t.test('insecure_any takes the place of an audience that nobody wrote', async (t) => {
  const base = { preset: 'supabase', issuer: 'https://a.supabase.co/auth/v1' };
  t.strictSame((await issuerOf({ ...base, audience: { insecure_any: true } })).audience, {
    insecureAny: true,
  });
  t.strictSame(await problemsOf(policyOf({ ...base, audience: { insecure_any: true, any_of: 'x' } })), [
    '6:7 issuers.x.audience audience_contradicts',
  ]);
});

/** Text, and `LINE:COLUMN path code` of each problem. */
const wrong: readonly (readonly [text: string, problems: readonly string[]])[] = [
  ['issuers: {x: {preset: keyclaok}}', ['1:23 issuers.x.preset invalid_value']],
  [
    'issuers: {x: {preset: keyclaok, audience: 5}}',
    ['1:23 issuers.x.preset invalid_value', '1:43 issuers.x.audience wrong_type'],
  ],
  ['issuers: {x: {preset: toString}}', ['1:23 issuers.x.preset invalid_value']],
  ['issuers: {x: {preset: [keycloak]}}', ['1:23 issuers.x.preset wrong_type']],
  ['issuers: {x: {preset: {}}}', ['1:23 issuers.x.preset wrong_type']],
  ['issuers: {x: {preset: }}', ['1:15 issuers.x.preset no_value']],
  ['issuers: {x: {preset: 5}}', ['1:23 issuers.x.preset wrong_type']],
  [
    'issuers: {x: {preset: keycloak}}',
    ['1:14 issuers.x.issuer required', '1:14 issuers.x.audience required'],
  ],
  ['issuers: {x: {preset: google}}', ['1:14 issuers.x.audience required']],
  ['issuers: {x: {preset: supabase}}', ['1:14 issuers.x.issuer required']],
  ['issuers: {x: {preset: supabase, issuer: 5}}', ['1:41 issuers.x.issuer wrong_type']],
  ['issuers: {x: {preset: supabase, issuer: [[], a]}}', ['1:42 issuers.x.issuer[0] wrong_type']],
  // What is written is judged where it stands.
  ['issuers: {x: {preset: google, audience: {any_of: 5}}}', ['1:50 issuers.x.audience.any_of wrong_type']],
  [
    'issuers: {x: {preset: cognito, issuer: "https://a", audience: [a, 5]}}',
    ['1:67 issuers.x.audience[1] wrong_type'],
  ],
  [
    'issuers: {x: {preset: cognito, issuer: "https://a", audience: {claim: a}}}',
    ['1:64 issuers.x.audience.claim unknown_key'],
  ],
  ['issuers: {x: {preset: google, audience: a, claims: 5}}', ['1:52 issuers.x.claims wrong_type']],
  ['issuers: {x: {preset: google, audience: a, claims: }}', ['1:44 issuers.x.claims no_value']],
  [
    'issuers: {x: {preset: google, audience: a, claims: {roles: [/a~]}}}',
    ['1:61 issuers.x.claims.roles[0] invalid_claim_name'],
  ],
  [
    'issuers: {x: {preset: google, audience: a, require_claims: 5}}',
    ['1:60 issuers.x.require_claims wrong_type'],
  ],
  [
    'issuers: {x: {preset: google, audience: a, jwk_uri: "https://a"}}',
    ['1:44 issuers.x.jwk_uri unknown_key'],
  ],
  // What a preset makes of it is judged where the preset is named.
  [
    'issuers: {x: {preset: supabase, issuer: "http://a.example"}}',
    ['1:23 issuers.x.jwks_uri insecure_key_source'],
  ],
  // Half an audience is none.
  ['issuers: {x: {preset: cognito, issuer: "https://a"}}', ['1:23 issuers.x.audience audience_missing']],
  [
    'issuers: {x: {preset: cognito, issuer: "https://a", audience: {claims: aud}}}',
    ['1:63 issuers.x.audience audience_missing'],
  ],
  // What single providers need.
  ['issuers: {x: {preset: entra, audience: a}}', ['1:14 issuers.x tenants_missing']],
  [
    'issuers: {x: {preset: auth0, audience: a, issuer: ["https://a.auth0.com/", "https://b.auth0.com"]}}',
    ['1:76 issuers.x.issuer[1] issuer_slash'],
  ],
  [
    'issuers: {x: {preset: spiffe, audience: a, issuer: "spiffe://a"}}',
    ['1:14 issuers.x key_source_missing'],
  ],
  [
    'issuers: {x: {profile: spiffe, audience: a, issuer: "spiffe://a"}}',
    ['1:14 issuers.x key_source_missing'],
  ],
  [
    'issuers: {x: {preset: spiffe, audience: a, issuer: "spiffe://a", jwks_url: "https://a"}}',
    ['1:66 issuers.x.jwks_url unknown_key'],
  ],
  [
    'issuers: {x: {preset: aws_alb, audience: a, issuer: "https://a"}}',
    ['1:14 issuers.x alb_signer', '1:14 issuers.x key_source_missing'].toReversed(),
  ],
  ...[
    '',
    'require_header: {kid: a}',
    'require_header: {signer: {exists: true}}',
    'require_header: {signer: {starts_with: "arn:"}}',
  ].map(
    (header) =>
      [
        `issuers: {x: {preset: aws_alb, audience: a, issuer: "https://a", key_uri: "https://a/{kid}"${header === '' ? '' : `, ${header}`}}}`,
        ['alb_signer'],
      ] as const,
  ),
];

t.test('what is wrong is said once, at its place', async (t) => {
  for (const [text, problems] of wrong) {
    const found = await problemsOf(text);
    const [first] = problems;
    if (first === 'alb_signer') t.match(found, [/ alb_signer$/], text);
    else t.strictSame(found, problems, text);
  }
});

t.test('an unknown preset is told the nearest, and a missing key how this provider writes it', async (t) => {
  const messageOf = async (text: string) => {
    const loaded = await load(text);
    return loaded.ok ? '' : (loaded.problems[0]?.message ?? '');
  };
  t.match(await messageOf('issuers: {x: {preset: key-cloak}}'), /did you mean keycloak\?$/);
  t.match(await messageOf('issuers: {x: {preset: azure}}'), /^must be one of keycloak, entra, .*"azure"$/);
  t.match(
    await messageOf('issuers: {x: {preset: auth0, audience: a}}'),
    /^is missing; add e\.g\. issuer: https:\/\/example\.eu\.auth0\.com\/$/,
  );
});

t.test('a file of a preset that is missing is told where the preset is named', async (t) => {
  const text = 'issuers:\n  x:\n    audience: a\n    preset: kubernetes';
  const loaded = await load(text, { readFile: () => inCluster('/none') });
  t.match(loaded, {
    ok: false,
    problems: [
      {
        line: 4,
        column: 13,
        path: 'issuers.x.ca_file',
        code: 'unreadable_file',
        message: `the file ${AUTHORITY}, which "preset: kubernetes" names, cannot be read: there is no such file`,
      },
      { line: 4, column: 13, path: 'issuers.x.bearer_token_file', code: 'unreadable_file' },
    ],
  });
  t.ok(loaded.fingerprints.has(AUTHORITY), 'once it is there, the policy is worth another load');
});

t.test('a file of a preset is judged and watched as one that is written', async (t) => {
  const { files } = await loadGood(policyOf({ preset: 'kubernetes', audience: 'a' }), {
    readFile: inCluster,
  });
  t.ok(files.includes(AUTHORITY));
  t.notOk(files.includes(TOKEN), 'which is read again at each fetch');
  const text = 'issuers: {x: {audience: a, preset: kubernetes}}';
  const readFile = (path: string) => (path === AUTHORITY ? 'no certificate' : inCluster(path));
  t.strictSame(await problemsOf(text, { readFile }), ['1:36 issuers.x.ca_file invalid_certificate']);
});

t.test('detached, what is not known yet is no problem, and what never will be is one', async (t) => {
  const options = { detached: true, readFile: () => inCluster('/none') };
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['issuers: {x: {audience: a, preset: kubernetes}}', []],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is a policy with variables.
    ['issuers: {x: {preset: "${PRESET}"}}', []],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is a policy with variables.
    ['issuers: {x: {preset: supabase, issuer: "${ISSUER}"}}', []],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is a policy with variables.
    ['issuers: {x: {preset: cognito, issuer: "https://a", audience: "${CLIENT}"}}', []],
    ['issuers: {x: {preset: cognito, issuer: "https://a"}}', ['1:23 issuers.x.audience audience_missing']],
    ['issuers: {x: {preset: keyclaok}}', ['1:23 issuers.x.preset invalid_value']],
  ];
  for (const [text, problems] of rows) t.strictSame(await problemsOf(text, options), problems, text);
});

t.test(
  'a preset and an issuer may come from the environment, and no message repeats the latter',
  async (t) => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is a policy with variables.
    const text = 'issuers: {x: {preset: "${PRESET}", issuer: "${ISSUER}"}}';
    const environment = { PRESET: 'supabase', ISSUER: 'https://a.example' };
    const { issuers } = await loadGood(text, { environment });
    t.match(issuers, [{ preset: 'supabase', keys: { url: 'https://a.example/.well-known/jwks.json' } }]);
    const refused = await load(text, { environment: { ...environment, ISSUER: 'http://hidden.example' } });
    t.match(refused, { ok: false, problems: [{ code: 'insecure_key_source' }] });
    t.notMatch(JSON.stringify(refused), /hidden/);
  },
);

t.test('entries that share one mapping in the file are filled each alike', async (t) => {
  const text = 'issuers:\n  a: &base {preset: google, audience: x}\n  b: *base\naccept: a';
  t.strictSame(await problemsOf(text), ['2:21 issuers.b.issuer issuer_shared']);
});

t.test('loading changes nothing in the table', async (t) => {
  const before = stringify(PRESETS);
  for (const { entry } of entries) await issuerOf(entry);
  t.equal(stringify(PRESETS), before);
});
