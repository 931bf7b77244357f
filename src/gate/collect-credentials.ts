/**
 * Finds the one credential of a request in the places that its route reads, and nowhere else. Refuses to
 * choose: two credentials are an error, because the upstream might mean the other one.
 */
import type { Credential } from '../credentials/credential.ts';
import {
  readsAuthorization,
  readsBearer,
  readsTokensInAuthorization,
} from '../credentials/reads-authorization.ts';
import type { AcceptPolicy, Limits } from '../policy/policy.ts';
import type { Refusal } from '../refusals/refusal.ts';
import {
  hasThreeParts,
  isBase64Token,
  isPaddedToken,
  parseAuthorization,
} from '../wire/authorization-header.ts';
import { isVisibleAscii } from '../wire/header-value.ts';
import type { WireRequest } from '../wire/wire-request.ts';
import { type EmbeddedSource, embeddedToken } from './embedded-token.ts';

/** What a request presents. `absent` is for the gate to judge: a 401, or an anonymous caller. */
export type CollectedCredentials =
  | { readonly kind: 'absent' }
  | { readonly kind: 'presented'; readonly credential: Credential }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** How a field is read: as Authorization, or as one bare token or key. */
type Reading = 'authorization' | 'token' | 'key';

interface Scope {
  readonly accept: AcceptPolicy;
  readonly tokenBytes: number;
}

const ABSENT: CollectedCredentials = Object.freeze({ kind: 'absent' });
const AMBIGUOUS = refused({ kind: 'ambiguous_credentials', reason: 'ambiguous_credentials' });
const OTHER_SCHEME = refused({ kind: 'unauthenticated', reason: 'unknown_scheme' });
const MALFORMED_TOKEN = invalidToken('malformed_authorization');
const TOKEN_NOT_READ = invalidToken('token_not_accepted');
const NOT_A_TOKEN = invalidToken('not_a_jwt');
const MALFORMED_KEY = refused({
  kind: 'invalid_credential',
  code: 'invalid_api_key',
  reason: 'malformed_api_key',
});
const MALFORMED_USER_PASS = refused({
  kind: 'invalid_credential',
  code: 'invalid_credentials',
  reason: 'malformed_credentials',
});
const EMBEDDED_PLACES = Object.freeze({
  cookie: Object.freeze({ in: 'cookie' } as const),
  query: Object.freeze({ in: 'query' } as const),
  websocket_protocol: Object.freeze({ in: 'websocket_protocol' } as const),
});
const AUTHORIZATION = Object.freeze({ in: 'authorization' } as const);

/**
 * Counts on the raw fields, since Node's own `headers` keeps the first of two Authorization fields and joins
 * two key headers. Allocates nothing when nothing is there.
 */
export function collectCredentials(
  wire: WireRequest,
  accept: AcceptPolicy,
  limits: Pick<Limits, 'tokenBytes'>,
): CollectedCredentials {
  const found = fromEmbedded(wire, accept, limits, fromFields(wire, accept, limits));
  // Browsers add cookies unasked: they are looked at only where nothing else speaks for the caller.
  return found === ABSENT ? fromEmbedded(wire, accept, limits, null) : found;
}

function fromFields(
  wire: WireRequest,
  accept: AcceptPolicy,
  limits: Pick<Limits, 'tokenBytes'>,
): CollectedCredentials {
  const names = wire.headerNames;
  let found: CollectedCredentials = ABSENT;
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] ?? '';
    const reading = readingOf(name, accept);
    if (reading === null) continue;
    // The same field twice, even once empty: whoever reads the other one sees another caller than we do.
    if (names.indexOf(name) !== i) return AMBIGUOUS;
    const scope = { accept, tokenBytes: limits.tokenBytes };
    const next = read(reading, name, wire.rawHeaders[2 * i + 1] ?? '', scope);
    if (next === ABSENT) continue;
    if (found !== ABSENT) return AMBIGUOUS;
    found = next;
  }
  return found;
}

/**
 * Tokens in places that share a field with other things.
 * @param others what was found in fields; null to look at cookies, and at nothing else
 */
function fromEmbedded(
  wire: WireRequest,
  accept: AcceptPolicy,
  limits: Pick<Limits, 'tokenBytes'>,
  others: CollectedCredentials | null,
): CollectedCredentials {
  let found = others ?? ABSENT;
  for (const source of accept.tokenSources) {
    if (source.in === 'authorization' || source.in === 'header') continue;
    if ((source.in === 'cookie') !== (others === null)) continue;
    const next = readEmbedded(source, wire, limits.tokenBytes);
    if (next === ABSENT) continue;
    if (found !== ABSENT) return AMBIGUOUS;
    found = next;
  }
  return found;
}

function readEmbedded(source: EmbeddedSource, wire: WireRequest, tokenBytes: number): CollectedCredentials {
  const found = embeddedToken(source, wire);
  if (found.kind === 'none') return ABSENT;
  if (found.kind === 'twice') return AMBIGUOUS;
  if (found.kind === 'malformed') return MALFORMED_TOKEN;
  const { token: value } = found;
  if (value.length > tokenBytes || !isBase64Token(value)) return MALFORMED_TOKEN;
  if (!hasThreeParts(value)) return NOT_A_TOKEN;
  const place = EMBEDDED_PLACES[source.in];
  return presented({
    place,
    family: 'token',
    value,
    refusedAs: 'invalid_token',
    onlyIssuers: source.issuers,
  });
}

/** Null for a field that this route does not read: the common case, decided by a few comparisons. */
function readingOf(name: string, accept: AcceptPolicy): Reading | null {
  if (name === 'authorization') return readsAuthorization(accept) ? 'authorization' : null;
  if (accept.keyHeaders.includes(name)) return 'key';
  for (const source of accept.tokenSources) {
    if (source.in === 'header' && source.name === name) return 'token';
  }
  return null;
}

function read(reading: Reading, name: string, value: string, scope: Scope): CollectedCredentials {
  if (value === '') return ABSENT;
  switch (reading) {
    case 'authorization':
      return readAuthorization(value, scope.accept, scope.tokenBytes);
    case 'token':
      return readTokenHeader(name, value, scope);
    case 'key':
      return readKeyHeader(name, value, scope.tokenBytes);
  }
}

function readAuthorization(value: string, accept: AcceptPolicy, tokenBytes: number): CollectedCredentials {
  const parsed = parseAuthorization(value, tokenBytes);
  switch (parsed.kind) {
    case 'empty':
      return ABSENT;
    case 'other_scheme':
      return OTHER_SCHEME;
    case 'malformed':
      return readsBearer(accept) ? MALFORMED_TOKEN : OTHER_SCHEME;
    case 'bearer':
      return readsBearer(accept) ? judgeBearer(parsed.token, accept) : OTHER_SCHEME;
    case 'malformed_basic':
      return accept.userLists.length > 0 ? MALFORMED_USER_PASS : OTHER_SCHEME;
    case 'basic':
      return accept.userLists.length > 0 ? presentedUserPass(parsed.userPass) : OTHER_SCHEME;
  }
}

function presentedUserPass(value: string): CollectedCredentials {
  return presented({ place: AUTHORIZATION, family: 'password', value, refusedAs: 'invalid_credentials' });
}

/** Three parts go to the issuers only, anything else to the keys only: neither family gets a second try. */
function judgeBearer(value: string, accept: AcceptPolicy): CollectedCredentials {
  const family = hasThreeParts(value) ? 'token' : 'key';
  if (family === 'token' && !readsTokensInAuthorization(accept)) return TOKEN_NOT_READ;
  if (family === 'key' && accept.apiKeySets.length === 0) return NOT_A_TOKEN;
  const onlyIssuers = family === 'token' ? restriction(accept, null) : null;
  return presented({ place: AUTHORIZATION, family, value, refusedAs: 'invalid_token', onlyIssuers });
}

/** The bare token, as load balancers send it; a scheme before it makes it malformed. */
function readTokenHeader(name: string, value: string, { accept, tokenBytes }: Scope): CollectedCredentials {
  const padded = isPadded(accept, name);
  const isToken = padded ? isPaddedToken(value) : isBase64Token(value);
  if (value.length > tokenBytes || !isToken) return MALFORMED_TOKEN;
  if (!hasThreeParts(value)) return NOT_A_TOKEN;
  return presented({
    place: { in: 'header', name },
    family: 'token',
    value,
    refusedAs: 'invalid_token',
    onlyIssuers: restriction(accept, name),
    padded,
  });
}

/** Whether nobody but load balancers is read in a header, whichever sources name it. */
function isPadded(accept: AcceptPolicy, name: string): boolean {
  return !accept.tokenSources.some(
    (source) => source.in === 'header' && source.name === name && !source.padded,
  );
}

function readKeyHeader(name: string, value: string, tokenBytes: number): CollectedCredentials {
  if (value.length > tokenBytes || !isVisibleAscii(value)) return MALFORMED_KEY;
  return presented({ place: { in: 'header', name }, family: 'key', value, refusedAs: 'invalid_api_key' });
}

/**
 * The issuers that a place counts for, or null for all. A place may be named by several sources.
 * @param header the header's name, or null for Authorization
 */
function restriction(accept: AcceptPolicy, header: string | null): readonly string[] | null {
  let issuers: readonly string[] | undefined;
  for (const source of accept.tokenSources) {
    const isPlace =
      header === null ? source.in === 'authorization' : source.in === 'header' && source.name === header;
    if (!isPlace) continue;
    if (source.issuers === null) return null;
    issuers = issuers === undefined ? source.issuers : [...issuers, ...source.issuers];
  }
  return issuers ?? [];
}

function presented(credential: Credential): CollectedCredentials {
  return { kind: 'presented', credential };
}

function refused(refusal: Refusal): CollectedCredentials {
  return Object.freeze({ kind: 'refused', refusal: Object.freeze(refusal) });
}

function invalidToken(reason: string): CollectedCredentials {
  return refused({ kind: 'invalid_credential', code: 'invalid_token', reason });
}
