/**
 * One attempt to obtain an issuer's keys, from wherever the policy says: discovery, an address, the policy
 * itself, or a shared secret; as a JWK Set or as PEM by key id. An answer without a usable key is a failure: an empty
 * set never replaces a good one.
 */
import { webcrypto } from 'node:crypto';
import type { IssuerPolicy, KeyForm, KeySource } from '../policy/sources.ts';
import { timeoutSignal } from '../timers.ts';
import { admitKeys, type IgnoredMember, type VerificationKey } from './admit-key.ts';
import { algorithms } from './algorithms.ts';
import { discover, metadataUrls } from './discover.ts';
import type { FetchFailure } from './fetch-cause.ts';
import type { Fetched, FetchedObject, KeyTransport } from './fetch-keys.ts';
import { admittedPart } from './kept-format.ts';
import { speaksForEntry } from './key-issuer.ts';
import { admitCertificates } from './pem-keys.ts';
import { refreshHintOf } from './spiffe-bundle.ts';

export type LoadedKeys =
  | {
      readonly ok: true;
      readonly keys: readonly VerificationKey[];
      readonly ignored: readonly IgnoredMember[];
      /** Milliseconds that the source says they are fresh; null when it does not say. */
      readonly maxAge: number | null;
      /** Where they came from, and the part of the document that was admitted; absent where nothing is fetched. */
      readonly fetched?: { readonly url: string; readonly document: FetchedObject };
    }
  | {
      readonly ok: false;
      readonly cause: string;
      readonly ignored: readonly IgnoredMember[];
      /** The fetch that failed, or whose answer was of no use; absent where nothing is fetched. */
      readonly failure?: FetchFailure;
    };

export interface KeyLoader {
  /** Never rejects, but for a defect of ours. Within `refresh.timeout` for all its requests together. */
  load(now: number): Promise<LoadedKeys>;
  /** Judges a document that was fetched before, by the rules of today; absent where nothing is fetched. */
  readonly recall?: (document: FetchedObject) => Promise<LoadedKeys>;
  /** Has the next load read metadata again; absent where nothing is fetched. */
  readonly forget?: () => void;
  close(): void;
}

/** What a loader needs to know of an issuer. */
export type KeyLoaderPolicy = Pick<
  IssuerPolicy,
  'issuers' | 'tenants' | 'profile' | 'keys' | 'algorithms' | 'insecureHttp' | 'refresh'
>;

/** The loader for the issuer's key source; `transport` is asked only where keys are fetched. */
export function createKeyLoader(issuer: KeyLoaderPolicy, transport: KeyTransport): KeyLoader {
  const source = issuer.keys;
  const close = (): void => transport.close();
  if (source.from === 'secret') return { load: () => loadSecret(source.secret, issuer.algorithms), close };
  if (source.from === 'static') return { load: () => admitDocument(source.document, null, issuer), close };
  // Those come one by one, see key-per-kid.ts; there is no set to load.
  if (source.from === 'each')
    return { load: () => Promise.resolve({ ok: true, keys: [], ignored: [], maxAge: null }), close };
  const locate = createLocator(issuer, transport);
  const load = async (now: number): Promise<LoadedKeys> => {
    const signal = timeoutSignal(issuer.refresh.timeout);
    const located = await locate.find(now, signal);
    if (!located.ok) {
      const { cause, failure } = located;
      return { ok: false, cause, ignored: [], ...(failure === undefined ? {} : { failure }) };
    }
    const fetched = await transport.fetch(located.jwksUri, signal);
    const loaded = await admitFetched(located.jwksUri, fetched, issuer);
    if (!loaded.ok) locate.forget();
    return loaded;
  };
  return {
    load,
    recall: (document) => admitDocument(document, null, issuer),
    forget: locate.forget,
    close,
  };
}

interface Locator {
  find(now: number, signal: AbortSignal): ReturnType<typeof discover>;
  /** The address may have moved: ask the metadata again next time. */
  forget(): void;
}

/** Metadata is read again after `interval`, and after any failure; look-ups for new key ids in between need not. */
function createLocator(issuer: KeyLoaderPolicy, transport: KeyTransport): Locator {
  const source = issuer.keys;
  if (source.from === 'url') {
    return { find: () => Promise.resolve({ ok: true, jwksUri: source.url }), forget: () => {} };
  }
  const written = source.from === 'discovery' ? source.url : null;
  const [own] = issuer.issuers;
  const urls = written !== null ? [written] : own === undefined ? [] : metadataUrls(own);
  let known: { readonly jwksUri: string; readonly until: number } | null = null;
  return {
    find: async (now, signal) => {
      if (known !== null && now < known.until) return { ok: true, jwksUri: known.jwksUri };
      const discovered = await discover(issuer, urls, transport, signal);
      // A little less than the interval, so that each background refresh asks.
      if (discovered.ok) known = { jwksUri: discovered.jwksUri, until: now + issuer.refresh.interval * 0.8 };
      return discovered;
    },
    forget: () => {
      known = null;
    },
  };
}

async function admitFetched(url: string, fetched: Fetched, issuer: KeyLoaderPolicy): Promise<LoadedKeys> {
  if (!fetched.ok) {
    const { cause, failure } = fetched;
    return {
      ok: false,
      cause: `${url} ${cause}`,
      ignored: [],
      ...(failure === undefined ? {} : { failure }),
    };
  }
  const hint = issuer.profile === 'spiffe' ? refreshHintOf(fetched.document) : null;
  const loaded = await admitDocument(fetched.document, hint ?? fetched.maxAge, issuer);
  if (loaded.ok) {
    const document = admittedPart(fetched.document, loaded.ignored, formOf(issuer.keys));
    return { ...loaded, fetched: { url, document } };
  }
  const failure: FetchFailure = { kind: 'body', status: 200, url, cause: loaded.cause };
  return { ...loaded, cause: `${url} ${loaded.cause}`, failure };
}

/** Metadata name a JWK Set. */
function formOf(keys: KeySource): KeyForm {
  return 'form' in keys ? keys.form : 'jwks';
}

/** Why a document is of no use of which no key may verify a token. */
export const NO_USABLE_KEY = 'holds no usable key';

/**
 * Judges a document by the rules of its issuer, whether it was fetched or stands in the policy.
 * @param maxAge milliseconds, as in `LoadedKeys`
 */
export async function admitDocument(
  document: Readonly<Record<string, unknown>>,
  maxAge: number | null,
  issuer: KeyLoaderPolicy,
): Promise<LoadedKeys> {
  const form = formOf(issuer.keys);
  const members = form === 'jwks' ? document.keys : Object.keys(document);
  if (!Array.isArray(members)) return { ok: false, cause: 'holds no list of keys', ignored: [] };
  const { maxKeys } = issuer.refresh;
  if (members.length > maxKeys) {
    return { ok: false, cause: `holds more than ${maxKeys} keys; see refresh.max_keys`, ignored: [] };
  }
  const belongs = (keyIssuer: string): boolean => speaksForEntry(keyIssuer, issuer);
  const { keys, ignored } =
    form === 'jwks'
      ? await admitKeys(members, issuer.algorithms, issuer.profile, belongs)
      : await admitCertificates(document, issuer.algorithms);
  if (keys.length === 0 && issuer.profile !== 'spiffe') {
    return { ok: false, cause: NO_USABLE_KEY, ignored };
  }
  return { ok: true, keys, ignored, maxAge };
}

/** One key for each HS algorithm that the secret is long enough for (RFC 7518 section 3.2). */
async function loadSecret(secret: Buffer, allowed: readonly string[]): Promise<LoadedKeys> {
  const keys: VerificationKey[] = [];
  for (const algorithm of allowed) {
    const needs = algorithms.get(algorithm);
    if (needs?.kty !== 'oct' || secret.length < needs.secretBytes) continue;
    const hash = `SHA-${algorithm.slice(2)}`;
    const key = await webcrypto.subtle.importKey('raw', secret, { name: 'HMAC', hash }, false, ['verify']);
    keys.push({ kid: null, algorithm, key, issuer: null, fingerprint: algorithm });
  }
  if (keys.length === 0)
    return { ok: false, cause: 'the secret is too short for its algorithms', ignored: [] };
  return { ok: true, keys, ignored: [], maxAge: null };
}
