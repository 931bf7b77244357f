/** Who may vouch for callers with a token. */
import { boolean, choice, duration, type Infer, key, later, listOf, mapOf, object, text } from './builder.ts';
import { claimMatchers } from './claim-matchers.ts';
import { fetchingKeys, KEY_SOURCES, keySourceKeys, refresh } from './key-sources.ts';
import { scopeToken, sourceName } from './names.ts';
import { issuerPresets, PRESET_NAMES } from './presets.ts';
import { audience, claims, tenants } from './token-claims.ts';

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

const issuer = object(
  {
    preset: key(choice(PRESET_NAMES), {
      doc: 'Fills keys of this entry for a known provider (docs/configuration.md says which). What is written wins, key by key, also inside `claims`, `audience`, `refresh` and `require_claims`. Beside a source of keys of your own that of the preset is not used, nor its `ca_file` and `bearer_token_file`; beside an `issuer` of your own its `discovery_url` is not.',
      example: 'keycloak',
    }),
    issuer: key(listOf(text(), { min: 1 }), {
      doc: 'The `iss` of its tokens, compared exactly; a list where a provider uses two (keys are discovered from the first). `{tenant}`, once in each, stands for any of `tenants`. With `profile: spiffe` the trust domain, as `spiffe://example.org`.',
      required: true,
      example: 'https://login.example.com/realms/corp',
    }),
    tenants: key(tenants, {
      doc: 'What `{tenant}` in `issuer` may be, where a provider speaks for many tenants with one set of keys (Microsoft Entra). Several of them need a source of keys that is written. A key that has a member `issuer` verifies tokens of that tenant only, and a claim `tid` must be the tenant of `iss`.',
      example: ['72f988bf-86f1-41af-91ab-2d7cd011db47'],
    }),
    audience: key(audience, {
      doc: 'For whom its tokens must be: one of these in `aud` (RFC 7519 section 4.1.3).',
      required: true,
      example: 'orders-api',
    }),
    ...keySourceKeys,
    ...fetchingKeys,
    algorithms: key(
      listOf(choice([...ASYMMETRIC_ALGORITHMS, 'Ed25519', 'HS256', 'HS384', 'HS512']), { min: 1 }),
      {
        doc: 'Signature algorithms that are taken (RFC 7518 section 3.1, RFC 8037). `Ed25519` is another name of `EdDSA` (RFC 9864): each stands for both. HS* need `secret`, and `secret` needs them.',
        defaultText:
          'RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA; with `secret` HS256, HS384, HS512; without EdDSA for `profile: spiffe`, ES256 for `aws_alb`',
        example: ['RS256', 'ES256'],
      },
    ),
    profile: key(choice(['compat', 'rfc9068', 'kubernetes', 'spiffe', 'aws_alb']), {
      doc: '`compat` takes a JWT with `typ` `JWT`, `at+jwt` or none that its claims do not show to be an ID token, a refresh token or one for another purpose. An ID token without any mark cannot be told from an access token: where the provider writes `typ: at+jwt` choose `rfc9068`, else ask for a claim that only access tokens have (`require_claims`) or for scopes; `check` warns (`token_kind_open`) where nothing of this is asked. `rfc9068` asks for all that RFC 9068 does (`typ: at+jwt`, `client_id`, `iat`, `jti`); `kubernetes` for a bound service account token whose `sub` names the account that it holds; `spiffe` for a JWT-SVID, whose `sub` names the trust domain that `issuer` holds, and whose keys are those of the bundle that say `use: jwt-svid`; `aws_alb` for what an AWS load balancer sends in `X-Amzn-Oidc-Data`, with `iss`, `client` and `exp` in the JOSE header.',
      default: 'compat',
    }),
    accept_id_tokens: key(boolean(), {
      doc: 'Take ID tokens too, which say who logged in but not what a client may do. Without it `compat` refuses what the provider marks as an ID token (`nonce`, `at_hash`, `c_hash`, a kind in a claim such as `token_use` or `typ`) and what has claims of a login (`auth_time`, `acr`, `sid`, its client in `azp` and `aud`) and none of an access token. Refresh and logout tokens are refused either way.',
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
  { atMostOne: [KEY_SOURCES], presets: issuerPresets },
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
