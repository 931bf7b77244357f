/** What `preset` fills for known identity providers, written as one would write it in the file. */

/** Every provider that `preset` knows. */
export const PRESET_NAMES = [
  'keycloak',
  'entra',
  'auth0',
  'okta',
  'cognito',
  'google',
  'firebase',
  'supabase',
  'github',
  'kubernetes',
  'spiffe',
  'aws_alb',
  'google_iap',
  'cloudflare_access',
] as const;
