/** `issuers`: who may vouch for callers with a token. One issuer's keys and algorithms never serve another's. */
import { parseClaimPath } from '../../authorization/claim-path.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { Configuration } from '../schema/configuration.ts';
import type { IssuerConfiguration } from '../schema/issuers.ts';
import type { ClaimPath, IssuerPolicy } from '../sources.ts';
import { compileClaimRequirements } from './claim-requirements.ts';
import { type CompileContext, hasProblem } from './context.ts';
import { compileKeySource, SHORTEST_SECRET } from './key-source.ts';
import { checkProfile, defaultAlgorithms } from './profiles.ts';
import { checkProvider, hasKeySource } from './providers.ts';
import { compileProxy } from './proxy.ts';
import { checkSharedIssuers } from './shared-issuers.ts';
import { compileTenants } from './tenants.ts';
import { checkCertificates } from './upstreams.ts';

/** How the issuer of `sallyport dev` ends: its keys live in the memory of one process, for anybody's tokens. */
const DEVELOPMENT_ISSUER_SUFFIX = '/sallyport-development';

/** Compiles the block in the order of the file; an issuer that is wrong is reported and left out. */
export function compileIssuers(
  configuration: Configuration,
  context: CompileContext,
): readonly IssuerPolicy[] {
  const issuers: IssuerPolicy[] = [];
  for (const [name, issuer] of configuration.issuers ?? []) {
    const compiled = compileIssuer(name, issuer, context);
    if (compiled !== null) issuers.push(compiled);
  }
  checkSharedIssuers(issuers, context);
  return issuers;
}

function compileIssuer(
  name: string,
  issuer: IssuerConfiguration,
  context: CompileContext,
): IssuerPolicy | null {
  const path = ['issuers', name];
  checkIssuerNames(issuer.issuer ?? [], path, context);
  const names = compileTenants(issuer, path, context);
  const algorithms = compileAlgorithms(issuer, path, context);
  const keys = hasKeySource(issuer, path, context) ? compileKeySource(issuer, path, context) : null;
  const audience = compileAudience(issuer, path, context);
  checkFetching(issuer, path, context);
  checkProfile(issuer, path, context);
  const requireHeader = compileClaimRequirements(issuer.require_header, [...path, 'require_header'], context);
  checkProvider(issuer, requireHeader, path, context);
  const { claims, refresh } = issuer;
  const claimPaths = (key: 'subject' | 'client' | 'scopes' | 'roles') =>
    compileClaimPaths(claims[key] ?? [], [...path, 'claims', key], context);
  const compiled = {
    name,
    preset: issuer.preset ?? null,
    insecureHttp: issuer.insecure_http,
    ca: issuer.ca_file?.text ?? null,
    bearerTokenFile: issuer.bearer_token_file ?? null,
    proxy: compileProxy(issuer, keys, path, context),
    redirects: issuer.redirects,
    algorithms,
    profile: issuer.profile,
    acceptIdTokens: issuer.accept_id_tokens,
    unknownCnf: issuer.unknown_cnf,
    leeway: issuer.leeway,
    maxLifetime: issuer.max_lifetime,
    requireClaims: compileClaimRequirements(issuer.require_claims, [...path, 'require_claims'], context),
    requireHeader,
    subject: claimPaths('subject'),
    client: claimPaths('client'),
    scopes: claimPaths('scopes'),
    roles: claimPaths('roles'),
    scopeImplies: new Map([...issuer.scope_implies].map(([scope, brought]) => [scope, brought ?? []])),
    refresh: {
      interval: refresh.interval,
      cooldown: refresh.cooldown,
      timeout: refresh.timeout,
      maxStale: refresh.max_stale,
      maxBytes: refresh.max_bytes,
      maxKeys: refresh.max_keys,
      cacheFile: refresh.cache_file,
    },
  } as const;
  if (audience === null || keys === null || names === null) return null;
  return { ...compiled, ...names, audience, keys };
}

function checkIssuerNames(names: readonly string[], path: ConfigurationPath, context: CompileContext): void {
  for (const [index, issuer] of names.entries()) {
    const place = [...path, 'issuer', index];
    if (issuer.endsWith(DEVELOPMENT_ISSUER_SUFFIX) && !context.development) {
      const message =
        'is the issuer of "sallyport dev", which gives a token to anybody; write that of your provider';
      context.problems.report(place, 'development_issuer', message);
    }
    if (issuer !== issuer.trim()) {
      const message = 'begins or ends with a space; issuers are compared exactly, so write it without';
      context.problems.report(place, 'invalid_issuer', message);
    }
    if (names.indexOf(issuer) !== index) {
      context.problems.report(place, 'duplicate_issuer', 'is in this list already; remove it');
    }
  }
}

function compileAlgorithms(
  issuer: IssuerConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): readonly string[] {
  const { secret, algorithms } = issuer;
  const place = [...path, 'algorithms'];
  if (algorithms === undefined) {
    if (secret === undefined) return underBothNames(defaultAlgorithms(issuer.profile));
    const bytes = Buffer.byteLength(secret);
    return [...SHORTEST_SECRET].flatMap(([name, shortest]) => (bytes >= shortest ? [name] : []));
  }
  const symmetric = algorithms.filter((algorithm) => SHORTEST_SECRET.has(algorithm));
  const listed = symmetric.join(', ');
  if (symmetric.length > 0 && symmetric.length < algorithms.length) {
    // A public key taken for a secret is the oldest of JWT attacks (RFC 8725 section 2.1).
    const message = `${listed} must not stand beside asymmetric algorithms; write two entries with disjoint algorithms`;
    context.problems.report(place, 'mixed_algorithms', message);
  } else if (symmetric.length > 0 && !context.isWritten([...path, 'secret'])) {
    context.problems.report(place, 'secret_missing', `${listed} needs secret or secret_file`);
  } else if (symmetric.length === 0 && secret !== undefined) {
    const message = 'has no algorithm that uses secret; write HS256, HS384 or HS512, or remove secret';
    context.problems.report(place, 'secret_unused', message);
  }
  return underBothNames(algorithms);
}

/** RFC 9864 gives the signature that EdDSA stands for here a name of its own, Ed25519; tokens may use either, whichever is written. */
function underBothNames(algorithms: readonly string[]): readonly string[] {
  const both = (name: string): readonly string[] => (EDDSA_NAMES.includes(name) ? EDDSA_NAMES : [name]);
  return [...new Set(algorithms.flatMap(both))];
}

const EDDSA_NAMES: readonly string[] = ['EdDSA', 'Ed25519'];

function compileAudience(
  issuer: IssuerConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): IssuerPolicy['audience'] | null {
  const { audience } = issuer;
  if (audience === undefined) return null;
  const place = [...path, 'audience'];
  if (audience.insecure_any) {
    if (audience.any_of !== undefined && context.isWritten([...place, 'any_of'])) {
      const message = 'any_of has no effect beside insecure_any: true; remove one of them';
      context.problems.report(place, 'audience_contradicts', message);
    }
    return { insecureAny: true };
  }
  if (audience.any_of === undefined || audience.any_of.length === 0) {
    // What a preset alone says of it will not name one later.
    if (hasProblem(context, place) || (context.detached && context.isWritten(place))) return null;
    // An empty list never stands for any audience.
    const message =
      'names no audience; write the name of this API as the issuer knows it, e.g. audience: orders-api';
    context.problems.report(place, 'audience_missing', message);
    return null;
  }
  return {
    claims: compileClaimPaths(audience.claims, [...place, 'claims'], context),
    anyOf: [...new Set(audience.any_of)],
  };
}

/** Keys that only fetching reads must not stand where nothing is fetched. */
function checkFetching(issuer: IssuerConfiguration, path: ConfigurationPath, context: CompileContext): void {
  if (issuer.ca_file !== undefined) checkCertificates([...path, 'ca_file'], issuer.ca_file.text, context);
  const isFetched =
    issuer.jwks === undefined && issuer.certificates === undefined && issuer.secret === undefined;
  for (const name of ['ca_file', 'bearer_token_file', 'http_proxy', 'redirects'] as const) {
    if (isFetched || issuer[name] === undefined || !context.isWritten([...path, name])) continue;
    const message = 'has no effect: the keys are in the policy and nothing is fetched; remove it';
    context.problems.report([...path, name], 'no_effect', message);
  }
  const { refresh } = issuer;
  if (isFetched && refresh.max_stale < refresh.interval) {
    const message = 'is less than interval, so that keys would end before new ones are fetched; raise it';
    context.problems.report([...path, 'refresh', 'max_stale'], 'stale_before_refresh', message);
  }
}

function compileClaimPaths(
  names: readonly string[],
  path: ConfigurationPath,
  context: CompileContext,
): readonly ClaimPath[] {
  return names.flatMap((name, index) => {
    const claim = parseClaimPath(name);
    if (claim.ok) return [claim.path];
    context.problems.report([...path, index], 'invalid_claim_name', claim.message);
    return [];
  });
}
