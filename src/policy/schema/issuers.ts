/** Who may vouch for callers with a token. */
import {
  boolean,
  choice,
  duration,
  file,
  filePath,
  type Infer,
  integer,
  json,
  key,
  later,
  listOf,
  mapOf,
  object,
  orNone,
  size,
  text,
} from './builder.ts';
import { claimMatchers } from './claim-matchers.ts';
import { claimName, scopeToken, sourceName } from './names.ts';

/** Every asymmetric algorithm that is taken unless an issuer says otherwise. */
export const ASYMMETRIC_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

const audience = object(
  {
    any_of: key(listOf(text(), { min: 1 }), {
      doc: 'One of these must be in the claim.',
      example: ['orders-api'],
    }),
    claims: key(listOf(claimName(), { min: 1 }), {
      doc: 'Where the audience is looked for; the first of these claims that is present decides.',
      default: ['aud'],
      example: ['aud', 'client_id'],
    }),
    insecure_any: key(boolean(), {
      doc: 'Take tokens for any audience, those for other services among them.',
      default: false,
    }),
  },
  { short: 'any_of' },
);

const claims = object({
  subject: key(orNone(listOf(claimName(), { min: 1 })), {
    doc: 'Who calls; a list is tried in turn. `none` for an issuer whose tokens have no subject; otherwise a token without one is refused.',
    default: 'sub',
  }),
  client: key(listOf(claimName(), { none: true }), {
    doc: 'Through which client; a list is tried in turn.',
    default: ['client_id', 'azp', 'cid'],
  }),
  scopes: key(listOf(claimName(), { none: true }), {
    doc: 'Scopes, the union of all these claims; each `"a b"` or `["a", "b"]`.',
    default: ['scope', 'scp'],
  }),
  roles: key(listOf(claimName(), { none: true }), {
    doc: 'Roles, the union of all these claims; each a string or an array of strings.',
    default: ['/realm_access/roles', 'roles'],
  }),
});

const refresh = object({
  interval: key(duration({ min: 1000 }), { doc: 'How often keys are fetched.', default: '10m' }),
  cooldown: key(duration({ min: 100 }), {
    doc: 'How long between two fetches that unknown keys bring about.',
    default: '10s',
  }),
  timeout: key(duration({ min: 100, max: 60_000 }), { doc: 'How long one fetch may take.', default: '5s' }),
  max_stale: key(duration({ none: true }), {
    doc: 'How long the last good keys are used while new ones cannot be had; then 503.',
    default: '24h',
  }),
  max_bytes: key(size({ min: 1024, max: 16 * 1024 * 1024 }), {
    doc: 'Largest answer that is read.',
    default: '512KiB',
  }),
  max_keys: key(integer({ min: 1, max: 10_000 }), { doc: 'Most keys of a set.', default: 100 }),
  cache_file: later('A file that keeps the keys over a restart.', { none: true }),
});

const issuer = object(
  {
    preset: later('Fills the keys below for a known provider.'),
    issuer: key(
      listOf(text({ notYet: { pattern: /\{tenant\}/, what: 'a `{tenant}` template' } }), { min: 1 }),
      {
        doc: 'The `iss` of its tokens, compared exactly; a list where a provider uses two (keys are discovered from the first).',
        required: true,
        example: 'https://login.example.com/realms/corp',
      },
    ),
    tenants: later('The tenants that a `{tenant}` in `issuer` may be.'),
    audience: key(audience, {
      doc: 'For whom its tokens must be: one of these in `aud` (RFC 7519 section 4.1.3).',
      required: true,
      example: 'orders-api',
    }),
    discovery_url: key(text(), {
      doc: 'Where its metadata is (OpenID Connect Discovery, RFC 8414), whose `jwks_uri` names the keys.',
      defaultText: 'made from `issuer` when no source of keys is given',
      example: 'https://login.example.com/.well-known/openid-configuration',
    }),
    jwks_uri: key(text(), {
      doc: 'Where its keys are (RFC 7517).',
      example: 'https://login.example.com/jwks',
    }),
    jwks: key(json(), {
      doc: 'Its keys themselves: a JWK Set (RFC 7517 section 5) with public keys.',
      file: 'document',
      // The private half was thrown away.
      example: {
        keys: [
          {
            kty: 'EC',
            crv: 'P-256',
            kid: 'k1',
            x: 'SfoItbSVDtPdFUGo2GQCBcLuS1-StqW9S7BLFFHAI-I',
            y: 'SdYNPOsdOxpDsmftgnw2YGfHy5hvOw6Toq68sg_HgqQ',
          },
        ],
      },
    }),
    secret: key(text(), {
      doc: 'The shared secret of HS256, HS384 and HS512; at least as long as the hash (RFC 7518 section 3.2).',
      secret: true,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the example shows how variables are written.
      example: '${JWT_SECRET}',
    }),
    ca_file: key(file(), { doc: 'PEM certificates to trust when fetching keys.', example: 'ca.pem' }),
    bearer_token_file: key(filePath(), {
      doc: 'A file whose content is sent as a bearer token when fetching keys; read again at each fetch.',
      example: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    }),
    http_proxy: later('A proxy through which keys are fetched.', { none: true }),
    insecure_http: key(boolean(), {
      doc: 'Allow key sources over `http://` off loopback, as in a compose network. Whoever is on the way can make keys.',
      default: false,
    }),
    algorithms: key(listOf(choice([...ASYMMETRIC_ALGORITHMS, 'HS256', 'HS384', 'HS512']), { min: 1 }), {
      doc: 'Signature algorithms that are taken (RFC 7518 section 3.1, RFC 8037). HS* need `secret`, and `secret` needs them.',
      defaultText:
        'RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA; with `secret` HS256, HS384, HS512',
      example: ['RS256', 'ES256'],
    }),
    profile: key(choice(['compat', 'rfc9068'], { notYet: ['kubernetes', 'spiffe'] }), {
      doc: '`rfc9068` asks for all that RFC 9068 does (`typ: at+jwt`, `client_id`, `iat`, `jti`).',
      default: 'compat',
    }),
    accept_id_tokens: key(boolean(), {
      doc: 'Take ID tokens too, which say who somebody is but not what a client may do.',
      default: false,
    }),
    unknown_cnf: key(choice(['refuse', 'insecure_ignore']), {
      doc: 'What becomes of a token that is bound to a key (RFC 7800) which we cannot check.',
      default: 'refuse',
    }),
    leeway: key(duration({ max: 300_000 }), {
      doc: 'By how much clocks may differ; at most 5m.',
      default: '30s',
    }),
    max_lifetime: key(duration({ min: 1000, none: true }), {
      doc: 'Longest lifetime of a token, `exp` less `iat`; needs both.',
      default: 'none',
    }),
    require_claims: key(claimMatchers, {
      doc: 'What each token must hold besides; failing is 401 `invalid_token`.',
      default: {},
      example: { token_use: 'access' },
    }),
    claims: key(claims, {
      doc: 'Where to find what. A name is a top-level claim, taken literally (`https://x/roles`, `cognito:groups`); `/a/b` is an RFC 6901 pointer into nested ones.',
      default: {},
    }),
    scope_implies: key(mapOf(listOf(scopeToken()), { placeholder: 'SCOPE' }), {
      doc: 'Scopes that bring others with them.',
      default: {},
      example: { admin: ['orders:read', 'orders:write'] },
    }),
    refresh: key(refresh, { doc: 'How keys are fetched and kept.', default: {} }),
    introspection: later('Ask the issuer about each token (RFC 7662).', { none: true }),
    status_list: later("Look tokens up in the issuer's status lists.", { none: true }),
    dpop: later('Proof of possession (RFC 9449).', { none: true }),
  },
  { atMostOne: [['discovery_url', 'jwks_uri', 'jwks', 'secret']] },
);

/** Keys of the top level. */
export const issuerKeys = {
  issuers: key(mapOf(issuer, { name: sourceName, placeholder: 'NAME' }), {
    doc: 'Who may vouch for callers with a token. Names are unique across `issuers`, `api_keys` and `basic`.',
    default: {},
    example: { corp: { issuer: 'https://login.example.com/realms/corp', audience: 'orders-api' } },
  }),
};

export type IssuerConfiguration = Infer<typeof issuer>;
export type AudienceConfiguration = Infer<typeof audience>;
export type ClaimsConfiguration = Infer<typeof claims>;
export type RefreshConfiguration = Infer<typeof refresh>;
