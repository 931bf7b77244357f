/**
 * What an upstream is told: the caller's fields that may pass, and ours (configuration.md, Semantics, "Headers from callers",
 * "Values"; keys `identity`, `forwarded`, `forward_credential`).
 */
import { type Accepted, type CredentialPlace, isName, readsAuthorization } from './credentials.ts';
import { claimAt } from './json.ts';
import type { Caller, IdentityModel, PolicyModel, RequestModel, RouteModel } from './model.ts';
import { linesOf } from './wire.ts';

type Field = readonly [name: string, value: string];

const FROM_OTHERS = [
  ...[
    'x-user',
    'x-remote-user',
    'remote-user',
    'x-forwarded-user',
    'x-forwarded-email',
    'x-forwarded-groups',
  ],
  'x-forwarded-preferred-username',
];
const DANGEROUS = [
  ...['x-original-url', 'x-original-uri', 'x-rewrite-url', 'x-http-method-override', 'x-http-method'],
  'x-method-override',
];
const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['proxy-authenticate', 'proxy-authorization'],
];
/** Written by us for each request. */
const FRAMING = ['host', 'content-length', 'expect', 'x-request-id'];
/** Said by hops; ours are compared apart. */
const OF_HOPS = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded', 'via'];
/** A nomination of these would break the message (RFC 9110 section 7.6.1). */
const NOT_NOMINATED = [
  'close',
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'cache-control',
];

/** What Semantics calls counting as `-`. */
export function fold(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-');
}

/** What the policy and the request are asked about. */
export interface Passage {
  readonly policy: PolicyModel;
  readonly request: RequestModel;
  readonly route: RouteModel;
  readonly accepted: Accepted;
  readonly authority: string;
  /** Where the credential lay that was judged; null for none. */
  readonly place: CredentialPlace | null;
}

/** The caller's fields that pass, with those that we add; null where a required one cannot be made (403). */
export function headersFor(passage: Passage, caller: Caller | null): Field[] | null {
  const identity = caller === null ? [] : identityFields(passage.policy.identity, caller);
  if (identity === null) return null;
  const fields = [...passing(passage), ...identity, ...hopFields(passage)];
  return fields.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
}

function passing(passage: Passage): Field[] {
  const { policy, request, route } = passage;
  const nominated = linesOf(request, 'connection')
    .flatMap((line) => line.split(','))
    .map((name) => name.trim().toLowerCase())
    .filter((name) => !NOT_NOMINATED.includes(name));
  const removed = removedNames(policy);
  const carriers = carriersOf(policy);
  return request.headers.flatMap(([written, raw]): Field[] => {
    const name = written.toLowerCase();
    const folded = fold(name);
    if (nominated.includes(name) || removed(folded)) return [];
    if (DANGEROUS.includes(folded) && !(name === folded && isForwarded(route, name))) return [];
    if (carriers.includes(folded) && !(name === folded && keepsField(passage, name))) return [];
    const value = raw.trim();
    // A twin of Cookie is no cookie to us, and may be one to who folds names.
    if (folded === 'cookie' && sourcesOf(policy).some((source) => source.in === 'cookie')) {
      return name === folded ? cookieField(passage, value) : [];
    }
    return [[name, value]];
  });
}

/** Places of tokens are read where somebody makes tokens. */
function sourcesOf({ sources, issuers }: PolicyModel): PolicyModel['sources'] {
  return issuers.length > 0 ? sources : [];
}

function isForwarded(route: RouteModel, name: string): boolean {
  return route.forwardHeaders.some((each) => each.toLowerCase() === name);
}

function removedNames(policy: PolicyModel): (folded: string) => boolean {
  const names = [
    ...FROM_OTHERS,
    ...HOP_BY_HOP,
    ...FRAMING,
    ...OF_HOPS,
    ...policy.identity.map(({ name }) => fold(name)),
  ];
  // Whatever else some proxy says in this manner, a stranger does not say.
  const prefixes = ['x-auth-', 'x-forwarded-'];
  for (const each of policy.strip) {
    if (each.endsWith('*')) prefixes.push(fold(each.slice(0, -1)));
    else names.push(fold(each));
  }
  return (folded) => names.includes(folded) || prefixes.some((prefix) => folded.startsWith(prefix));
}

function carriersOf(policy: PolicyModel): string[] {
  const tokens = sourcesOf(policy).flatMap((source) => (source.in === 'header' ? [fold(source.name)] : []));
  return ['authorization', ...policy.keySets.map(({ header }) => fold(header)), ...tokens];
}

/** A credential passes where the route forwards it and judged it; on a route that judges none, with `forward_credential`. */
function keepsField({ policy, route, accepted }: Passage, name: string): boolean {
  if (!route.forwardCredential) return false;
  if (route.auth === 'none') return true;
  if (name === 'authorization') return readsAuthorization(policy, accepted);
  if (accepted.keySets.some(({ header }) => header.toLowerCase() === name)) return true;
  const read = policy.sources.some((source) => source.in === 'header' && source.name.toLowerCase() === name);
  return read && accepted.issuers.length > 0;
}

/** Beside a credential elsewhere, this one is the one that nobody judged. */
function keepsEmbedded({ route, place }: Passage, own: CredentialPlace): boolean {
  return route.forwardCredential && (route.auth === 'none' || place === own);
}

function cookieField(passage: Passage, value: string): Field[] {
  if (keepsEmbedded(passage, 'cookie')) return [['cookie', value]];
  const names = sourcesOf(passage.policy).flatMap((source) => (source.in === 'cookie' ? [source.name] : []));
  const left = value
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => !names.some((name) => pair.startsWith(`${name}=`)));
  return left.join('') === '' ? [] : [['cookie', left.join('; ')]];
}

/** The query without the parameters that hold tokens. */
export function queryFor(passage: Passage, query: string): string {
  const names = sourcesOf(passage.policy).flatMap((source) => (source.in === 'query' ? [source.name] : []));
  if (names.length === 0 || query === '' || keepsEmbedded(passage, 'query')) return query;
  const parts = query.slice(1).split('&');
  const left = parts.filter((part) => !names.some((name) => isName(part.split('=')[0] ?? '', name)));
  if (left.length === parts.length) return query;
  return left.join('&') === '' ? '' : `?${left.join('&')}`;
}

/** From a trusted hop appended to, from others replaced. */
function hopFields({ policy, request, authority }: Passage): Field[] {
  if (policy.forwarded === 'none') return [];
  const told = (name: string) => (policy.trustsLoopback ? linesOf(request, name).join(', ') : '');
  const before = told('x-forwarded-for');
  const host = told('x-forwarded-host') || authority;
  return [
    ['x-forwarded-for', before === '' ? '127.0.0.1' : `${before}, 127.0.0.1`],
    ['x-forwarded-proto', told('x-forwarded-proto') || 'http'],
    ...(host === '' ? [] : [['x-forwarded-host', host] as const]),
  ];
}

function identityFields(own: readonly IdentityModel[], caller: Caller): Field[] | null {
  const defaults: readonly (readonly [string, string])[] = [
    ['X-Auth-Subject', encode(caller.subject, '')],
    ['X-Auth-Issuer', encode(caller.issuer, '')],
    ['X-Auth-Client', encode(caller.client, '')],
    ['X-Auth-Scopes', caller.scopes.map((each) => encode(each, ' ')).join(' ')],
    ['X-Auth-Roles', caller.roles.map((each) => encode(each, ',')).join(',')],
  ];
  const fields = new Map(defaults.map(([name, value]) => [name.toLowerCase(), value]));
  for (const header of own) {
    const value =
      'claim' in header ? claimText(claimAt(caller.claims, header.claim)) : factOf(header.fact, caller);
    if (value === '' && header.required) return null;
    fields.set(header.name.toLowerCase(), value);
  }
  return [...fields].filter(([, value]) => value !== '');
}

function factOf(fact: 'source' | 'kind' | 'none', caller: Caller): string {
  return fact === 'none' ? '' : encode(caller[fact], '');
}

function claimText(value: unknown): string {
  if (typeof value === 'string') return encode(value, '');
  if (typeof value === 'number' || typeof value === 'boolean') return encode(String(value), '');
  if (Array.isArray(value)) {
    // Lists are of scalars; another shape is a wrong one.
    if (!value.every((each) => ['string', 'number', 'boolean'].includes(typeof each))) return '';
    return value.map((each) => encode(String(each), ',')).join(',');
  }
  return typeof value === 'object' && value !== null ? encode(JSON.stringify(value), '') : '';
}

/** Space, the join character, `%` and all outside visible ASCII as `%XX`. */
function encode(text: string, join: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map((octet) => {
      const character = String.fromCharCode(octet);
      const plain = octet > 0x20 && octet < 0x7f && character !== '%' && character !== join;
      return plain ? character : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
