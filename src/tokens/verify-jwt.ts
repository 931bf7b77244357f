/**
 * Verifies bearer tokens (RFC 7519, RFC 9068, RFC 8725): which issuer, which key, is the signature good, is the token
 * meant for us and still valid. What is wrong on its face is refused before any key is touched; that a token expired
 * is said only when all else, the signature included, is good. No token is ever accepted on a failure of ours.
 */
import type { Credential, Principal, Verified } from '../credentials/credential.ts';
import { invalidCredential } from '../credentials/kind.ts';
import { keysForTenant } from '../keys/key-issuer.ts';
import type { KeyLookup, KeySet } from '../keys/key-set.ts';
import { mostTriedOf } from '../keys/key-table.ts';
import type { Caller } from '../keys/look-up-grants.ts';
import type { AcceptPolicy } from '../policy/policy.ts';
import type { IssuerPolicy } from '../policy/sources.ts';
import { KEYS_NOT_TRIED, type RefusalDetail } from '../refusals/refusal.ts';
import { buildPrincipal } from './build-principal.ts';
import { asMoment, checkClaims, isExpired } from './check-claims.ts';
import { createIssuerChooser, type IssuerChooser } from './choose-issuer.ts';
import { shorten } from './claim-flaw.ts';
import { type ParsedToken, parseToken } from './parse-token.ts';
import { profileOf } from './profiles/profiles.ts';
import { checkTenant } from './tenant-of.ts';
import { type CachedToken, createVerifiedCache, digestOf } from './verified-cache.ts';
import { createSignatureVerifier, type SignatureVerifier } from './verify-signature.ts';

/** An issuer entry and its keys, which no other entry shares. */
export interface TokenIssuer {
  readonly policy: IssuerPolicy;
  readonly keySet: KeySet;
}

export interface JwtVerifierOptions {
  readonly issuers: readonly TokenIssuer[];
  /** Longest token in bytes. */
  readonly tokenBytes: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Default: a bound of its own. */
  readonly signatures?: SignatureVerifier;
}

/** A token whose claims are in order, and of which of its entry's tenants it is. */
interface JudgedToken {
  readonly token: ParsedToken;
  readonly tenant: string | null;
  readonly digest: string;
  readonly caller: Caller | null;
}

/** A token as it was shown, where it would count, and by which client. */
interface ShownToken {
  readonly credential: Credential;
  readonly accept: AcceptPolicy;
  readonly caller: Caller | null;
}

/** A token that is being verified, for whom, and with which generation of keys that was begun. */
interface PendingToken {
  readonly source: string;
  readonly keySet: KeySet;
  readonly generation: number;
  readonly verdict: Promise<Verified>;
}

/** Verifies the tokens of all issuers of a policy; a token of each is verified once and remembered. */
export class JwtVerifier {
  readonly #issuers: IssuerChooser<TokenIssuer>;
  readonly #tokenBytes: number;
  readonly #now: () => number;
  readonly #signatures: SignatureVerifier;
  readonly #cache = createVerifiedCache();
  /** Tokens being verified: a burst of requests with one new token verifies it once. */
  readonly #pending = new Map<string, PendingToken>();

  constructor({ issuers, tokenBytes, now, signatures }: JwtVerifierOptions) {
    this.#tokenBytes = tokenBytes;
    this.#now = now;
    this.#signatures = signatures ?? createSignatureVerifier();
    this.#issuers = createIssuerChooser(issuers);
  }

  /**
   * Synchronous for a token that was verified before and for one that is refused without a key.
   * @param now epoch milliseconds
   * @param caller whose share of look-ups for unknown key ids is used; null for a check of our own
   */
  verify(
    credential: Credential,
    accept: AcceptPolicy,
    now: number,
    caller: Caller | null = null,
  ): Verified | Promise<Verified> {
    if (credential.value.length > this.#tokenBytes) return refuse('token_too_long');
    const digest = cacheNameOf(credential);
    const cached = this.#cache.get(digest);
    if (cached !== undefined && stands(cached, now)) {
      const { source, kid } = cached.verified.principal;
      if (!counts(source, credential, accept)) return notAccepted(source, credential, accept);
      // It stays known, so that whoever repeats it has no signature verified.
      if (now < cached.validUntil) return cached.verified;
      return expired(detailOf(source, kid), cached.verified.principal, cached.validUntil, now);
    }
    const pending = this.#pending.get(digest);
    // What was begun with keys that were withdrawn meanwhile is not for those who come now.
    if (pending === undefined || pending.keySet.generationAt(now) !== pending.generation)
      return this.#judge({ credential, accept, caller }, digest, now);
    const { source, verdict } = pending;
    return counts(source, credential, accept) ? verdict : notAccepted(source, credential, accept);
  }

  /** A token that was verified before, still stands and counts here; null for every other one. Costs a hash. */
  recognise(credential: Credential, accept: AcceptPolicy, now: number): Verified | null {
    if (credential.value.length > this.#tokenBytes) return null;
    const cached = this.#cache.get(cacheNameOf(credential));
    if (cached === undefined || !stands(cached, now) || now >= cached.validUntil) return null;
    return counts(cached.verified.principal.source, credential, accept) ? cached.verified : null;
  }

  /** All that needs no key, then the rest as one promise that equal requests share. */
  #judge(shown: ShownToken, digest: string, now: number): Verified | Promise<Verified> {
    const { credential, accept, caller } = shown;
    const parsed = parseToken(credential.value, credential.padded === true);
    if (!parsed.ok) return refuse(parsed.reason);
    const choice = this.#issuers.choose(parsed.token);
    if (!choice.ok) return refuse(choice.reason, choice.detail);
    const chosen = choice.entry;
    const token = asProfiled(parsed.token, chosen.policy);
    const source = chosen.policy.name;
    if (!counts(source, credential, accept)) return notAccepted(source, credential, accept);
    const flaw =
      checkTenant(token.claims, choice.tenant, chosen.policy.tenants) ??
      checkClaims(token.header, token.claims, chosen.policy, now);
    if (flaw !== null) return refuse(flaw.reason, { ...detailOf(source, token.header.kid), ...flaw.detail });
    const judged = { token, tenant: choice.tenant, digest, caller };
    const { keySet } = chosen;
    const generation = keySet.generationAt(now);
    const verdict = this.#verifyWithKeys(judged, chosen, now).finally(() => {
      if (this.#pending.get(digest)?.verdict === verdict) this.#pending.delete(digest);
    });
    this.#pending.set(digest, { source, keySet, generation, verdict });
    return verdict;
  }

  /** Keys, and the very generation that they are of: whenever anything is awaited they may be withdrawn. */
  async #findKeys(keySet: KeySet, { token, caller }: JudgedToken, now: number) {
    const search = keySet.find(token.header.kid, token.header.alg, now, caller);
    const generation = keySet.generationAt(now);
    if (!(search instanceof Promise)) return { lookup: search, generation };
    const lookup = await search;
    return { lookup, generation: keySet.generationAt(this.#now()) };
  }

  async #verifyWithKeys(
    judged: JudgedToken,
    { policy, keySet }: TokenIssuer,
    now: number,
  ): Promise<Verified> {
    const { token, tenant, digest } = judged;
    const { kid, alg } = token.header;
    const detail = detailOf(policy.name, kid);
    const search = await this.#findKeys(keySet, judged, now);
    const { lookup } = search;
    let { generation } = search;
    if (lookup.outcome !== 'found') return keyless(lookup, alg, detail);
    const most = mostTriedOf(policy);
    const keys = keysForTenant(lookup.keys, tenant, policy.tenants, most);
    let key = keys.length === 0 ? 'bad' : await this.#signatures.verify(token, keys);
    const found = key === 'bad' ? await keySet.findUntried(kid, alg, lookup.keys) : [];
    const untried = keysForTenant(found, tenant, policy.tenants, most);
    if (untried.length > 0) {
      generation = keySet.generationAt(this.#now());
      key = await this.#signatures.verify(token, untried);
    }
    if (key === 'overloaded') return OVERLOADED;
    if (key === 'bad') return refuse(unverifiedBecause(keys.length + untried.length, lookup), detail);
    const later = this.#now();
    const principal = buildPrincipal(token.claims, policy, key.kid);
    const verified = Object.freeze({ ok: true as const, principal });
    // A key withdrawn meanwhile must not live on in the cache.
    if (generation !== -1 && keySet.generationAt(later) === generation) {
      this.#cache.set(digest, entryFor(token, { verified, keySet, generation }, policy.leeway));
    }
    if (!isExpired(principal.expiresAt, policy.leeway, later)) return verified;
    return expired(detail, principal, principal.expiresAt * 1000 + policy.leeway, later);
  }
}

/** Why no key verified the token, of so many that were tried. */
function unverifiedBecause(tried: number, { isCut = false }: KeyLookup & { outcome: 'found' }): string {
  if (tried === 0) return 'key_of_another_issuer';
  return isCut ? KEYS_NOT_TRIED : 'bad_signature';
}

/** Padding that one place takes is refused in all others, also once the token is known. */
function cacheNameOf({ value, padded }: Credential): string {
  const digest = digestOf(value);
  return padded === true ? `=${digest}` : digest;
}

/** The token with the claims that its issuer's profile sees in it. */
function asProfiled(token: ParsedToken, policy: IssuerPolicy): ParsedToken {
  const claims = profileOf(policy).claimsOf(token.header, token.claims);
  return claims === token.claims ? token : { ...token, claims };
}

const OVERLOADED: Verified = {
  ok: false,
  refusal: { kind: 'overloaded', reason: 'too_many_verifications', retryAfter: 1 },
};

function refuse(reason: string, detail?: RefusalDetail): Verified & { readonly ok: false } {
  return invalidCredential('invalid_token', reason, detail);
}

/** @param validUntil epoch milliseconds of its end with leeway */
function expired(
  detail: RefusalDetail,
  { expiresAt }: Pick<Principal, 'expiresAt'>,
  validUntil: number,
  now: number,
): Verified & { readonly ok: false } {
  const expiredFor = Math.floor(now / 1000 - expiresAt);
  const leeway = Math.round(validUntil - expiresAt * 1000) / 1000;
  return invalidCredential('token_expired', 'token_expired', { ...detail, expiredFor, leeway });
}

/** A good issuer at the wrong door: the log says whose token came, and whose are read there. */
function notAccepted(source: string, credential: Credential, accept: AcceptPolicy): Verified {
  const { onlyIssuers = null } = credential;
  const read = accept.issuers.filter((name) => onlyIssuers === null || onlyIssuers.includes(name));
  return refuse('source_not_accepted', { source, expected: read.join(' ') });
}

function detailOf(source: string, kid: string | null): RefusalDetail {
  return kid === null ? { source } : { source, kid: shorten(kid) };
}

/** No key is the caller's affair when the set is known to lack it, and ours when the set cannot be had. */
function keyless(
  lookup: Exclude<KeyLookup, { outcome: 'found' }>,
  alg: string,
  detail: RefusalDetail,
): Verified {
  if (lookup.outcome === 'none') {
    return refuse(lookup.reason, lookup.reason === 'no_key_for_algorithm' ? { ...detail, got: alg } : detail);
  }
  const { retryAfter, cause } = lookup;
  const refusal = { kind: 'unavailable' as const, reason: 'keys_unavailable', retryAfter };
  return { ok: false, refusal: { ...refusal, detail: { ...detail, cause } } };
}

/** Whether the route reads this source, and, where the credential's place is for some issuers only, this one. */
function counts(source: string, credential: Credential, accept: AcceptPolicy): boolean {
  const { onlyIssuers = null } = credential;
  return accept.issuers.includes(source) && (onlyIssuers === null || onlyIssuers.includes(source));
}

/** Whether the verdict still rests on keys that may be used, and the clock did not go back before the token. */
function stands(cached: CachedToken, now: number): boolean {
  return cached.keySet.generationAt(now) === cached.generation && now >= cached.validFrom;
}

function entryFor(
  token: ParsedToken,
  verdict: Pick<CachedToken, 'verified' | 'keySet' | 'generation'>,
  leeway: number,
): CachedToken {
  const { nbf, iat } = token.claims;
  const begins = [nbf, iat].map(asMoment).filter((moment) => typeof moment === 'number');
  return {
    ...verdict,
    validFrom: Math.max(...begins, 0) * 1000 - leeway,
    validUntil: verdict.verified.principal.expiresAt * 1000 + leeway,
    // Claims take about two and a half times the text they were read from.
    bytes: 700 + token.payload.length * 2,
  };
}
