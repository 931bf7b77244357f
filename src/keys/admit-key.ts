/**
 * Decides which members of a key set may verify tokens, one by one: a bad member is left out with a reason
 * and never spoils the good ones beside it (RFC 7517 section 5). Refuses secret and private keys, weak RSA
 * keys, keys for other uses, and points that are not on their curve.
 */
import { type CryptoKey, importJWK, type JWK } from 'jose';
import type { IssuerPolicy } from '../policy/sources.ts';
import { algorithms } from './algorithms.ts';
import { flawOfBundleMember } from './spiffe-bundle.ts';
import { weaknessOfRsa } from './weak-rsa.ts';

/** A key that may verify, bound to one algorithm. */
export interface VerificationKey {
  /** Null when the set names none. */
  readonly kid: string | null;
  readonly algorithm: string;
  readonly key: CryptoKey;
  /** The member `issuer` of a key that speaks for one tenant only, with `{tenantid}` for any; null for most. */
  readonly issuer: string | null;
  /** Key id, algorithm, issuer and public material: equal for the same key in two versions of a set. */
  readonly fingerprint: string;
}

/** A member that was left out, for the log. */
export interface IgnoredMember {
  /** Place in `keys`. */
  readonly index: number;
  readonly kid: string | null;
  /** snake_case. */
  readonly reason: string;
}

export interface Admission {
  readonly keys: readonly VerificationKey[];
  readonly ignored: readonly IgnoredMember[];
}

/** Longest key id that is kept, or looked up. */
export const LONGEST_KID = 1024;

/**
 * Imports every member that fits.
 * @param members `keys` of a JWK Set, of any content
 * @param allowed algorithms of the issuer; a key without `alg` is prepared for each that fits its type
 * @param profile says what `use` a key must have
 * @param belongs whether a key that speaks for these issuers only (see key-issuer.ts) has its place here
 */
export async function admitKeys(
  members: readonly unknown[],
  allowed: readonly string[],
  profile: IssuerPolicy['profile'] = 'compat',
  belongs: (keyIssuer: string) => boolean = () => true,
): Promise<Admission> {
  const keys = new Map<string, VerificationKey>();
  const ignored: IgnoredMember[] = [];
  for (const [index, member] of members.entries()) {
    const flaw = flawOfIssuer(member, belongs);
    const admitted = flaw ?? (await admitKey(member, allowed, profile));
    if (typeof admitted === 'string') ignored.push({ index, kid: kidOf(member), reason: admitted });
    else for (const key of admitted) keys.set(key.fingerprint, key);
  }
  return { keys: [...keys.values()], ignored };
}

/** The key's forms, one for each algorithm that it may be used with, or why it is left out. */
async function admitKey(
  member: unknown,
  allowed: readonly string[],
  profile: IssuerPolicy['profile'],
): Promise<VerificationKey[] | string> {
  if (typeof member !== 'object' || member === null || Array.isArray(member)) return 'not_an_object';
  const jwk: JWK = withoutEmpty(member);
  const flaw = flawOf(jwk) ?? flawOfUse(jwk, profile);
  if (flaw !== null) return flaw;
  const usable = usableAlgorithms(jwk, allowed);
  if (typeof usable === 'string') return usable;
  const material = publicMaterial({ ...jwk });
  if (material === null) return 'malformed';
  const weakness = weaknessOf(material);
  if (weakness !== null) return weakness;
  const kid = jwk.kid ?? null;
  const issuer = issuerOf(jwk);
  const forms: VerificationKey[] = [];
  for (const algorithm of usable) {
    const key = await importPublic({ ...material, alg: algorithm }, algorithm);
    if (key === null) return 'import_failed';
    forms.push({
      kid,
      algorithm,
      key,
      issuer,
      fingerprint: JSON.stringify([kid, algorithm, issuer, ...Object.values(material)]),
    });
  }
  return forms;
}

/** Members that are null or empty say nothing: .NET writes all that it knows. For whom a key speaks is not guessed. */
function withoutEmpty(member: object): JWK {
  const said = Object.entries(member).filter(([name, value]) => {
    if (name === 'issuer') return true;
    if (value === '') return name === 'kid';
    return value !== null && !(Array.isArray(value) && value.length === 0);
  });
  return Object.fromEntries(said);
}

/** What a key that is bound to issuers says of them must be text, and name one of this set's. */
function flawOfIssuer(member: unknown, belongs: (keyIssuer: string) => boolean): string | null {
  if (typeof member !== 'object' || member === null || !('issuer' in member)) return null;
  if (typeof member.issuer !== 'string') return 'issuer_malformed';
  return belongs(member.issuer) ? null : 'key_of_another_issuer';
}

function issuerOf(jwk: object): string | null {
  return 'issuer' in jwk && typeof jwk.issuer === 'string' ? jwk.issuer : null;
}

/** What rules a key out whatever its algorithm (RFC 7517 section 4, RFC 7518 section 6). */
function flawOf(jwk: JWK): string | null {
  if (jwk.kty === 'oct') return 'symmetric';
  // A set that shows private members has given its key away to everybody.
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return 'private_members';
  if (jwk.kid !== undefined && (typeof jwk.kid !== 'string' || jwk.kid.length > LONGEST_KID))
    return 'kid_malformed';
  if (jwk.key_ops !== undefined) {
    if (!Array.isArray(jwk.key_ops) || !jwk.key_ops.includes('verify')) return 'not_for_verifying';
  }
  return null;
}

/** For whose signatures a key is (RFC 7517 section 4.2); SPIFFE has words of its own and always says. */
function flawOfUse(jwk: JWK, profile: IssuerPolicy['profile']): string | null {
  if (profile === 'spiffe') return flawOfBundleMember(jwk);
  return jwk.use === undefined || jwk.use === 'sig' ? null : NOT_FOR_SIGNATURES;
}

/** The reason of keys for encryption, which many providers publish beside the others: no fault, and worth no warning. */
export const NOT_FOR_SIGNATURES = 'not_for_signatures';

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

function usableAlgorithms(jwk: JWK, allowed: readonly string[]): readonly string[] | string {
  const fitting = allowed.filter((name) => {
    const needs = algorithms.get(name);
    return needs !== undefined && needs.kty === jwk.kty && (needs.crv === null || needs.crv === jwk.crv);
  });
  if (fitting.length === 0) return 'kind_not_allowed';
  if (jwk.alg === undefined) return fitting;
  // RFC 8037 says EdDSA, RFC 9864 Ed25519: one algorithm under two names.
  const named = jwk.kty === 'OKP' && (jwk.alg === 'EdDSA' || jwk.alg === 'Ed25519');
  const chosen = named ? fitting : fitting.filter((name) => name === jwk.alg);
  return chosen.length === 0 ? 'algorithm_not_allowed' : chosen;
}

/** Only the members that are the public key, strictly decoded; null when one is missing or broken. */
function publicMaterial(jwk: Readonly<Record<string, unknown>>): Record<string, string> | null {
  const names = jwk.kty === 'RSA' ? ['n', 'e'] : jwk.kty === 'EC' ? ['x', 'y'] : ['x'];
  const material: Record<string, string> = { kty: String(jwk.kty) };
  if (typeof jwk.crv === 'string') material.crv = jwk.crv;
  for (const name of names) {
    const value = jwk[name];
    if (typeof value !== 'string' || !/^[A-Za-z0-9_-]+$/.test(value)) return null;
    material[name] = value;
  }
  return material;
}

/** Keys that are well-formed and verify what they should not. */
function weaknessOf(material: Readonly<Record<string, string>>): string | null {
  const { n, e, x = '' } = material;
  if (n !== undefined && e !== undefined) {
    return weaknessOfRsa(Buffer.from(n, 'base64url'), Buffer.from(e, 'base64url'));
  }
  if (material.kty === 'OKP') return isSmallOrder(Buffer.from(x, 'base64url')) ? 'ed25519_small_order' : null;
  return hasFullCoordinates(material) ? null : 'coordinate_length';
}

/** Coordinates have the full size of the curve's, leading zeros included (RFC 7518 section 6.2.1.2); OpenSSL takes others. */
function hasFullCoordinates({ crv = '', x = '', y = '' }: Readonly<Record<string, string>>): boolean {
  const size = COORDINATE_BYTES.get(crv);
  return [x, y].every((coordinate) => Buffer.from(coordinate, 'base64url').length === size);
}

const COORDINATE_BYTES = new Map([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
]);

/** For these points one signature is good for many messages; the sign bit does not matter. */
function isSmallOrder(point: Buffer): boolean {
  const folded = Buffer.from(point);
  folded[31] = (folded[31] ?? 0) & 0x7f;
  return SMALL_ORDER.has(folded.toString('hex'));
}

const SMALL_ORDER = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

async function importPublic(jwk: JWK, algorithm: string): Promise<CryptoKey | null> {
  try {
    const key = await importJWK(jwk, algorithm);
    return key instanceof Uint8Array ? null : key;
  } catch {
    return null;
  }
}

function kidOf(member: unknown): string | null {
  if (typeof member !== 'object' || member === null || !('kid' in member)) return null;
  return typeof member.kid === 'string' ? member.kid.slice(0, 64) : null;
}
