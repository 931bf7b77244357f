/**
 * What `preset` fills for known identity providers, written as one would write it in the file. Only what the
 * provider publishes; never an audience that would let in what was made for others.
 */
import { KEY_SOURCES } from './key-sources.ts';
import type { Presets } from './node.ts';

/** Tokens that say who somebody is and nothing of what a client may do. */
const NO_CLAIMS = { client: 'none', scopes: 'none', roles: 'none' };

const KUBERNETES_FILES = '/var/run/secrets/kubernetes.io/serviceaccount';

/** By name: what is filled, and an example of what is left to write. */
export const PRESETS = {
  keycloak: {
    fills: {
      claims: { client: ['azp', 'client_id'], scopes: ['scope'], roles: ['/realm_access/roles'] },
      // Refresh and ID tokens of a realm are signed with the same keys, and say so here.
      require_claims: { typ: 'Bearer' },
    },
    examples: { issuer: 'https://login.example.com/realms/corp', audience: 'orders-api' },
  },
  entra: {
    fills: {
      issuer: ['https://login.microsoftonline.com/{tenant}/v2.0', 'https://sts.windows.net/{tenant}/'],
      discovery_url: 'https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration',
      claims: { client: ['azp', 'appid'], scopes: ['scp'], roles: ['roles'] },
    },
    examples: {
      tenants: '72f988bf-86f1-41af-91ab-2d7cd011db47',
      audience: ['api://orders', '00001111-aaaa-2222-bbbb-3333cccc4444'],
    },
  },
  auth0: {
    fills: { claims: { client: ['client_id', 'azp'], scopes: ['scope', 'permissions'], roles: 'none' } },
    examples: { issuer: 'https://example.eu.auth0.com/', audience: 'https://orders.example.com' },
  },
  okta: {
    fills: { claims: { client: ['cid'], scopes: ['scp'], roles: ['groups'] } },
    examples: { issuer: 'https://example.okta.com/oauth2/default', audience: 'api://default' },
  },
  cognito: {
    fills: {
      // Access tokens have no `aud`.
      audience: { claims: ['client_id'] },
      require_claims: { token_use: 'access' },
      claims: { client: ['client_id'], scopes: ['scope'], roles: ['cognito:groups'] },
    },
    examples: {
      issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI',
      audience: '1example23456789',
    },
  },
  dex: {
    fills: {
      // Its access tokens have the form of ID tokens, `at_hash` included.
      accept_id_tokens: true,
      claims: { client: ['azp', 'aud'], scopes: 'none', roles: ['groups'] },
    },
    examples: { issuer: 'https://dex.example.com', audience: 'orders-api' },
  },
  spring: {
    fills: {
      // ID tokens have none.
      require_claims: { nbf: { exists: true } },
      claims: { client: ['aud'], scopes: ['scope'], roles: ['roles'] },
    },
    examples: { issuer: 'https://auth.example.com', audience: 'shop-web' },
  },
  casdoor: {
    fills: {
      // Its access tokens repeat the `nonce` of the login; what they are is in a claim of its own.
      accept_id_tokens: true,
      require_claims: { tokenType: 'access-token' },
      claims: { client: ['azp'], scopes: ['scope'], roles: ['groups'] },
    },
    examples: { issuer: 'https://door.example.com', audience: '0ba528121ea87b3eb54d' },
  },
  zitadel: {
    fills: {
      // ID tokens have none.
      require_claims: { jti: { exists: true } },
      claims: {
        client: ['client_id', 'azp'],
        scopes: ['scope'],
        roles: ['urn:zitadel:iam:org:project:roles'],
      },
    },
    examples: { issuer: 'https://example.zitadel.cloud', audience: '230101010101010101' },
  },
  authentik: {
    fills: {
      // Its access tokens are its ID tokens with `azp` and `uid` added.
      accept_id_tokens: true,
      require_claims: { uid: { exists: true } },
      claims: { client: ['azp'], scopes: ['scope'], roles: ['groups'] },
    },
    examples: { issuer: 'https://auth.example.com/application/o/shop/', audience: 'a1b2c3d4e5f6' },
  },
  google: {
    fills: {
      issuer: ['https://accounts.google.com', 'accounts.google.com'],
      jwks_uri: 'https://www.googleapis.com/oauth2/v3/certs',
      // Its access tokens are opaque: what it gives to servers are ID tokens.
      accept_id_tokens: true,
      claims: { client: ['azp'], scopes: 'none', roles: 'none' },
    },
    examples: { audience: '1234567890-abc123def456.apps.googleusercontent.com' },
  },
  firebase: {
    fills: {
      jwks_uri: 'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
      algorithms: ['RS256'],
      accept_id_tokens: true,
      require_claims: { auth_time: { exists: true } },
      claims: NO_CLAIMS,
    },
    examples: { issuer: 'https://securetoken.google.com/my-project', audience: 'my-project' },
  },
  supabase: {
    fills: {
      audience: 'authenticated',
      jwks_uri: '{issuer}/.well-known/jwks.json',
      claims: { client: 'none', scopes: 'none', roles: ['role'] },
    },
    examples: { issuer: 'https://abcdefghijklmnopqrst.supabase.co/auth/v1' },
  },
  github: {
    fills: {
      issuer: 'https://token.actions.githubusercontent.com',
      claims: { client: ['repository'], scopes: 'none', roles: 'none' },
    },
    examples: { audience: 'https://orders.example.com' },
  },
  kubernetes: {
    fills: {
      issuer: 'https://kubernetes.default.svc.cluster.local',
      jwks_uri: 'https://kubernetes.default.svc/openid/v1/jwks',
      ca_file: `${KUBERNETES_FILES}/ca.crt`,
      bearer_token_file: `${KUBERNETES_FILES}/token`,
      profile: 'kubernetes',
      claims: NO_CLAIMS,
    },
    examples: { audience: 'orders-api' },
  },
  spiffe: {
    fills: {
      profile: 'spiffe',
      claims: NO_CLAIMS,
      refresh: { interval: '5m' },
    },
    examples: {
      issuer: 'spiffe://example.org',
      audience: 'spiffe://example.org/orders',
      jwks_uri: 'https://spire.example.org/bundle',
    },
  },
  aws_alb: {
    fills: {
      audience: { claims: ['client'] },
      profile: 'aws_alb',
      claims: { client: ['client'], scopes: 'none', roles: 'none' },
    },
    examples: {
      issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI',
      audience: '1example23456789',
      key_uri: 'https://public-keys.auth.elb.eu-west-1.amazonaws.com/{kid}',
      require_header: {
        signer: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188',
      },
    },
  },
  google_iap: {
    fills: {
      issuer: 'https://cloud.google.com/iap',
      jwks_uri: 'https://www.gstatic.com/iap/verify/public_key-jwk',
      algorithms: ['ES256'],
      claims: NO_CLAIMS,
    },
    examples: { audience: '/projects/1234567890/global/backendServices/1234567890123456789' },
  },
  cloudflare_access: {
    fills: {
      jwks_uri: '{issuer}/cdn-cgi/access/certs',
      algorithms: ['RS256'],
      // The `sub` of a service token is empty.
      claims: { subject: ['common_name', 'sub'], ...NO_CLAIMS },
    },
    examples: {
      issuer: 'https://example.cloudflareaccess.com',
      audience: '4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2',
    },
  },
} as const satisfies Presets['values'];

/** Name of a provider that `preset` knows. */
export type PresetName = keyof typeof PRESETS;

/** Every provider that `preset` knows. */
export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[];

/** How `preset` works on an issuer. */
export const issuerPresets: Presets = {
  key: 'preset',
  values: PRESETS,
  placeholder: 'issuer',
  yields: [
    // A source of one's own: then the token of this cluster must not be sent there either.
    { when: KEY_SOURCES, drop: [...KEY_SOURCES, 'ca_file', 'bearer_token_file'] },
    // Metadata calls itself by its own issuer: that of the preset would never be taken for another one.
    { when: ['issuer'], drop: ['discovery_url'] },
  ],
};
