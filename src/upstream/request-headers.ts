/**
 * Builds the header list that an upstream gets: what callers may not say is left out first, then what we
 * say is added, identity last. Refuses to pass on a name that an upstream could take for one of ours.
 */
import { readsAuthorization } from '../credentials/reads-authorization.ts';
import type { Policy, Route } from '../policy/policy.ts';
import { cutCookies } from '../wire/cookies.ts';
import { foldHeaderName } from '../wire/fold-header-name.ts';
import { HOP_BY_HOP, nominatedBy } from '../wire/hop-by-hop.ts';
import { DANGEROUS_HEADERS, IDENTITY_HEADERS, IDENTITY_PREFIX } from '../wire/reserved-headers.ts';
import { type EmbeddedCredentials, embeddedCredentials, namesToCut } from './embedded-credentials.ts';
import type { ForwardPlan } from './forward-plan.ts';
import { addForwarded, FORWARDED_HEADERS, type ForwardedRules } from './forwarded.ts';
import type { ReceivedForwarded } from './forwarded-both.ts';
import { forwardedOffers } from './subprotocols.ts';

/** What becomes of a caller's header. */
type Treatment =
  /** Passed on as sent, unless Connection names it. */
  | 'pass'
  /** Left out, or written by us. */
  | 'drop'
  /** Passed on where the route's `forward_headers` names it. */
  | 'dangerous'
  /** Carries a credential: passed on where the route forwards it, and reads this place. */
  | 'credential'
  /** May hold a credential among other things: passed on without it. */
  | 'cookies'
  | 'subprotocols'
  /** Tells of hops before us: believed from trusted peers. */
  | 'forwarded'
  /** `Connection` itself. */
  | 'connection';

/** What of a policy decides about headers, prepared at load. */
export interface RequestHeaderRules extends ForwardedRules {
  /** Credentials that are cut out of what else passes. */
  readonly embedded: EmbeddedCredentials;
  /** @param name lower-case */
  treatmentOf(name: string): Treatment;
}

/** Names whose treatment is remembered. Callers invent names, so that it is bounded. */
const REMEMBERED_NAMES = 1024;
const LONGEST_REMEMBERED = 64;

/** Fields that we write ourselves, and those that end with this connection. */
const OURS = new Set([...HOP_BY_HOP, 'host', 'content-length', 'expect', 'x-request-id']);

/** Whatever a name that begins so tells, an upstream takes it for the word of a proxy. */
const HOP_PREFIX = 'x-forwarded-';

/** Credentials of schemes that any upstream may know, whether or not this policy reads them. */
const CREDENTIAL_FIELDS = ['authorization', 'dpop'];

/** Prepares what a policy says about callers' headers: their own, credentials, identity and hops. */
export function createRequestHeaderRules(policy: Policy): RequestHeaderRules {
  const identity = new Set([...IDENTITY_HEADERS, ...policy.identity.strip]);
  for (const { name } of policy.identity.headers) identity.add(foldHeaderName(name));
  const prefixes = [IDENTITY_PREFIX, ...policy.identity.stripPrefixes];
  const embedded = embeddedCredentials(policy);
  const named = namedTreatments(policy, embedded);
  const judge = (name: string): Treatment => {
    if (name === 'connection') return 'connection';
    const folded = foldHeaderName(name);
    if (identity.has(folded) || prefixes.some((prefix) => folded.startsWith(prefix))) return 'drop';
    // Also of twins: an upstream that folds names would frame by `Content_Length` (RFC 9112 section 6).
    if (OURS.has(folded)) return 'drop';
    const treatment = named.get(folded) ?? (folded.startsWith(HOP_PREFIX) ? 'forwarded' : undefined);
    if (treatment === undefined) return 'pass';
    // A twin of a name that may pass is never the name itself: whoever folds would read both as one.
    return name === folded ? treatment : 'drop';
  };
  const remembered = new Map<string, Treatment>();
  return {
    forwarded: policy.forwarded,
    trusts: (address) => policy.trustedProxies.check(address, address.includes(':') ? 'ipv6' : 'ipv4'),
    embedded,
    treatmentOf(name) {
      let treatment = remembered.get(name);
      if (treatment === undefined) {
        treatment = judge(name);
        if (remembered.size < REMEMBERED_NAMES && name.length <= LONGEST_REMEMBERED) {
          remembered.set(name, treatment);
        }
      }
      return treatment;
    },
  };
}

/** By folded name; of two treatments the later one here counts. */
function namedTreatments(policy: Policy, embedded: EmbeddedCredentials): ReadonlyMap<string, Treatment> {
  const named = new Map<string, Treatment>();
  for (const name of FORWARDED_HEADERS) named.set(name, 'forwarded');
  for (const name of DANGEROUS_HEADERS) named.set(name, 'dangerous');
  if (embedded.cookie.length > 0) named.set('cookie', 'cookies');
  if (embedded.websocket_protocol.length > 0) named.set('sec-websocket-protocol', 'subprotocols');
  for (const name of credentialCarriers(policy)) named.set(name, 'credential');
  return named;
}

/** Every header that some route of the policy reads a credential from, folded. */
function credentialCarriers(policy: Policy): ReadonlySet<string> {
  const carriers = new Set(CREDENTIAL_FIELDS);
  for (const { header } of policy.apiKeySets) carriers.add(foldHeaderName(header));
  for (const { accept } of [policy.unmatched, ...policy.routes]) {
    for (const header of accept.keyHeaders) carriers.add(foldHeaderName(header));
    for (const source of accept.tokenSources) {
      if (source.in === 'header') carriers.add(foldHeaderName(source.name));
    }
  }
  return carriers;
}

/**
 * The flat list for one request. The value of Host stands at index 1. Content-Length is there when the
 * caller declared a body; the connection writes Transfer-Encoding and Connection itself.
 */
export function requestHeaders(rules: RequestHeaderRules, plan: ForwardPlan, authority: string): string[] {
  const { wire, route } = plan;
  const names = wire.headerNames;
  const headers = ['host', hostFor(plan, authority)];
  const nominated = nominatedBy(wire.headerNames, wire.rawHeaders);
  let received: Map<string, string> | null = null;
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] ?? '';
    const treatment = rules.treatmentOf(name);
    if (treatment === 'drop' || treatment === 'connection') continue;
    if (treatment === 'forwarded') {
      if (plan.trusted) received = remember(received, name, wire.rawHeaders[2 * i + 1] ?? '');
      continue;
    }
    if (!passes(treatment, name, route) || nominated?.has(name) === true) continue;
    const value = passedValue(rules, plan, treatment, i);
    if (value !== null) headers.push(wire.rawHeaders[2 * i] ?? name, value);
  }
  addOurs(headers, rules, plan, received);
  return headers;
}

function addOurs(
  headers: string[],
  rules: RequestHeaderRules,
  plan: ForwardPlan,
  received: ReceivedForwarded | null,
): void {
  const { body, contentLength } = plan.wire;
  if (body === 'length' && contentLength > 0) headers.push('content-length', String(contentLength));
  addForwarded(headers, rules, plan, received);
  headers.push('x-request-id', plan.requestId);
  if (plan.identity !== null) headers.push(...plan.identity);
}

/** Host as the upstream's policy wants it; an HTTP/1.0 caller may have named none. */
export function hostFor({ wire, route }: ForwardPlan, authority: string): string {
  const { host } = route.upstream;
  if (host === 'client') return wire.authority === '' ? authority : wire.authority;
  return host === 'upstream' ? authority : host.literal;
}

type Passing = Exclude<Treatment, 'drop' | 'connection' | 'forwarded'>;

function passes(treatment: Passing, name: string, route: Route): boolean {
  if (treatment === 'dangerous') return route.forwardHeaders.has(name);
  return treatment !== 'credential' || keepsCredential(route, name);
}

/** The value without credentials in it; null for a field of which nothing is left. */
function passedValue(
  { embedded }: RequestHeaderRules,
  plan: ForwardPlan,
  treatment: Passing,
  index: number,
): string | null {
  const { headerNames, rawHeaders } = plan.wire;
  const value = rawHeaders[2 * index + 1] ?? '';
  if (treatment === 'cookies') return cutCookies(value, namesToCut(embedded, 'cookie', plan)) || null;
  if (treatment !== 'subprotocols') return value;
  // All lines are one list, in which a token may stand on the line behind its marker's.
  if (headerNames.indexOf('sec-websocket-protocol') !== index) return null;
  return forwardedOffers(embedded, plan) || null;
}

/**
 * A forwarded credential is one that was judged. What lies in a place that this route does not read was
 * not, and an upstream might believe it.
 */
function keepsCredential(route: Route, name: string): boolean {
  if (!route.forwardCredential) return false;
  if (route.auth === 'none') return true;
  if (name === 'authorization') return readsAuthorization(route.accept);
  const { tokenSources, keyHeaders } = route.accept;
  return (
    keyHeaders.includes(name) ||
    tokenSources.some((source) => source.in === 'header' && source.name.toLowerCase() === name)
  );
}

function remember(received: Map<string, string> | null, name: string, value: string): Map<string, string> {
  const all = received ?? new Map<string, string>();
  const before = all.get(name);
  return all.set(name, before === undefined ? value : `${before}, ${value}`);
}
