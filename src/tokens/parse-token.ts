/**
 * Takes a compact JWS apart (RFC 7515 section 7.1). There is one spelling of each token and one reading of its
 * JSON, or it is refused: no padding (but where a load balancer is known to write it), no other alphabet, no stray
 * bits, nothing that libraries forgive. Decrypts nothing and never throws.
 */
import { isUtf8 } from 'node:buffer';
import type { JsonObject } from '../credentials/credential.ts';
import { isJsonObject, parseStrictJson } from './strict-json.ts';

export interface ParsedToken {
  readonly header: TokenHeader;
  /** Nothing of it is verified yet. */
  readonly claims: JsonObject;
  /** The parts as sent, padding included, since that is what the signature covers. */
  readonly protected: string;
  readonly payload: string;
  /** Without padding: it is only decoded. */
  readonly signature: string;
}

export interface TokenHeader {
  readonly alg: string;
  readonly kid: string | null;
  /** Lower-case and without `application/` (RFC 7515 section 4.1.9); null when absent. */
  readonly typ: string | null;
  /** The whole header, of which most is read by nobody. */
  readonly members: JsonObject;
}

export type TokenParse =
  | { readonly ok: true; readonly token: ParsedToken }
  /** snake_case, for the log. */
  | { readonly ok: false; readonly reason: string };

const SHAPE = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
const PADDED_SHAPE = /^([A-Za-z0-9_-]+={0,2})\.([A-Za-z0-9_-]+={0,2})\.([A-Za-z0-9_-]+={0,2})$/;

/**
 * Header parameters that change what the signature covers or what the payload is: extensions that we would have
 * to understand (`crit`, `b64`), compression, nesting, encryption. `jwk`, `jku`, `x5c` and `x5u` are merely not read.
 */
const REFUSED_PARAMETERS = ['crit', 'b64', 'zip', 'cty', 'enc'];

/**
 * Reads header and claims. The caller bounds the length of the value.
 * @param padded whether each part may also be padded, exactly as far as RFC 4648 section 4 pads it
 */
export function parseToken(value: string, padded = false): TokenParse {
  const parts = (padded ? PADDED_SHAPE : SHAPE).exec(value);
  const [, encodedHeader = '', payload = '', signature = ''] = parts ?? [];
  if (parts === null || !isCanonical(encodedHeader) || !isCanonical(payload) || !isCanonical(signature)) {
    return refuse('malformed_token');
  }
  const header = decodeObject(encodedHeader);
  if (header === null) return refuse('malformed_header');
  const checked = checkHeader(header);
  if (typeof checked === 'string') return refuse(checked);
  const claims = decodeObject(payload);
  if (claims === null) return refuse('malformed_payload');
  const bare = padded ? withoutPadding(signature) : signature;
  return { ok: true, token: { header: checked, claims, protected: encodedHeader, payload, signature: bare } };
}

function refuse(reason: string): TokenParse {
  return { ok: false, reason };
}

function checkHeader(header: JsonObject): TokenHeader | string {
  const refused = REFUSED_PARAMETERS.find((name) => name in header);
  if (refused !== undefined) return `header_${refused}`;
  const { alg } = header;
  // Some libraries write what they leave out as null.
  const kid = header.kid ?? null;
  const typ = header.typ ?? null;
  if (typeof alg !== 'string' || alg === '') return 'algorithm_missing';
  if (kid !== null && typeof kid !== 'string') return 'kid_malformed';
  if (typ !== null && typeof typ !== 'string') return 'typ_malformed';
  return {
    alg,
    kid,
    typ: typ === null ? null : typ.toLowerCase().replace(/^application\//, ''),
    members: header,
  };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * Whether the bits of the last character that belong to no byte are zero, so that no other text means the same bytes.
 * Where padding is read at all, it is whole or absent.
 */
function isCanonical(part: string): boolean {
  const digits = withoutPadding(part);
  if (digits !== part && part.length % 4 !== 0) return false;
  const rest = digits.length % 4;
  if (rest === 0) return true;
  if (rest === 1) return false;
  const last = ALPHABET.indexOf(digits[digits.length - 1] ?? '');
  return (last & (rest === 2 ? 0b1111 : 0b11)) === 0;
}

/** At most two characters: the shape has seen to that. */
function withoutPadding(part: string): string {
  if (!part.endsWith('=')) return part;
  return part.slice(0, part.endsWith('==') ? -2 : -1);
}

function decodeObject(part: string): JsonObject | null {
  const bytes = Buffer.from(part, 'base64url');
  if (!isUtf8(bytes)) return null;
  const value = parseStrictJson(bytes.toString('utf8'));
  return isJsonObject(value) ? value : null;
}
