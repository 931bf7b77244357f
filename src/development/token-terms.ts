/**
 * What the tokens of one issuer look like, as its entry in the policy reads them: so a development token passes where
 * a real one would, and fails where it would.
 */
import type { JsonObject, JsonValue } from '../credentials/credential.ts';
import { fillTenant } from '../keys/tenant-template.ts';
import type { ClaimMatcher, ClaimRequirement } from '../policy/requirements.ts';
import type { ClaimPath, IssuerPolicy } from '../policy/sources.ts';
import { isJsonObject } from '../tokens/strict-json.ts';

/** Who signs, for whom, and where the policy looks for what. */
export interface TokenTerms {
  /** Name of the issuer in the policy. */
  readonly name: string;
  /** Null: its tokens have no `iss` (SPIFFE). */
  readonly issuer: string | null;
  readonly audience: readonly string[];
  /** Where the audience is: `aud`, or the first claim that the policy looks at. */
  readonly audienceClaim: ClaimPath;
  readonly typ: string;
  /** Algorithms that it may sign with, in the order of preference. */
  readonly algorithms: readonly string[];
  /** A place where the policy looks; null where it looks nowhere. */
  readonly client: ClaimPath | null;
  readonly scopes: ClaimPath | null;
  readonly roles: ClaimPath | null;
  readonly subject: (persona: string) => string;
  readonly subjectClaim: ClaimPath;
  /** Asked of every token of this issuer. */
  readonly claims: readonly ClaimRequirement[];
  readonly header: readonly ClaimRequirement[];
  /** What the profile asks besides. */
  readonly profileClaims: (persona: string) => JsonObject;
}

/** Stands for the tenant where the policy takes any. */
const SOME_TENANT = '00000000-0000-4000-8000-000000000000';

/** The terms of an issuer of the policy. */
export function termsOf(policy: IssuerPolicy): TokenTerms {
  const { profile, tenants } = policy;
  const tenant = tenants === null ? null : (tenants.anyOf?.[0] ?? SOME_TENANT);
  const template = tenants?.templates[0] ?? policy.issuers[0] ?? '';
  const named = tenant === null ? template : fillTenant(template, tenant);
  return {
    name: policy.name,
    issuer: profile === 'spiffe' ? null : named,
    ...audienceOf(policy),
    typ: profile === 'compat' || profile === 'rfc9068' ? 'at+jwt' : 'JWT',
    algorithms: policy.algorithms,
    client: profile === 'rfc9068' ? ['client_id'] : simplest(policy.client),
    scopes: simplest(policy.scopes),
    roles: simplest(policy.roles),
    subject: subjectOf(profile, named),
    subjectClaim: policy.subject[0] ?? ['sub'],
    claims: policy.requireClaims,
    header: policy.requireHeader,
    profileClaims: (persona) => ({
      ...(tenant === null ? {} : { tid: tenant }),
      ...(profile === 'kubernetes' ? serviceAccount(persona) : {}),
    }),
  };
}

function audienceOf({ audience }: IssuerPolicy): Pick<TokenTerms, 'audience' | 'audienceClaim'> {
  if ('insecureAny' in audience) return { audience: ['development'], audienceClaim: ['aud'] };
  return { audience: audience.anyOf, audienceClaim: audience.claims[0] ?? ['aud'] };
}

/** A top-level claim where the policy looks at one, since that is what people look for in a token. */
function simplest(paths: readonly ClaimPath[]): ClaimPath | null {
  return paths.find(({ length }) => length === 1) ?? paths[0] ?? null;
}

function subjectOf(profile: IssuerPolicy['profile'], domain: string): (persona: string) => string {
  if (profile === 'spiffe') return (persona) => `${domain}/${persona}`;
  if (profile === 'kubernetes') return (persona) => `system:serviceaccount:default:${persona}`;
  return (persona) => persona;
}

function serviceAccount(name: string): JsonObject {
  return { 'kubernetes.io': { namespace: 'default', serviceaccount: { name, uid: SOME_TENANT } } };
}

/** Puts a value where a claim path leads, making the objects on the way. */
export function putClaim(claims: Record<string, JsonValue>, path: ClaimPath, value: JsonValue): void {
  const [name = '', ...below] = path;
  if (below.length === 0) {
    claims[name] = value;
    return;
  }
  const held = claims[name];
  const object: Record<string, JsonValue> = isJsonObject(held) ? { ...held } : {};
  putClaim(object, below, value);
  claims[name] = object;
}

/** Puts values that satisfy requirements, as far as a value can be told from a matcher. */
export function putRequired(
  claims: Record<string, JsonValue>,
  requirements: readonly ClaimRequirement[],
  now: number,
): void {
  for (const { path, matchers } of requirements) {
    const values = matchers.map((matcher) => valueFor(matcher, now)).filter((value) => value !== undefined);
    const value = values.at(-1);
    if (value !== undefined) putClaim(claims, path, value);
  }
}

/** @param now epoch seconds: what stands for a claim that need only be there, since `auth_time` is the usual one */
function valueFor(matcher: ClaimMatcher, now: number): JsonValue | undefined {
  switch (matcher.op) {
    case 'equals':
    case 'gte':
    case 'lte':
      return matcher.value;
    case 'in':
      return matcher.values[0];
    case 'contains':
      return [matcher.value];
    case 'contains_any':
      return matcher.values.slice(0, 1);
    case 'starts_with':
      return `${matcher.value}development`;
    case 'ends_with':
      return `development${matcher.value}`;
    case 'domain':
      return `development@${matcher.value}`;
    case 'gt':
      return matcher.value + 1;
    case 'lt':
      return matcher.value - 1;
    case 'exists':
      return matcher.value ? now : undefined;
  }
}
