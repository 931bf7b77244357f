/** How well-known providers spell their issuer, since the final slash decides. Knows nothing of any other. */

/** Those that end with a slash, written without. */
const WITH_SLASH = [/^https:\/\/[\w.-]+\.auth0\.com$/i, /^https:\/\/sts\.windows\.net\/[^/]+$/i];

/** Those that do not, written with one. */
const WITHOUT_SLASH = [
  /^https:\/\/login\.microsoftonline\.com\/[^/]+\/v2\.0\/$/i,
  /^https:\/\/[\w.-]+\.okta(?:preview|-emea)?\.com\/(?:oauth2\/[^/]+\/)?$/i,
  /^(?:https:\/\/)?accounts\.google\.com\/$/i,
  /^https:\/\/securetoken\.google\.com\/[^/]+\/$/i,
  /^https:\/\/cognito-idp\.[^/]+\/[^/]+\/$/i,
  /^https:\/\/token\.actions\.githubusercontent\.com\/(?:[^/]+\/)?$/i,
  /^https:\/\/cloud\.google\.com\/iap\/$/i,
  /^https:\/\/[\w.-]+\.cloudflareaccess\.com\/$/i,
  /^https:\/\/[\w.-]+\.supabase\.co\/auth\/v1\/$/i,
  // Keycloak, wherever it runs.
  /^https?:\/\/[^/]+(?:\/[^/]+)?\/realms\/[^/]+\/$/i,
];

/** The issuer as its tokens have it; null when it is right already, or nobody here knows. */
export function rightSpelling(issuer: string): string | null {
  if (WITH_SLASH.some((pattern) => pattern.test(issuer))) return `${issuer}/`;
  return WITHOUT_SLASH.some((pattern) => pattern.test(issuer)) ? issuer.slice(0, -1) : null;
}
