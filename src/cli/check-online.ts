/** Fetches the keys of issuers once, as the server would, to say whether that works from here. */
import { createKeyTransport } from '../keys/fetch-keys.ts';
import { createKeyLoader } from '../keys/load-keys.ts';
import type { IssuerPolicy } from '../policy/sources.ts';

/** How one issuer answered. */
export interface IssuerAnswer {
  readonly name: string;
  readonly ok: boolean;
  /** How many of its keys can verify tokens here. */
  readonly keys: number;
  /** Why not, in words; empty when it is well. */
  readonly cause: string;
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
  const loader = createKeyLoader(issuer, createKeyTransport(issuer));
  try {
    const loaded = await loader.load(now);
    return loaded.ok
      ? { name: issuer.name, ok: true, keys: loaded.keys.length, cause: '' }
      : { name: issuer.name, ok: false, keys: 0, cause: loaded.cause };
  } finally {
    loader.close();
  }
}
