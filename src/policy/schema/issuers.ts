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
import { PRESET_NAMES } from './presets.ts';

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

/** Keys of an issuer that say where its keys come from; at most one of them. */
export const KEY_SOURCES = [
  'discovery_url',
  'jwks_uri',
  'jwks',
  'certificates_uri',
  'certificates',
  'key_uri',
  'secret',
];

/** A tenant as it may stand in an issuer: an id or a domain. */
const TENANT = /^[A-Za-z0-9][A-Za-z0-9.-]{0,127}$/;

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
  cache_file: key(orNone(text()), {
    doc: 'A file that keeps the last good keys, so that a restart works while the provider is down. Created with mode 0600; used only when the provider does not answer, and only up to `max_stale`.',
    default: 'none',
    example: '/var/cache/sallyport/corp.json',
  }),
});

const tenants = object(
  {
    any_of: key(listOf(text({ pattern: TENANT, expected: 'the id or domain of a tenant' }), { min: 1 }), {
      doc: 'These tenants.',
      example: ['72f988bf-86f1-41af-91ab-2d7cd011db47'],
    }),
    insecure_any: key(boolean(), {
      doc: 'Any tenant at all: whoever opens an account with the provider is a caller.',
      default: false,
    }),
  },
  { short: 'any_of' },
);

const issuer = object(
  {
    preset: key(choice(PRESET_NAMES), {
      doc: 'Fills keys of this entry for a known provider; what is written wins. What each fills is in docs/providers.',
      example: 'keycloak',
    }),
    issuer: key(listOf(text(), { min: 1 }), {
      doc: 'The `iss` of its tokens, compared exactly; a list where a provider uses two (keys are discovered from the first). `{tenant}` stands for each of `tenants`. With `profile: spiffe` the trust domain, as `spiffe://example.org`.',
      required: true,
      example: 'https://login.example.com/realms/corp',
    }),
    tenants: key(tenants, {
      doc: 'What `{tenant}` in `issuer` may be.',
      example: ['72f988bf-86f1-41af-91ab-2d7cd011db47'],
    }),
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
    certificates_uri: key(text(), {
      doc: 'Where its keys are, as a JSON object of key ids and X.509 certificates in PEM.',
      example: 'https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com',
    }),
    certificates: key(json(), {
      doc: 'Its keys themselves: a mapping of key ids to X.509 certificates or public keys in PEM.',
      file: 'document',
      example: { k1: '-----BEGIN PUBLIC KEY-----...' },
    }),
    key_uri: key(text(), {
      doc: 'Where each single key is, in PEM; `{kid}` stands for the key id. A key is fetched when a token names it, within the same bounds as others.',
      example: 'https://public-keys.auth.elb.eu-west-1.amazonaws.com/{kid}',
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
    http_proxy: key(orNone(text()), {
      doc: 'A proxy through which keys are fetched, e.g. `http://proxy.example.com:3128`; `none` for no proxy whatever the environment says.',
      defaultText:
        '`HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` of the environment; loopback is always asked directly',
      concealed: true,
      example: 'http://proxy.example.com:3128',
    }),
    redirects: key(choice(['none', 'same_origin']), {
      doc: 'Which redirects are followed when fetching keys: none, or at most two that stay on scheme, host and port. Any other is a failure.',
      default: 'none',
    }),
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
    profile: key(choice(['compat', 'rfc9068', 'kubernetes', 'spiffe', 'aws_alb']), {
      doc: '`rfc9068` asks for all that RFC 9068 does (`typ: at+jwt`, `client_id`, `iat`, `jti`); `kubernetes` for a bound service account token whose `sub` names the account that it holds; `spiffe` for a JWT-SVID of the trust domain; `aws_alb` for what an AWS load balancer sends in `X-Amzn-Oidc-Data`.',
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
    require_header: key(claimMatchers, {
      doc: 'What the JOSE header of each token must hold besides; failing is 401 `invalid_token`.',
      default: {},
      example: { signer: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/1a2b3c' },
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
  { atMostOne: [KEY_SOURCES] },
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
