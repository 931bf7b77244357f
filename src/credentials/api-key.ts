/**
 * API keys, of which only the SHA-256 is known: random keys are too long to be guessed, so a fast hash is enough.
 * An unknown key costs the same work as a known one, and nobody is told whether a key is unknown or has expired.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import type { AcceptPolicy } from '../policy/policy.ts';
import type { ApiKeyPolicy, ApiKeySetPolicy } from '../policy/sources.ts';
import type { Credential, Verified } from './credential.ts';
import { declaredPrincipal } from './declared-principal.ts';
import { type CredentialKind, invalidCredential } from './kind.ts';

interface KnownKey {
  readonly set: ApiKeySetPolicy;
  readonly key: ApiKeyPolicy;
  readonly verified: Verified & { readonly ok: true };
}

/** Keys of every set in the policy. */
export const apiKey: CredentialKind = (policy) => {
  const known = new Map<string, KnownKey>();
  for (const set of policy.apiKeySets) {
    for (const key of set.keys) {
      const verified = Object.freeze({
        ok: true as const,
        principal: Object.freeze({
          ...declaredPrincipal('api_key', set.name, key, key.expires / 1000),
          key: key.id,
        }),
      });
      known.set(key.sha256.toString('latin1'), { set, key, verified });
    }
  }
  const longest = policy.limits.tokenBytes;
  return {
    family: 'key',
    verify: (credential, accept, now) =>
      credential.value.length > longest
        ? invalidCredential(credential.refusedAs, 'api_key_too_long')
        : verify(known, credential, accept, now),
    // One hash is all there is to judging a key, and none is ever found by asking.
    recognise: (credential, accept, now) => {
      if (credential.value.length > longest) return null;
      const verified = verify(known, credential, accept, now);
      return verified.ok ? verified : null;
    },
    start: () => {},
    readiness: () =>
      policy.apiKeySets.map(({ name, keys }) => ({ name, ready: true, detail: `${keys.length} keys` })),
    close: () => {},
  };
};

/** What the policy stores instead of a key: SHA-256 over its UTF-8 bytes, 32 bytes. */
export function hashApiKey(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}

/** Compared when there is no such key, and never found equal. */
const NOTHING = Buffer.alloc(32);

function verify(
  known: ReadonlyMap<string, KnownKey>,
  credential: Credential,
  accept: AcceptPolicy,
  now: number,
): Verified {
  const digest = hashApiKey(credential.value);
  const found = known.get(digest.toString('latin1'));
  // The map leaks at most something about a digest; the comparison is for whoever replaces the map.
  const equal = timingSafeEqual(digest, found?.key.sha256 ?? NOTHING);
  if (found === undefined || !equal) return invalidCredential(credential.refusedAs, 'unknown_api_key');
  const detail = { source: found.set.name, key: found.key.id };
  if (!counts(found.set, credential, accept)) {
    return invalidCredential(credential.refusedAs, 'source_not_accepted', detail);
  }
  if (now >= found.key.expires) {
    const expiredFor = Math.floor((now - found.key.expires) / 1000);
    return invalidCredential(credential.refusedAs, 'api_key_expired', { ...detail, expiredFor });
  }
  return found.verified;
}

/** A header is for the keys of its own sets; a Bearer value for all, unless its place is for named issuers only. */
function counts(set: ApiKeySetPolicy, { place, onlyIssuers }: Credential, accept: AcceptPolicy): boolean {
  if (!accept.apiKeySets.includes(set.name)) return false;
  return place.in === 'header' ? place.name === set.header : (onlyIssuers ?? null) === null;
}
