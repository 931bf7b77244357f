/**
 * Who the caller is, as the header fields that the upstream reads. Made of verified facts only; a value that
 * cannot be carried faithfully refuses the request, it is never cut or left to look like another.
 */
import { readClaim } from '../authorization/claim-path.ts';
import type { JsonValue, Principal } from '../credentials/credential.ts';
import { RoundedNumber } from '../credentials/exact-number.ts';
import type { IdentityHeader, IdentityPolicy } from '../policy/policy.ts';
import type { Forbidden } from '../refusals/refusal.ts';
import { type EncodedValue, encodeList, encodeValue, type ValueEncoding } from '../wire/header-value.ts';

export type IdentityHeaders =
  /** Names as the policy writes them, and values, in turn: ready for a raw header list. */
  | { readonly ok: true; readonly headers: readonly string[] }
  | { readonly ok: false; readonly refusal: Forbidden };

/** Most servers take 8 KiB for a field and 16 KiB for all; beyond that they answer 400 or 431 themselves. */
const VALUE_LENGTH_LIMIT = 8 * 1024;
const TOTAL_LENGTH_LIMIT = 16 * 1024;

const known = new WeakMap<IdentityPolicy, WeakMap<Principal, IdentityHeaders>>();

/**
 * The identity headers of a caller. Made once for each principal and policy: the verified-token cache shares
 * principals between requests.
 *
 * Reasons of a refusal (all 403): `identity_claim_missing` for a required header whose claim is absent, null,
 * empty or of a wrong shape; `identity_value_not_encodable` for text that is not Unicode, or not what
 * `encoding: refuse` or `utf8` carries, and for whole numbers beyond 2^53; `identity_too_long` for a value over 8 KiB or over
 * 16 KiB in all.
 */
export function identityHeaders(principal: Principal, identity: IdentityPolicy): IdentityHeaders {
  let ofPolicy = known.get(identity);
  if (ofPolicy === undefined) {
    ofPolicy = new WeakMap();
    known.set(identity, ofPolicy);
  }
  let headers = ofPolicy.get(principal);
  if (headers === undefined) {
    headers = makeHeaders(principal, identity);
    ofPolicy.set(principal, headers);
  }
  return headers;
}

function makeHeaders(principal: Principal, identity: IdentityPolicy): IdentityHeaders {
  const headers: string[] = [];
  let length = 0;
  for (const header of identity.headers) {
    const value = headerValue(header, principal, identity.encoding);
    if (value === null || (value.ok && value.value === '')) {
      if (header.required) return refused('identity_claim_missing', header);
      continue;
    }
    if (!value.ok) return refused('identity_value_not_encodable', header);
    length += header.name.length + value.value.length;
    if (value.value.length > VALUE_LENGTH_LIMIT || length > TOTAL_LENGTH_LIMIT) {
      return refused('identity_too_long', header);
    }
    headers.push(header.name, value.value);
  }
  return Object.freeze({ ok: true, headers: Object.freeze(headers) });
}

/** Null when there is nothing that a header could say. */
function headerValue(
  header: IdentityHeader,
  principal: Principal,
  encoding: ValueEncoding,
): EncodedValue | null {
  const value =
    'field' in header.from ? principal[header.from.field] : readClaim(principal.claims, header.from.claim);
  if (value === undefined || value === null || value === '') return null;
  if (!isExact(value)) return { ok: false };
  if (Array.isArray(value)) {
    const members = (value as readonly JsonValue[]).map(textOf);
    if (members.length === 0 || members.includes(null)) return null;
    return encodeList(members as readonly string[], encoding, header.join);
  }
  const text = textOf(value);
  return text === null ? null : encodeValue(text, encoding);
}

/**
 * Whether no number in it is one that was rounded when it was read (RFC 7493 section 2.2): a client of the tenant
 * 9007199254740993 would be told to be one of 9007199254740992.
 */
function isExact(value: JsonValue): boolean {
  if (value instanceof RoundedNumber) return false;
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  return (Array.isArray(value) ? value : Object.values(value)).every(isExact);
}

/** Null for what has no text of its own: null, and a list inside a list. An empty object is empty. */
function textOf(value: JsonValue): string | null {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'boolean':
      return String(value);
    default:
      if (value === null || Array.isArray(value)) return null;
      return Object.keys(value).length === 0 ? null : JSON.stringify(value);
  }
}

/** Says which header, by its name in the policy; never a claim's value. */
function refused(reason: string, header: IdentityHeader): IdentityHeaders {
  return Object.freeze({
    ok: false,
    refusal: Object.freeze({ kind: 'forbidden', reason, detail: Object.freeze({ expected: header.name }) }),
  });
}
