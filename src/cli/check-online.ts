/** Fetches the keys of issuers once, as the server would, to say whether that works from here. Keeps nothing. */
import type { IgnoredMember, VerificationKey } from '../keys/admit-key.ts';
import type { FetchFailureKind } from '../keys/fetch-cause.ts';
import { createKeyTransport } from '../keys/fetch-keys.ts';
import { createKeyLoader, type LoadedKeys } from '../keys/load-keys.ts';
import type { IssuerPolicy } from '../policy/sources.ts';

/** How one issuer answered; its members are part of the JSON of `check --json`. */
export interface IssuerAnswer {
  readonly name: string;
  readonly ok: boolean;
  /** Where the keys came from, or what was asked last; null where nothing is fetched. */
  readonly url: string | null;
  /** How many of its keys can verify tokens here, each counted once for each algorithm. */
  readonly keys: number;
  /** Those keys. */
  readonly usable: readonly UsableKey[];
  /** Members of the set that are left out. */
  readonly ignored: readonly IgnoredMember[];
  /** Milliseconds. */
  readonly took_ms: number;
  /** What kind of failure it was, and the status that was answered with; null without one. */
  readonly kind: FetchFailureKind | null;
  readonly status: number | null;
  /** Why not, in words; empty when it is well. */
  readonly cause: string;
}

/** A key id, null for a key without one, and the algorithms that keys of this id verify. */
export interface UsableKey {
  readonly kid: string | null;
  readonly algorithms: readonly string[];
}

/**
 * Asks all issuers at the same time; each takes at most its `refresh.timeout`. Never rejects.
 * @param now epoch milliseconds
 */
export async function fetchIssuerKeys(
  issuers: readonly IssuerPolicy[],
  now: number,
): Promise<readonly IssuerAnswer[]> {
  return Promise.all(issuers.map((issuer) => fetchOne(issuer, now)));
}

async function fetchOne(issuer: IssuerPolicy, now: number): Promise<IssuerAnswer> {
  const begun = performance.now();
  const loader = createKeyLoader(issuer, createKeyTransport(issuer));
  try {
    const loaded = await loader.load(now);
    return answerOf(issuer.name, loaded, Math.round(performance.now() - begun));
  } finally {
    loader.close();
  }
}

function answerOf(name: string, loaded: LoadedKeys, took: number): IssuerAnswer {
  const { ok, ignored } = loaded;
  const failure = ok ? undefined : loaded.failure;
  return {
    name,
    ok,
    url: (ok ? loaded.fetched?.url : failure?.url) ?? null,
    keys: ok ? countKeys(loaded.keys) : 0,
    usable: ok ? usableKeys(loaded.keys) : [],
    ignored,
    took_ms: took,
    kind: failure?.kind ?? null,
    status: failure?.status ?? null,
    cause: ok ? '' : loaded.cause,
  };
}

/** A key has a form for each algorithm that it may be used with; they differ in the second part of the fingerprint alone. */
function countKeys(keys: readonly VerificationKey[]): number {
  const materials = keys.map(({ fingerprint }) => {
    const [kid, , ...material]: unknown[] = JSON.parse(fingerprint);
    return JSON.stringify([kid, ...material]);
  });
  return new Set(materials).size;
}

function usableKeys(keys: readonly VerificationKey[]): readonly UsableKey[] {
  const byKid = new Map<string | null, Set<string>>();
  for (const { kid, algorithm } of keys) byKid.set(kid, (byKid.get(kid) ?? new Set()).add(algorithm));
  return [...byKid].map(([kid, algorithms]) => ({ kid, algorithms: [...algorithms] }));
}
