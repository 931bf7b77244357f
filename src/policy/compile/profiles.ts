/**
 * What an issuer's profile rules out or narrows. Refuses keys that contradict it: they would let in tokens that the
 * profile's own document forbids, or none at all.
 */
import { isTrustDomain } from '../../tokens/profiles/spiffe-id.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { IssuerConfiguration } from '../schema/issuers.ts';
import { ASYMMETRIC_ALGORITHMS } from '../schema/issuers.ts';
import type { CompileContext } from './context.ts';

/** RFC 7518 sections 3.3 to 3.5, and nothing else (SPIFFE JWT-SVID section 2.1). */
const SPIFFE_ALGORITHMS: readonly string[] = ASYMMETRIC_ALGORITHMS.filter((name) => name !== 'EdDSA');
/** The only one that a load balancer signs with. */
const BALANCER_ALGORITHMS = ['ES256'];
/** A bundle is a JWK Set, and no metadata calls itself by a trust domain. */
const NO_BUNDLES = ['discovery_url', 'certificates_uri', 'certificates', 'key_uri'] as const;

const ASYMMETRIC_PROFILES: readonly string[] = ['kubernetes', 'spiffe', 'aws_alb'];

/** Algorithms of an entry without `secret` that does not say any. */
export function defaultAlgorithms(profile: IssuerConfiguration['profile']): readonly string[] {
  if (profile === 'spiffe') return SPIFFE_ALGORITHMS;
  return profile === 'aws_alb' ? BALANCER_ALGORITHMS : ASYMMETRIC_ALGORITHMS;
}

/** Reports each contradiction at its key. */
export function checkProfile(
  issuer: IssuerConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): void {
  const { profile, audience } = issuer;
  const report = (key: string, message: string) =>
    context.problems.report([...path, key], 'profile_contradicts', message);
  if (profile === 'spiffe') checkSpiffe(issuer, path, context);
  else checkNoTrustDomain(issuer.issuer ?? [], path, context);
  if (profile === 'aws_alb' && audience?.claims.includes('aud') === true)
    report(
      'audience',
      'is never in aud of what a load balancer sends; write {any_of: CLIENT_ID, claims: client}',
    );
  if (issuer.secret !== undefined && ASYMMETRIC_PROFILES.includes(profile))
    report('secret', `is of no use with profile: ${profile}, whose tokens no shared secret signs; remove it`);
}

function checkSpiffe(issuer: IssuerConfiguration, path: ConfigurationPath, context: CompileContext): void {
  const report = (key: string, message: string) =>
    context.problems.report([...path, key], 'profile_contradicts', message);
  checkTrustDomain(issuer.issuer ?? [], path, context);
  const other = issuer.algorithms?.filter((name) => !SPIFFE_ALGORITHMS.includes(name)) ?? [];
  if (other.length > 0)
    report('algorithms', `${other.join(', ')} never signs a JWT-SVID (JWT-SVID section 2.1); remove it`);
  for (const key of NO_BUNDLES) {
    if (issuer[key] === undefined) continue;
    report(
      key,
      'holds no SPIFFE bundle; write jwks_uri with the address of the bundle endpoint, or jwks_file',
    );
  }
  const { audience } = issuer;
  if (audience?.insecure_any === true)
    report(
      'audience',
      'must name this service: a JWT-SVID for another one must be refused (JWT-SVID section 3.2)',
    );
  if (audience !== undefined && audience.claims.join(' ') !== 'aud')
    report('audience', 'is in aud, and in no other claim, of a JWT-SVID; remove claims');
}

/** One bundle speaks for one trust domain, or the keys of each would vouch for the other (SPIFFE Bundle section 3). */
function checkTrustDomain(
  issuers: readonly string[],
  path: ConfigurationPath,
  context: CompileContext,
): void {
  const place = [...path, 'issuer'];
  for (const [index, issuer] of issuers.entries()) {
    if (isTrustDomain(issuer)) continue;
    const message =
      'must be a trust domain alone, in lower case and without path or port, as spiffe://example.org (profile: spiffe)';
    context.problems.report([...place, index], 'invalid_trust_domain', message);
  }
  if (issuers.length < 2) return;
  const message = 'must be one trust domain: a bundle speaks for no other; write an entry for each';
  context.problems.report(place, 'several_trust_domains', message);
}

/** Nothing of a JWT-SVID would be checked, and `iss` is not what names its trust domain. */
function checkNoTrustDomain(
  issuers: readonly string[],
  path: ConfigurationPath,
  context: CompileContext,
): void {
  for (const [index, issuer] of issuers.entries()) {
    if (!/^spiffe:/i.test(issuer)) continue;
    const message = 'is a trust domain of SPIFFE; add profile: spiffe, or preset: spiffe';
    context.problems.report([...path, 'issuer', index], 'profile_missing', message);
  }
}
