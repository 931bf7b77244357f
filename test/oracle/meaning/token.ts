/**
 * Whether a token is good: RFC 7515, 7518, 7519, 8725 and 9068 as configuration.md takes them, on `node:crypto` alone. It has
 * no cache but that of signatures, and looks at everything again for each request.
 */
import { constants, createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto';
import { claimAt, isObject, readObject } from './json.ts';
import { holds } from './matchers.ts';
import type { Caller, IssuerModel, PublishedKey } from './model.ts';

/** Who the token speaks for, or what is wrong with it. `unavailable`: nobody can tell, since keys cannot be had. */
export type TokenVerdict = Caller | 'invalid' | 'expired' | 'unavailable';

type Members = Readonly<Record<string, unknown>>;

/** @param now epoch milliseconds */
export function judgeToken(token: string, issuers: readonly IssuerModel[], now: number): TokenVerdict {
  const parts = token.split('.');
  const [head = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3 || !parts.every(isCanonical)) return 'invalid';
  const header = readObject(Buffer.from(head, 'base64url'));
  const claims = readObject(Buffer.from(payload, 'base64url'));
  if (header === null || claims === null) return 'invalid';
  const issuer = issuers.find(({ iss }) => iss === claims.iss);
  if (issuer === undefined || !isHeaderGood(header, issuer)) return 'invalid';
  const judged = isShapely(claims) ? judgeClaims(claims, header, issuer, now / 1000) : 'invalid';
  // What no key would make good is known without one. That it has expired is said of a token that was proven.
  if (issuer.keys === 'down') return judged === 'invalid' ? 'invalid' : 'unavailable';
  if (!isSignedBy(issuer.keys, header, `${head}.${payload}`, Buffer.from(signature, 'base64url')))
    return 'invalid';
  return judged;
}

/** RFC 7515 section 2: no padding, no other characters; and one spelling for the same octets. */
function isCanonical(part: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(part) && Buffer.from(part, 'base64url').toString('base64url') === part;
}

/** What may stand in a header without our understanding it is little: `jwk`, `jku`, `x5u` and `x5c` are never believed. */
function isHeaderGood(header: Members, issuer: IssuerModel): boolean {
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string' || !issuer.algorithms.includes(alg)) return false;
  if (kid !== undefined && typeof kid !== 'string') return false;
  if (['crit', 'b64', 'zip', 'cty'].some((name) => Object.hasOwn(header, name))) return false;
  if (typ === undefined) return issuer.profile === 'compat';
  if (typeof typ !== 'string') return false;
  const type = typ.toLowerCase().replace(/^application\//, '');
  return type === 'at+jwt' || (type === 'jwt' && issuer.profile === 'compat');
}

function isSignedBy(
  keys: readonly PublishedKey[] | { readonly secret: string },
  header: Members,
  input: string,
  signature: Buffer,
): boolean {
  const alg = String(header.alg);
  if ('secret' in keys) {
    const mac = createHmac(`sha${alg.slice(2)}`, keys.secret)
      .update(input)
      .digest();
    return mac.length === signature.length && timingSafeEqual(mac, signature);
  }
  return keys
    .filter((each) => each.alg === alg && (header.kid === undefined || each.kid === header.kid))
    .some(({ key }) => remembered(alg, key, input, signature));
}

const known = new Map<string, boolean>();
const names = new WeakMap<KeyObject, string>();

function remembered(alg: string, key: KeyObject, input: string, signature: Buffer): boolean {
  const name = names.get(key) ?? `key ${Math.random()}`;
  names.set(key, name);
  const question = `${alg} ${name} ${input} ${signature.toString('base64')}`;
  const answer = known.get(question) ?? isSignature(alg, key, input, signature);
  known.set(question, answer);
  return answer;
}

function isSignature(alg: string, key: KeyObject, input: string, signature: Buffer): boolean {
  const data = Buffer.from(input);
  try {
    if (alg === 'EdDSA') return verify(null, data, key, signature);
    const hash = `sha${alg.slice(2)}`;
    if (alg.startsWith('ES')) return verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature);
    if (alg.startsWith('RS')) return verify(hash, data, key, signature);
    const saltLength = Number(alg.slice(2)) / 8;
    return verify(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
  } catch {
    return false;
  }
}

/** RFC 3339 has no year beyond this, and no clock of ours is as wrong. */
const YEAR_2100 = Date.UTC(2100, 0, 1) / 1000;

function judgeClaims(claims: Members, header: Members, issuer: IssuerModel, now: number): TokenVerdict {
  const [exp = 0, nbf, iat] = [claims.exp, claims.nbf, claims.iat].map((value) =>
    isNumber(value) ? value : undefined,
  );
  const { leeway } = issuer;
  if (nbf !== undefined && nbf > now + leeway) return 'invalid';
  if (iat !== undefined && iat > now + leeway) return 'invalid';
  // Leeway is for the difference of two clocks, and these two times are of one.
  if (iat !== undefined && iat > exp && now < exp + leeway) return 'invalid';
  if (!isForUs(claims.aud, issuer.audience)) return 'invalid';
  if (claims.cnf !== undefined) return 'invalid';
  // RFC 9068 section 2.1: who writes `at+jwt` says that it is no ID token, whatever else it holds.
  if (!issuer.acceptIdTokens && !isExplicit(header) && isIdToken(claims)) return 'invalid';
  if (issuer.profile === 'rfc9068' && !isComplete(claims, header)) return 'invalid';
  const { maxLifetime } = issuer;
  if (maxLifetime !== null && (iat === undefined || exp - iat > maxLifetime)) return 'invalid';
  if (
    !Object.entries(issuer.requireClaims).every(([name, matcher]) => holds(matcher, claimAt(claims, name)))
  ) {
    return 'invalid';
  }
  return now >= exp + leeway ? 'expired' : callerOf(claims, issuer);
}

function isShapely({ exp, nbf, iat, sub, aud, jti }: Members): boolean {
  if (!isNumber(exp) || exp > YEAR_2100) return false;
  if (![nbf, iat].every((value) => value === undefined || isNumber(value))) return false;
  if (typeof sub !== 'string' || sub === '') return false;
  if (jti !== undefined && typeof jti !== 'string') return false;
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return audiences.every((value) => typeof value === 'string');
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** RFC 7519 section 4.1.3: one string, or an array of strings. */
export function isForUs(aud: unknown, wanted: readonly string[]): boolean {
  const values: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return values.every((value) => typeof value === 'string') && values.some((value) => wanted.includes(value));
}

function isExplicit({ typ }: Members): boolean {
  return typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ);
}

function isIdToken(claims: Members): boolean {
  if (['nonce', 'at_hash', 'c_hash'].some((name) => claims[name] !== undefined)) return true;
  return claims.token_use === 'id' || claims.typ === 'ID';
}

/** RFC 9068 section 2.2. */
function isComplete(claims: Members, header: Members): boolean {
  return header.typ !== undefined && ['client_id', 'iat', 'jti'].every((name) => claims[name] !== undefined);
}

function callerOf(claims: Members, issuer: IssuerModel): Caller {
  const words = [claims.scope, claims.scp].flatMap((value) =>
    typeof value === 'string' ? value.split(' ') : listOf(value),
  );
  const realm = isObject(claims.realm_access) ? claims.realm_access.roles : undefined;
  const roles = [realm, claims.roles].flatMap((value) =>
    typeof value === 'string' ? [value] : listOf(value),
  );
  const scopes = words.filter((word) => word !== '').flatMap((word) => [word, ...implied(word, issuer)]);
  return {
    source: issuer.name,
    kind: 'jwt',
    subject: String(claims.sub),
    issuer: issuer.iss,
    client: [claims.client_id, claims.azp, claims.cid].find((value) => typeof value === 'string') ?? '',
    scopes: [...new Set(scopes)],
    roles: [...new Set(roles)],
    claims,
  };
}

function implied(scope: string, issuer: IssuerModel): readonly string[] {
  return Object.hasOwn(issuer.scopeImplies, scope) ? (issuer.scopeImplies[scope] ?? []) : [];
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
