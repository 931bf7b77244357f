/** Warnings about claims that say less than they seem to. */
import type { Route } from '../policy.ts';
import type { ClaimRequirement } from '../requirements.ts';
import type { IssuerPolicy } from '../sources.ts';
import type { WarnedPolicy } from '../warnings.ts';

const readsEmail = /\bclaims\s*(?:\.\s*email\b|\[\s*(['"])email\1\s*\])/;
const readsVerified = /\bemail_verified\b/;
const readsRoles = /\broles\b/;
const readsClaimAsText = /\bstring\(\s*claims\b/;
const readsTargetAsNumber = /\b(?:int|uint|double)\(\s*(?:path|request)\b/;
const readsClaims = /\bclaims\b/;
const readsSource = /\b(?:issuer|source)\b/;

/** An address that was not verified, a number that stands for an id, and roles that mean different things to different issuers. */
export function warnOfClaims({ policy, origins, context }: WarnedPolicy): void {
  for (const [route, index] of origins) {
    const path = ['routes', index, 'require'];
    const accepted = policy.issuers.filter(({ name }) => route.accept.issuers.includes(name));
    if (asksForEmail(route) && !isEmailVerified(route, accepted)) {
      const message =
        'anybody can enter any address at a provider that does not verify it; add email_verified: true beside email';
      context.warnings.report(path, 'email_without_verified', message);
    }
    if (comparesNumber(route)) {
      const message =
        'a claim is compared as a number: one beyond 64 bits, or beyond 2^53 with a point or an exponent, is 403; let the issuer send ids as text';
      context.warnings.report([...path, 'when'], 'claim_as_number', message);
    }
    if (asksForRole(route) && accepted.length > 1 && !tellsIssuersApart(route)) {
      const names = accepted.map(({ name }) => name).join(' and ');
      const message = `a role of this name counts from ${names} alike; write accept with one of them, or ask for source in when`;
      context.warnings.report(path, 'shared_roles', message);
    }
  }
}

function asksForEmail({ require }: Route): boolean {
  const isMatched = require.claims.some(
    ({ name, matchers }) => isClaim(name, 'email') && matchers.some(({ op }) => op !== 'exists'),
  );
  return isMatched || readsEmail.test(require.when?.source ?? '');
}

function isEmailVerified({ require }: Route, accepted: readonly IssuerPolicy[]): boolean {
  if (asksVerified(require.claims) || readsVerified.test(require.when?.source ?? '')) return true;
  return accepted.length > 0 && accepted.every((issuer) => asksVerified(issuer.requireClaims));
}

function asksVerified(requirements: readonly ClaimRequirement[]): boolean {
  return requirements.some(({ name }) => isClaim(name, 'email_verified'));
}

/** With the target of a request, which holds digits of any length. */
function comparesNumber({ require }: Route): boolean {
  const source = require.when?.source ?? '';
  return readsClaimAsText.test(source) || (readsTargetAsNumber.test(source) && readsClaims.test(source));
}

function isClaim(name: string, wanted: string): boolean {
  return name === wanted || name.endsWith(`/${wanted}`);
}

function asksForRole({ require }: Route): boolean {
  return (
    require.roles.length > 0 || require.anyRole.length > 0 || readsRoles.test(require.when?.source ?? '')
  );
}

function tellsIssuersApart({ require }: Route): boolean {
  return readsSource.test(require.when?.source ?? '') || require.claims.some(({ name }) => name === 'iss');
}
