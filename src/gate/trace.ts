/**
 * What `log.level: trace` adds: one line for each decision with every check that was passed on the way, in the order in
 * which the gate makes them. It is read off the decision, so that no check costs anything more at other levels. Names
 * of checks and of the policy only, never a value.
 */
import { visibleText } from '../observe/visible-text.ts';
import type { Requirements } from '../policy/requirements.ts';
import type { Refusal } from '../refusals/refusal.ts';
import { placesOf } from './absent-credential.ts';
import type { Decision } from './decide.ts';
import type { Visit } from './visit.ts';

/** Checks of a family of credentials in order, each with the reasons of refusals that it ends in. */
type Checks = readonly (readonly [check: string, reasons: RegExp])[];

/** Of tokens, as `tokens/verify-jwt.ts` makes them. */
export const TOKEN_CHECKS: Checks = [
  [
    'form',
    /^(?:malformed_(?:authorization|token|header|payload)|not_a_jwt|token_not_accepted|token_too_long|header_(?:crit|b64|zip|cty|enc)|algorithm_missing|kid_malformed|typ_malformed)$/,
  ],
  ['issuer', /^(?:issuer_|unknown_issuer$)/],
  ['algorithm', /^algorithm_not_allowed$/],
  ['source', /^source_not_accepted$/],
  ['tenant', /^tenant_/],
  ['type', /^(?:wrong_type|id_token|refresh_token|other_token)$/],
  ['audience', /^(?:audience_(?!not_for_route)|wrong_audience$)/],
  ['times', /^(?:expiry_|not_before_|not_yet_valid$|issued_|lifetime_)/],
  ['profile', /^(?:claim_missing$|header_contradicts$|service_account_|unknown_trust_domain$|spiffe_id_)/],
  ['binding', /^bound_to_a_key$/],
  ['jti', /^jwt_id_/],
  ['claims', /^(?:subject_|scope_malformed$)/],
  ['required', /^(?:claim_required|header_required)$/],
  ['key', /^(?:unknown_kid|no_key_for_algorithm|key_of_another_issuer|keys_unavailable)$/],
  ['signature', /^(?:bad_signature|keys_not_tried|too_many_verifications)$/],
  ['expiry', /^token_expired$/],
];
const KEY_CHECKS: Checks = [
  ['form', /^(?:malformed_api_key|api_key_too_long)$/],
  ['known', /^unknown_api_key$/],
  ['source', /^source_not_accepted$/],
  ['expiry', /^api_key_expired$/],
];
const PASSWORD_CHECKS: Checks = [
  ['form', /^(?:malformed_credentials|credentials_too_long)$/],
  ['password', /^(?:unknown_user_or_password|password_checks_overloaded)$/],
  ['source', /^source_not_accepted$/],
];
const OF_KIND = {
  jwt: ['token', TOKEN_CHECKS],
  api_key: ['key', KEY_CHECKS],
  basic: ['password', PASSWORD_CHECKS],
} as const;

/** What a route may require, in order, with the reasons. */
const REQUIRED: readonly (readonly [keyof Requirements, RegExp])[] = [
  ['roles', /^role_missing$/],
  ['claims', /^claim_mismatch$/],
  ['when', /^when_/],
  ['acr', /^acr_not_sufficient$/],
  ['maxAge', /^authentication_too_old$/],
  ['scopes', /^scope_missing$/],
];

/** Writes the line. Called at level trace only. */
export function traceDecision({ id, standing }: Visit, decision: Decision): void {
  const { approach, place, route } = decision;
  const line = {
    request_id: id,
    route: route?.id ?? '',
    looked_in: decision.kind === 'answer' || route?.auth === 'none' ? [] : placesOf(approach.accept),
    found_in: place === null ? '' : place.in === 'header' ? `header ${place.name}` : place.in,
    passed: passedBy(decision),
    failed: decision.kind === 'refuse' ? decision.refusal.reason : '',
  };
  standing.dependencies.log.line('trace', visibleText(JSON.stringify(line)).slice(1, -1), 'checks');
}

/** The checks that a decision has behind it. */
export function passedBy(decision: Decision): readonly string[] {
  if (decision.kind === 'answer') return ['asked_of_gateway'];
  const { route, principal } = decision;
  const refusal = decision.kind === 'refuse' ? decision.refusal : null;
  const passed = route === null ? [] : ['route'];
  if (principal === null) {
    if (refusal === null) return [...passed, 'anonymous'];
    return [...passed, ...passedUntil(refusal)];
  }
  const [family, checks] = OF_KIND[principal.kind];
  passed.push('credential', ...checks.map(([check]) => `${family}.${check}`));
  if (route === null) return passed;
  return [...passed, ...upTo(innerChecks(decision), refusal?.reason ?? null)];
}

/** Of a credential that was refused: what was found good before. */
function passedUntil(refusal: Refusal): readonly string[] {
  const [family, checks] = OF_KIND[kindOf(refusal)];
  const passed = upTo(checks, refusal.reason).map((check) => `${family}.${check}`);
  return checks.some(([, reasons]) => reasons.test(refusal.reason)) ? ['credential', ...passed] : [];
}

/** Which family judged it; a key that came as a Bearer value is refused by the code of tokens. */
function kindOf(refusal: Refusal): keyof typeof OF_KIND {
  const { reason, detail } = refusal;
  if (
    detail?.key !== undefined ||
    KEY_CHECKS.some(([check, known]) => check !== 'source' && known.test(reason))
  ) {
    return 'api_key';
  }
  if (refusal.kind === 'invalid_credential' && refusal.code === 'invalid_credentials') return 'basic';
  return reason === 'password_checks_overloaded' ? 'basic' : 'jwt';
}

/** Those that the route asks for, and none that it does not. */
function innerChecks({ route, place, principal }: Decision): Checks {
  if (route === null) return [];
  const { require, audience } = route;
  const asks = (name: keyof Requirements): boolean => {
    if (name === 'roles') return require.roles.length + require.anyRole.length > 0;
    if (name === 'scopes') return require.scopes.length + require.anyScope.length > 0;
    if (name === 'maxAge') return Number.isFinite(require.maxAge);
    return name === 'when' ? require.when !== null : require[name].length > 0;
  };
  const isAmbient = place?.in === 'cookie' || principal?.kind === 'basic';
  return [
    ...(isAmbient ? [['csrf', /ambient/] as const] : []),
    ...(audience === null ? [] : [['audience', /^audience_not_for_route$/] as const]),
    ...REQUIRED.filter(([name]) => asks(name)).map(
      ([name, reasons]) => [`require.${name === 'maxAge' ? 'max_age' : name}`, reasons] as const,
    ),
    ['identity', /^identity_/],
  ];
}

/** Names of the checks before the one that ended in this reason; all for null, none where no check knows it. */
function upTo(checks: Checks, reason: string | null): readonly string[] {
  const end = reason === null ? checks.length : checks.findIndex(([, reasons]) => reasons.test(reason));
  return checks.slice(0, Math.max(end, 0)).map(([check]) => check);
}
