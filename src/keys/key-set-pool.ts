/**
 * Keeps key sets alive across reloads: a new policy whose issuer has the same key source goes on with the
 * keys that are held, so that a reload neither fetches anew nor depends on the provider being up.
 */
import { hash } from 'node:crypto';
import { metadataIssuers } from './discover.ts';
import { createKeySet, type KeySet, type KeySetDependencies, type KeySetPolicy } from './key-set.ts';

export interface KeySetPool {
  /** The set of that source, shared with whoever has acquired it; each acquisition is released once. */
  acquire(issuer: KeySetPolicy): KeySet;
  /** Closes the set when nobody uses it any more. */
  release(keySet: KeySet): void;
}

/** An empty pool; one for the life of the process. */
export function createKeySetPool(deps: KeySetDependencies): KeySetPool {
  const entries = new Map<string, { readonly keySet: KeySet; users: number }>();
  return {
    acquire: (issuer) => {
      const identity = identityOf(issuer);
      const entry = entries.get(identity) ?? { keySet: createKeySet(issuer, deps), users: 0 };
      entry.users += 1;
      entries.set(identity, entry);
      return entry.keySet;
    },
    release: (keySet) => {
      for (const [identity, entry] of entries) {
        if (entry.keySet !== keySet) continue;
        entry.users -= 1;
        if (entry.users > 0) return;
        entries.delete(identity);
        keySet.close();
      }
    },
  };
}

/** A digest of all that decides which keys there are, so that secrets are not kept a second time. */
function identityOf(issuer: KeySetPolicy): string {
  // Each member of the policy has to be thought of here.
  const identity = {
    name: issuer.name,
    issuers: issuer.keys.from === 'discovery' ? metadataIssuers(issuer) : [],
    tenants: keyIssuers(issuer),
    profile: issuer.profile,
    keys: issuer.keys,
    algorithms: issuer.algorithms,
    insecureHttp: issuer.insecureHttp,
    ca: issuer.ca,
    bearerTokenFile: issuer.bearerTokenFile,
    proxy: issuer.proxy,
    redirects: issuer.redirects,
    refresh: issuer.refresh,
  } satisfies Record<keyof KeySetPolicy, unknown>;
  // JSON turns Infinity into null, which `none` must not share with anything.
  const text = JSON.stringify(identity, (_, value) => (value === Number.POSITIVE_INFINITY ? 'none' : value));
  return hash('sha256', text);
}

/**
 * Which keys have their place in the set: those that speak for an issuer of the entry. For tenants that is asked for
 * each token, so that one more or less leaves the keys as they are.
 */
function keyIssuers({ issuers, tenants }: KeySetPolicy): readonly string[] {
  return tenants === null ? issuers : tenants.templates;
}
