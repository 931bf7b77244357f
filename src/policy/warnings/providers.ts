/** Warnings about what is known of single providers: spellings, servers that are not for APIs, tokens that anybody gets. */
import { rightSpelling } from '../issuer-spelling.ts';
import type { Route } from '../policy.ts';
import type { ClaimRequirement } from '../requirements.ts';
import type { IssuerPolicy } from '../sources.ts';
import type { WarnedPolicy } from '../warnings.ts';
import { writtenIssuers } from '../written-issuers.ts';

/** Warns of `issuer_slash`, `okta_org_server`, `entra_common`, `github_any_repository` and `assertion_not_read`. */
export function warnOfProviders(warned: WarnedPolicy): void {
  for (const issuer of warned.policy.issuers) {
    warnOfSpelling(issuer, warned);
    warnOfOrgServer(issuer, warned);
    warnOfCommon(issuer, warned);
    const routes = warned.policy.routes.filter((route) => route.accept.issuers.includes(issuer.name));
    if (isGitHub(issuer)) warnOfAnyRepository(issuer, routes, warned);
    const header = ASSERTION_HEADERS.get(
      issuer.profile === 'aws_alb' ? issuer.profile : (issuer.preset ?? ''),
    );
    if (header !== undefined) warnOfUnreadAssertion(issuer, header, { warned, routes });
  }
}

function warnOfSpelling(entry: IssuerPolicy, { context }: WarnedPolicy): void {
  for (const [index, issuer] of writtenIssuers(entry).entries()) {
    const right = rightSpelling(issuer);
    if (right === null) continue;
    const message = `is written ${right} in the tokens of this provider; issuers are compared exactly, so that none of its tokens would be taken`;
    context.warnings.report(['issuers', entry.name, 'issuer', index], 'issuer_slash', message);
  }
}

const OKTA_HOST = /^https:\/\/[\w.-]+\.okta(?:preview|-emea)?\.com(?:\/|$)/i;

/** Access tokens of the organization itself are for Okta: their form may change, and they have its own audience. */
function warnOfOrgServer({ name, preset, issuers }: IssuerPolicy, { context }: WarnedPolicy): void {
  for (const [index, issuer] of issuers.entries()) {
    if (issuer.includes('/oauth2/') || !(preset === 'okta' || OKTA_HOST.test(issuer))) continue;
    const message =
      'is the server of the organization itself, whose access tokens are for Okta only; write that of an authorization server, e.g. https://example.okta.com/oauth2/default';
    context.warnings.report(['issuers', name, 'issuer', index], 'okta_org_server', message);
  }
}

const ENTRA_COMMON =
  /^https:\/\/(?:login\.microsoftonline\.com|sts\.windows\.net)\/(?:common|organizations|consumers)(?:\/|$)/i;

/** Where one logs in for any tenant is the issuer of no token: each names its own tenant. */
function warnOfCommon({ name, issuers }: IssuerPolicy, { context }: WarnedPolicy): void {
  for (const [index, issuer] of issuers.entries()) {
    if (!ENTRA_COMMON.test(issuer)) continue;
    const message =
      'is the issuer of no token: Entra writes the id of the tenant there; write preset: entra with tenants: [...] and no issuer';
    context.warnings.report(['issuers', name, 'issuer', index], 'entra_common', message);
  }
}

const GITHUB = /^https:\/\/token\.actions\.githubusercontent\.com(?:\/|$)/;

function isGitHub({ preset, issuers }: IssuerPolicy): boolean {
  return preset === 'github' || issuers.some((issuer) => GITHUB.test(issuer));
}

/** Claims that tell one repository, or one owner, from all others. */
const REPOSITORY_CLAIMS: ReadonlySet<string> = new Set([
  'sub',
  'repository',
  'repository_id',
  'repository_owner',
  'repository_owner_id',
  'job_workflow_ref',
]);

const readsRepository =
  /\b(?:sub|subject|client|repository|repository_id|repository_owner|repository_owner_id|job_workflow_ref)\b/;

/** Any workflow of any account gets a token with whatever audience it asks for. */
function warnOfAnyRepository(
  issuer: IssuerPolicy,
  routes: readonly Route[],
  { context }: WarnedPolicy,
): void {
  if (pinsRepository(issuer.requireClaims)) return;
  const isOpen = ({ require }: Route) =>
    !pinsRepository(require.claims) && !readsRepository.test(require.when?.source ?? '');
  if (!routes.some(isOpen)) return;
  const message =
    'takes tokens of every workflow on GitHub, whoever owns it; write e.g. require_claims: {repository_owner_id: "1234567"}';
  context.warnings.report(['issuers', issuer.name], 'github_any_repository', message);
}

function pinsRepository(requirements: readonly ClaimRequirement[]): boolean {
  return requirements.some(
    ({ name, matchers }) => REPOSITORY_CLAIMS.has(name) && matchers.some(({ op }) => op !== 'exists'),
  );
}

/** The headers in which front ends pass on what they vouch for. */
const ASSERTION_HEADERS: ReadonlyMap<string, string> = new Map([
  ['aws_alb', 'X-Amzn-Oidc-Data'],
  ['google_iap', 'X-Goog-IAP-JWT-Assertion'],
  ['cloudflare_access', 'Cf-Access-Jwt-Assertion'],
]);

function warnOfUnreadAssertion(
  { name }: IssuerPolicy,
  header: string,
  { warned, routes }: { readonly warned: WarnedPolicy; readonly routes: readonly Route[] },
): void {
  if (routes.length === 0 || routes.some((route) => readsHeader(route, header.toLowerCase(), name))) return;
  const message = `no route reads ${header}, where its tokens come; write token_sources: [{header: ${header}, issuers: [${name}]}]`;
  warned.context.warnings.report(['issuers', name], 'assertion_not_read', message);
}

function readsHeader({ accept }: Route, header: string, issuer: string): boolean {
  return accept.tokenSources.some(
    (source) =>
      source.in === 'header' &&
      source.name === header &&
      (source.issuers === null || source.issuers.includes(issuer)),
  );
}
