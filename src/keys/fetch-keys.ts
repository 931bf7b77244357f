/**
 * Fetches one document over HTTP for a key set: certificates verified, 200 only, within a time and a size. Follows no
 * redirect that the policy does not allow, and shows the bearer token of `bearer_token_file` to the configured origin only.
 */
import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import type { IssuerPolicy } from '../policy/sources.ts';
import { createEgress, type Egress } from './egress.ts';
import { describe, FetchError, type FetchFailure, failureOf } from './fetch-cause.ts';
import { type FetchedObject, readAnswer, single } from './read-answer.ts';
import { followRedirect, isRedirect } from './redirects.ts';
import { maxAgeOf } from './schedule.ts';
import { sourceUrl } from './source-url.ts';

export type { FetchedObject } from './read-answer.ts';

export type Fetched =
  | { readonly ok: true; readonly document: FetchedObject; readonly maxAge: number | null }
  /** `answered`: the server spoke HTTP, so that another path of it may do better. `cause` is for the log. */
  | {
      readonly ok: false;
      readonly answered: boolean;
      readonly cause: string;
      readonly failure?: FetchFailure;
    };

/** Where documents come from; tests bring their own. */
export interface KeyTransport {
  /** Never rejects. */
  fetch(url: string, signal: AbortSignal): Promise<Fetched>;
  /** Cuts what is under way. */
  close(): void;
}

type TransportPolicy = Pick<
  IssuerPolicy,
  'ca' | 'bearerTokenFile' | 'proxy' | 'redirects' | 'keys' | 'issuers' | 'refresh'
>;

/** Fetches JSON, or PEM where each key has a document of its own. */
export function createKeyTransport(issuer: TransportPolicy): KeyTransport {
  const egress = createEgress(issuer);
  const limits = {
    maxBytes: issuer.refresh.maxBytes,
    form: issuer.keys.from === 'each' ? 'pem' : 'json',
  } as const;
  const trusted = sourceUrl(issuer.keys, issuer.issuers[0])?.origin;

  /** Asks until something is no redirect. */
  async function fetchDocument(url: string, signal: AbortSignal): Promise<Fetched> {
    let from = url;
    for (let hops = 0; ; hops += 1) {
      const headers = await headersFor(new URL(from));
      const response = await request(from, { dispatcher: egress.dispatcher, signal, headers });
      const { statusCode: status } = response;
      if (!isRedirect(status)) {
        const document = await readAnswer(response, limits);
        const maxAge = maxAgeOf(single(response.headers['cache-control']), single(response.headers.age));
        return { ok: true, document, maxAge };
      }
      response.body.on('error', () => {}).destroy();
      const location = single(response.headers.location);
      from = followRedirect({ status, location, from, hops, policy: issuer.redirects });
    }
  }

  async function headersFor(url: URL): Promise<Record<string, string>> {
    const headers: Record<string, string> = { accept: ACCEPT[limits.form], 'accept-encoding': 'identity' };
    if (issuer.bearerTokenFile === null || url.origin !== trusted) return headers;
    if (url.protocol === 'http:' && egress.isProxied(url)) {
      const cause =
        'is plain http, so that the proxy would see the token of bearer_token_file; write https://, or http_proxy: none';
      throw new FetchError('credential', cause);
    }
    headers.authorization = `Bearer ${await readBearer(issuer.bearerTokenFile)}`;
    return headers;
  }

  return {
    fetch: async (url, signal) => {
      const over = endOf(signal);
      try {
        return await Promise.race([fetchDocument(url, signal), over.end]);
      } catch (error) {
        return failed(error, url, egress);
      } finally {
        over.forget();
      }
    },
    close: () => egress.close(),
  };
}

/** Rejects when the time is up. undici looks at its signal only once it is connected, and waits in line for that. */
function endOf(signal: AbortSignal): { readonly end: Promise<never>; readonly forget: () => void } {
  const { promise: end, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return { end, forget: () => signal.removeEventListener('abort', stop) };
}

const ACCEPT = {
  json: 'application/jwk-set+json, application/json',
  pem: 'application/x-pem-file, text/plain, */*',
} as const;

function failed(error: unknown, url: string, egress: Egress): Fetched {
  const failure = failureOf(error, url);
  const answered = error instanceof FetchError && (ANSWERED as readonly string[]).includes(failure.kind);
  const isOnTheWay = ['connect', 'tls', 'timeout'].includes(failure.kind);
  const cause =
    isOnTheWay && egress.isProxied(new URL(url))
      ? `${failure.cause}, asked through the proxy`
      : failure.cause;
  return { ok: false, answered, cause, failure: { ...failure, cause } };
}

/** Kinds of failure after which another path of the same server may do better. */
const ANSWERED = ['status', 'redirect', 'body'] as const;

/** The file is rotated by others (projected service account tokens), so it is read each time. */
async function readBearer(file: string): Promise<string> {
  let token: string;
  try {
    token = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : describe(error).cause;
    throw new FetchError('credential', `was not asked: bearer_token_file cannot be read (${code})`);
  }
  if (/^[A-Za-z0-9._~+/-]{1,16384}=*$/.test(token)) return token;
  throw new FetchError('credential', 'was not asked: bearer_token_file does not hold a token');
}
