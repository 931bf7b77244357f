/** The log line of a refusal: why, by whose policy, what was asked for; never a token, nor what a caller is or has. */
import t from 'tap';
import { createSigningKey, keySet, nowSeconds, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const stranger = createSigningKey('ES256', 'nobodys');
const rsa = createSigningKey('RS256');
const SILENT = 'https://silent.test';
const OTHER = 'https://other.test';

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
issuers:
  corp:
    issuer: https://issuer.test
    audience: [api, api2]
    leeway: 0s
    algorithms: [ES256, ES384]
    max_lifetime: 1h
    require_claims: {region: north}
    jwks: ${JSON.stringify(keySet(key))}
  other: {issuer: "${OTHER}", audience: api, jwks: ${JSON.stringify(keySet(key))}}
  silent: {issuer: "${SILENT}", audience: api, jwks_uri: "http://127.0.0.1:9/keys"}
api_keys:
  machines: {keys: [{id: one, subject: robot, sha256: "${'0'.repeat(64)}"}]}
accept: [corp, silent, machines]
routes:
  - {id: plain, path: /plain/**}
  - {id: write, path: /write/**, require: {scopes: [write, audit]}}
  - {id: staff, path: /staff/**, require: {roles: staff}}
  - {id: any, path: /any/**, require: {any_role: [staff, boss]}}
  - {id: tenant, path: /tenant/**, require: {claims: {tenant: acme}}}
  - {id: when, path: /when/**, require: {when: 'claims.tenant == "acme"'}}
  - {id: broken, path: /broken/**, require: {when: 'claims.absent == "x"'}}
  - {id: gold, path: /gold/**, require: {acr: [silver, gold]}}
  - {id: recent, path: /recent/**, require: {max_age: 5m}}
  - {id: ops, path: /ops/**, audience: [ops-api, admin-api]}
  - {id: hidden, path: /hidden/**, require: {roles: staff}, on_forbidden: 404}
  - {id: gets, path: /gets, methods: [GET]}
`,
});

/** What a caller has and no line may say. */
const CANARIES = {
  scope: 'canary-scope',
  roles: ['canary-role'],
  acr: 'canary-acr',
  tenant: 'canary-tenant',
  client_id: 'canary-client',
  jti: 'canary-jti',
};
const made = (claims: object = {}, header: object = {}, signer = key): string =>
  signToken(signer, { sub: 'caller-1', region: 'north', ...CANARIES, ...claims }, { ...header });
const corp = { 'auth.source': 'corp' };
const byKey = { ...corp, 'auth.kid': key.kid };
/** Of a caller who was verified. */
const known = { ...byKey, 'auth.subject': 'caller-1' };

const noRole = { 'auth.got': '/realm_access/roles absent, roles list' };

/** Target, token, and the members of the line that say why: exactly these. */
type Row = readonly [target: string, token: string | undefined, Readonly<Record<string, unknown>>];

const ROWS: Row[] = [
  ['/plain/1', undefined, { 'auth.reason': 'no_credential' }],
  ['/plain/1', 'a.b.c', { 'auth.reason': 'malformed_token' }],
  ['/plain/1', 'key-that-nobody-has', { 'auth.reason': 'unknown_api_key' }],
  [
    '/plain/1',
    made({ iss: 'https://evil.test' }),
    {
      'auth.reason': 'unknown_issuer',
      'auth.expected': `https://issuer.test ${OTHER} ${SILENT}`,
      'auth.got': 'https://evil.test',
    },
  ],
  [
    '/plain/1',
    made({ iss: undefined }),
    { 'auth.reason': 'issuer_missing', 'auth.expected': `https://issuer.test ${OTHER} ${SILENT}` },
  ],
  [
    '/plain/1',
    made({ iss: OTHER }),
    { 'auth.reason': 'source_not_accepted', 'auth.source': 'other', 'auth.expected': 'corp silent' },
  ],
  [
    '/plain/1',
    made({}, { kid: key.kid }, rsa),
    {
      'auth.reason': 'algorithm_not_allowed',
      ...corp,
      'auth.expected': 'ES256 ES384',
      'auth.got': 'RS256',
    },
  ],
  [
    '/plain/1',
    made({ aud: ['evil', 'worse'] }),
    { 'auth.reason': 'wrong_audience', ...byKey, 'auth.expected': 'api api2', 'auth.got': 'evil worse' },
  ],
  [
    '/plain/1',
    made({ aud: undefined }),
    { 'auth.reason': 'audience_missing', ...byKey, 'auth.expected': 'api api2' },
  ],
  [
    '/plain/1',
    made({}, { typ: 'logout+jwt' }),
    { 'auth.reason': 'wrong_type', ...byKey, 'auth.expected': 'at+jwt', 'auth.got': 'logout+jwt' },
  ],
  [
    '/plain/1',
    made({ exp: nowSeconds() + 7200 }),
    {
      'auth.reason': 'lifetime_too_long',
      ...byKey,
      'auth.expected': 'max_lifetime of 3600 s',
      'auth.got': '7200 s',
    },
  ],
  [
    '/plain/1',
    made({ region: 'canary-region' }),
    {
      'auth.reason': 'claim_required',
      ...byKey,
      'auth.expected': 'region equals',
      'auth.got': 'string',
    },
  ],
  [
    '/plain/1',
    made({ sub: undefined }),
    { 'auth.reason': 'subject_missing', ...byKey, 'auth.expected': 'sub' },
  ],
  [
    '/plain/1',
    made({ exp: nowSeconds() - 60 }),
    { 'auth.reason': 'token_expired', ...byKey, 'auth.expired_for_s': Number, 'auth.leeway_s': 0 },
  ],
  ['/plain/1', made({}, {}, stranger), { 'auth.reason': 'unknown_kid', ...corp, 'auth.kid': 'nobodys' }],
  ['/plain/1', made({}, { kid: key.kid }, stranger), { 'auth.reason': 'bad_signature', ...byKey }],
  [
    '/ops/1',
    made({ aud: ['api', 'api2'] }),
    {
      'auth.reason': 'audience_not_for_route',
      ...known,
      'auth.expected': 'ops-api | admin-api',
      'auth.got': 'api api2',
    },
  ],
  [
    '/write/1',
    made(),
    {
      'auth.reason': 'scope_missing',
      ...known,
      'auth.expected': 'write audit',
      'auth.got': 'scope string, scp absent',
    },
  ],
  ['/staff/1', made(), { 'auth.reason': 'role_missing', ...known, 'auth.expected': 'staff', ...noRole }],
  ['/any/1', made(), { 'auth.reason': 'role_missing', ...known, 'auth.expected': 'staff | boss', ...noRole }],
  [
    '/tenant/1',
    made(),
    {
      'auth.reason': 'claim_mismatch',
      ...known,
      'auth.expected': 'tenant equals',
      'auth.got': 'string',
    },
  ],
  [
    '/when/1',
    made(),
    { 'auth.reason': 'when_false', ...known, cause: 'false at character 1: claims.tenant string' },
  ],
  [
    '/gold/1',
    made(),
    { 'auth.reason': 'acr_not_sufficient', ...known, 'auth.expected': 'silver gold', 'auth.got': 'string' },
  ],
  [
    '/recent/1',
    made({ auth_time: nowSeconds() - 1000 }),
    {
      'auth.reason': 'authentication_too_old',
      ...known,
      'auth.expected': 'max_age of 300 s',
      'auth.got': /^100\d s ago$/,
    },
  ],
  ['/hidden/1', made(), { 'auth.reason': 'role_missing', ...known, 'auth.expected': 'staff', ...noRole }],
  ['/zzz', made(), { 'auth.reason': 'no_route', ...known }],
];

/** Members that say why, of the line that the answer's id names. */
async function lineOf(request: RequestParts): Promise<Readonly<Record<string, unknown>>> {
  const response = await world.send(request);
  const id = response.get('x-request-id');
  const line = await world.gateway.line((each) => each.request_id === id);
  t.equal(line.status, response.status);
  return line;
}
const why = (line: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(line).filter(
      ([name]) => name === 'cause' || (name.startsWith('auth.') && name !== 'auth.kind'),
    ),
  );

for (const [target, token, expected] of ROWS) {
  t.test(`G17 the line of ${expected['auth.reason']} at ${target} says what to look at`, async (t) => {
    const line = await lineOf({ target, ...(token !== undefined && { token }) });
    t.match(why(line), expected);
    t.strictSame(Object.keys(why(line)).sort(), Object.keys(expected).sort());
    const [, place = ''] = target.split('/');
    t.equal(line.route, place === 'zzz' ? '' : place);
    t.equal(line.path, target);
    t.notMatch(JSON.stringify(line), /canary/, 'nothing of the caller');
  });
}

t.test('G17 keys that cannot be had are named by their address and failure', async (t) => {
  const line = await lineOf({ target: '/plain/1', token: made({ iss: SILENT }) });
  t.equal(line.decision, 'failed');
  t.match(why(line), {
    'auth.reason': 'keys_unavailable',
    'auth.source': 'silent',
    'auth.kid': key.kid,
    cause: /^http:\/\/127\.0\.0\.1:9\/keys .*ECONNREFUSED/,
  });
  t.notMatch(JSON.stringify(line), /canary/);
});

t.test('G17 an expression that fails says why, and not on what', async (t) => {
  const line = await lineOf({ target: '/broken/1', token: made() });
  t.match(why(line), { 'auth.reason': 'when_error', 'auth.source': 'corp', cause: /./ });
  t.notMatch(JSON.stringify(line), /canary/);
});

t.test('G17 nothing leaked, nothing crashed', (t) => world.conclude(t, ['canary', 'key-that-nobody-has']));
