/** Warns where tokens of another kind may count as access tokens, since neither the issuer nor a route tells them apart. */
import type { Route } from '../policy.ts';
import type { ClaimRequirement } from '../requirements.ts';
import type { IssuerPolicy } from '../sources.ts';
import type { WarnedPolicy } from '../warnings.ts';

/** Claims that ID tokens may have as well (OpenID Connect Core sections 2 and 5.1, and common extensions). */
const CLAIMS_OF_ID_TOKENS: ReadonlySet<string> = new Set(
  (
    'iss sub aud exp iat nbf jti sid auth_time nonce acr amr azp at_hash c_hash name given_name family_name ' +
    'middle_name nickname preferred_username profile picture website email email_verified gender birthdate ' +
    'zoneinfo locale phone_number phone_number_verified address updated_at groups roles hd tid oid upn'
  ).split(' '),
);

const readsScopes = /\b(?:scopes?|scp)\b/;

/**
 * Warns of `token_kind_open`: an issuer under `compat` whose tokens need nothing on some route that only access tokens
 * have. Not of presets, whose providers' tokens are told apart, nor where ID tokens are accepted by choice.
 */
export function warnOfTokenKinds({ policy, context }: WarnedPolicy): void {
  for (const issuer of policy.issuers) {
    if (!isOpen(issuer)) continue;
    const count = policy.routes.filter((route) => isOpenTo(route, issuer.name)).length;
    if (count === 0) continue;
    const message = `${count === 1 ? 'one route takes' : `${count} routes take`} its tokens without asking for anything that only access tokens have, so that an ID token without marks of its own would count; write profile: rfc9068 if its access tokens say "typ": "at+jwt", or require_claims with a claim that only they have, or scopes on the routes`;
    context.warnings.report(['issuers', issuer.name], 'token_kind_open', message);
  }
}

function isOpen({
  preset,
  profile,
  acceptIdTokens,
  requireClaims,
  requireHeader,
  audience,
}: IssuerPolicy): boolean {
  if (preset !== null || profile !== 'compat' || acceptIdTokens) return false;
  if ('claims' in audience && !audience.claims.some(([name]) => name === 'aud')) return false;
  return !requireHeader.some(({ name }) => name === 'typ') && !tellsApart(requireClaims);
}

function isOpenTo({ accept, require }: Route, issuer: string): boolean {
  if (!accept.issuers.includes(issuer)) return false;
  const asksForScopes = require.scopes.length > 0 || require.anyScope.length > 0;
  return !asksForScopes && !tellsApart(require.claims) && !readsScopes.test(require.when?.source ?? '');
}

function tellsApart(requirements: readonly ClaimRequirement[]): boolean {
  return requirements.some(
    ({ path, matchers }) =>
      !CLAIMS_OF_ID_TOKENS.has(path[0] ?? '') &&
      matchers.some((matcher) => matcher.op !== 'exists' || matcher.value),
  );
}
