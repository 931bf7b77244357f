/**
 * Keeps what an upstream said to one caller out of what caches tell another. Caches know only Authorization for
 * a credential (RFC 9111 section 3.5), so for every other place they are told (RFC 9110 section 16.4.2). What
 * an upstream says of caching itself stays as it is, and `Vary: *` is never made.
 */
import type { CredentialPlace } from '../credentials/credential.ts';
import { readsAuthorization } from '../credentials/reads-authorization.ts';
import type { AcceptPolicy, Route } from '../policy/policy.ts';

/** What decides who may see an answer. */
export interface Audience {
  /** Where credentials were looked for. */
  readonly accept: AcceptPolicy;
  readonly route: Pick<Route, 'auth'>;
  /** Where the caller's credential was; null for anonymous callers. */
  readonly place: CredentialPlace | null;
}

/** Fields of a request that decide its answer. */
interface Deciding {
  /** Lower-case. */
  readonly names: readonly string[];
  /** Value of Vary. */
  readonly line: string;
}

/** For `auth: required`, and with Authorization for `auth: optional`. Made once for each policy's few answers to "who counts". */
interface DecidingFields {
  readonly required: Deciding;
  readonly optional: Deciding;
}

const known = new WeakMap<AcceptPolicy, DecidingFields>();

/**
 * Adds to an upstream's answer what caches must know of the gate's decision: the fields that it read, on every
 * answer of the route, since an anonymous caller's is not for others either; and that the answer is one caller's,
 * unless Authorization says so already or the upstream said something of its own.
 */
export function protectFromCaches(headers: string[], { accept, route, place }: Audience): void {
  const fields = fieldsOf(accept);
  const deciding = route.auth === 'optional' ? fields.optional : fields.required;
  if (deciding.names.length > 0) addVary(headers, deciding);
  if (place === null || place.in === 'authorization') return;
  if (!hasField(headers, 'cache-control')) headers.push('Cache-Control', 'private');
  // The address of the page holds the credential (RFC 6750 section 5.3).
  if (place.in === 'query' && !hasField(headers, 'referrer-policy')) {
    headers.push('Referrer-Policy', 'no-referrer');
  }
}

/**
 * Whether an upstream lets shared caches tell others what it told a caller who used Authorization (RFC 9111
 * section 3.5): by a directive that allows it, which nothing else in the answer takes back.
 */
export function isLeftToOthers(headers: readonly string[]): boolean {
  if (!hasField(headers, 'cache-control')) return false;
  const directives = membersOf(headers, 'cache-control');
  if (directives.some((directive) => KEEPING_OUT.has(directive))) return false;
  const shared = directives.find((directive) => directive.startsWith('s-maxage='));
  if (shared !== undefined) return !isAskedEachTime(shared) && !isVariedByCaller(headers);
  const allowed = directives.includes('public') || directives.includes('must-revalidate');
  return allowed && !directives.includes('max-age=0') && !isVariedByCaller(headers);
}

/** As a whole: with field names behind it a directive speaks of these fields alone. */
const KEEPING_OUT: ReadonlySet<string> = new Set(['private', 'no-store', 'no-cache']);

/** A cache that must ask us each time shows us the next caller's credential. */
function isAskedEachTime(sharedMaxAge: string): boolean {
  return /^s-maxage="?0+"?$/.test(sharedMaxAge);
}

function isVariedByCaller(headers: readonly string[]): boolean {
  const varied = membersOf(headers, 'vary');
  return varied.includes('authorization') || varied.includes('*');
}

function fieldsOf(accept: AcceptPolicy): DecidingFields {
  let fields = known.get(accept);
  if (fields === undefined) {
    const names = fieldsRead(accept);
    // Whoever authenticates by Authorization is protected from others, but not from what anonymous callers got.
    const optional = readsAuthorization(accept) ? ['Authorization', ...names] : names;
    fields = { required: decidingFields(names), optional: decidingFields(optional) };
    known.set(accept, fields);
  }
  return fields;
}

function decidingFields(written: readonly string[]): Deciding {
  return { names: written.map((name) => name.toLowerCase()), line: written.join(', ') };
}

/** Without Authorization; parameters of the query are part of every cache's key. */
function fieldsRead({ keyHeaders, tokenSources }: AcceptPolicy): readonly string[] {
  const names = new Set(keyHeaders);
  for (const source of tokenSources) {
    if (source.in === 'header') names.add(source.name);
    if (source.in === 'cookie') names.add('Cookie');
    if (source.in === 'websocket_protocol') names.add('Sec-WebSocket-Protocol');
  }
  return [...names];
}

/** RFC 9110 section 12.5.5: fields are listed once, whatever their case, and `*` says more than any list. */
function addVary(headers: string[], { names, line }: Deciding): void {
  if (!hasField(headers, 'vary')) {
    headers.push('Vary', line);
    return;
  }
  const listed = membersOf(headers, 'vary');
  if (listed.includes('*')) return;
  const missing = names.filter((name) => !listed.includes(name));
  if (missing.length > 0) headers.push('Vary', missing.join(', '));
}

/** Members of all lines, lower-case. */
function membersOf(headers: readonly string[], name: string): readonly string[] {
  const members: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (!isNamed(headers[i], name)) continue;
    for (const member of (headers[i + 1] ?? '').split(',')) members.push(member.trim().toLowerCase());
  }
  return members;
}

/** Whether a flat list has a field of this lower-case name. */
export function hasField(headers: readonly string[], name: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (isNamed(headers[i], name)) return true;
  return false;
}

function isNamed(written: string | undefined, name: string): boolean {
  return written !== undefined && written.length === name.length && written.toLowerCase() === name;
}
