/**
 * Finds an issuer's key set by its metadata (RFC 8414 section 3, OpenID Connect Discovery section 4). Uses no
 * document whose `issuer` is not the configured one to the last character, and no key address over plain
 * HTTP that the policy did not allow.
 */
import type { IssuerPolicy } from '../policy/sources.ts';
import { isLoopbackUrl } from '../wire/loopback-url.ts';
import type { FetchFailure } from './fetch-cause.ts';
import type { Fetched, FetchedObject, KeyTransport } from './fetch-keys.ts';
import { slashTwin } from './slash-twin.ts';
import { asTemplate } from './tenant-template.ts';

export type Discovered =
  | { readonly ok: true; readonly jwksUri: string }
  | { readonly ok: false; readonly cause: string; readonly failure?: FetchFailure };

/**
 * Where the metadata may lie, in the order to try: RFC 8414 with the well-known part before the issuer's path
 * (both suffixes), then OpenID Connect's own place after it. A final slash of the issuer is dropped for the URL.
 */
export function metadataUrls(issuer: string): readonly string[] {
  const url = new URL(issuer);
  const path = url.pathname.replace(/\/+$/, '');
  const urls = [
    `${url.origin}/.well-known/oauth-authorization-server${path}`,
    `${url.origin}/.well-known/openid-configuration${path}`,
    `${url.origin}${path}/.well-known/openid-configuration`,
  ];
  return [...new Set(urls)];
}

/** What the metadata of an entry depends on. */
export type MetadataPolicy = Pick<IssuerPolicy, 'issuers' | 'tenants' | 'insecureHttp'>;

/**
 * What metadata may name as its issuer: the first of the entry; for tenants the first template, as a provider writes
 * it for all of them, and where there is one tenant only, its own issuer too.
 */
export function metadataIssuers({
  issuers,
  tenants,
}: Pick<IssuerPolicy, 'issuers' | 'tenants'>): readonly string[] {
  const own = tenants === null || tenants.anyOf?.length === 1 ? issuers.slice(0, 1) : [];
  return [...(tenants?.templates.slice(0, 1) ?? []), ...own];
}

/** Characters of the address of a key set. */
const LONGEST_ADDRESS = 2048;

/** Tries the given addresses in turn until one is the issuer's metadata. Never rejects. */
export async function discover(
  issuer: MetadataPolicy,
  urls: readonly string[],
  transport: KeyTransport,
  signal: AbortSignal,
): Promise<Discovered> {
  let failed: Undiscovered = { ok: false, cause: 'no metadata address' };
  for (const url of urls) {
    const fetched = await transport.fetch(url, signal);
    if (fetched.ok) {
      const checked = checkMetadata(fetched.document, issuer, url);
      if (checked.ok) return checked;
      const failure: FetchFailure = { kind: 'body', status: 200, url, cause: checked.cause };
      failed = { ok: false, cause: `${url} ${checked.cause}`, failure };
    } else {
      // What a document of the issuer holds wrong tells more than the 404 of the next place.
      if (failed.failure?.kind !== 'body') failed = withCause(url, fetched);
      if (!fetched.answered) break;
    }
  }
  return failed;
}

type Undiscovered = Discovered & { readonly ok: false };

function withCause(url: string, { cause, failure }: Fetched & { readonly ok: false }): Undiscovered {
  return { ok: false, cause: `${url} ${cause}`, ...(failure === undefined ? {} : { failure }) };
}

function checkMetadata(metadata: FetchedObject, issuer: MetadataPolicy, from: string): Discovered {
  const mismatch = mismatchOf(metadata, metadataIssuers(issuer));
  if (mismatch !== null) return { ok: false, cause: mismatch };
  const jwksUri = metadata.jwks_uri;
  if (typeof jwksUri !== 'string' || !URL.canParse(jwksUri)) return { ok: false, cause: 'has no jwks_uri' };
  // It stands in every line of the log about these keys.
  if (jwksUri.length > LONGEST_ADDRESS) return { ok: false, cause: 'has a jwks_uri that is too long' };
  const url = new URL(jwksUri);
  if (url.username !== '' || url.password !== '')
    return { ok: false, cause: 'has a jwks_uri with credentials' };
  if (url.protocol === 'https:') return { ok: true, jwksUri };
  // Plain HTTP on loopback is for metadata that itself came that way, not for a provider to point us at.
  const local = isLoopbackUrl(url) && isLoopbackUrl(new URL(from));
  if (url.protocol === 'http:' && (issuer.insecureHttp || local)) return { ok: true, jwksUri };
  return { ok: false, cause: 'has a jwks_uri that is not https' };
}

/** Exactly, or one tenant's keys would speak for another's (RFC 8414 section 3.3). */
function mismatchOf(metadata: FetchedObject, expected: readonly string[]): string | null {
  const { issuer: named, access_token_issuer: ofTokens } = metadata;
  const text = typeof named === 'string' ? asTemplate(named) : '';
  if (expected.includes(text)) return null;
  // ADFS ([MS-OIDCE] section 2.2.3.2): access tokens have an issuer of their own, and its metadata names it.
  if (typeof ofTokens === 'string' && expected.includes(ofTokens)) return null;
  if (expected.includes(slashTwin(text))) {
    return `names an issuer that differs from the policy's only by its final slash: write ${text}`;
  }
  return `names another issuer: ${JSON.stringify(named)?.slice(0, 200)}`;
}
