/**
 * Fetches one JSON document over HTTP for a key set: certificates verified, 200 only, within a time and a
 * size. Follows no redirect, decodes no compressed body, obeys no proxy of the environment, and shows the
 * bearer token of `bearer_token_file` to the configured origin only.
 */
import { readFile } from 'node:fs/promises';
import { Agent, type Dispatcher, request } from 'undici';
import type { IssuerPolicy } from '../policy/sources.ts';
import type { FetchFailure } from './fetch-cause.ts';
import { maxAgeOf } from './schedule.ts';

/** A JSON object as it came; every member is of any type. */
export type FetchedObject = Readonly<Record<string, unknown>>;

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

type TransportPolicy = Pick<IssuerPolicy, 'ca' | 'bearerTokenFile' | 'keys' | 'issuers' | 'refresh'>;

/** Connections of its own for each key set, so that a slow issuer holds nobody else up. */
export function createKeyTransport(issuer: TransportPolicy): KeyTransport {
  const { timeout, maxBytes } = issuer.refresh;
  const agent = new Agent({
    connections: 2,
    pipelining: 1,
    maxHeaderSize: 16_384,
    connect: { timeout, rejectUnauthorized: true, ...(issuer.ca === null ? {} : { ca: issuer.ca }) },
    headersTimeout: timeout,
    bodyTimeout: timeout,
  });
  const trusted = configuredOrigin(issuer);
  return {
    fetch: async (url, signal) => {
      try {
        const headers: Record<string, string> = { accept: ACCEPT, 'accept-encoding': 'identity' };
        if (issuer.bearerTokenFile !== null && new URL(url).origin === trusted) {
          headers.authorization = `Bearer ${await readBearer(issuer.bearerTokenFile)}`;
        }
        return await read(await request(url, { dispatcher: agent, signal, headers }), maxBytes);
      } catch (error) {
        return { ok: false, answered: false, cause: causeOf(error) };
      }
    },
    close: () => {
      agent.destroy().catch(() => {});
    },
  };
}

const ACCEPT = 'application/jwk-set+json, application/json';

function configuredOrigin(issuer: TransportPolicy): string | null {
  const { keys } = issuer;
  const url = keys.from === 'url' || keys.from === 'discovery' ? (keys.url ?? issuer.issuers[0]) : null;
  return url !== null && url !== undefined && URL.canParse(url) ? new URL(url).origin : null;
}

/** The file is rotated by others (projected service account tokens), so it is read each time. */
async function readBearer(file: string): Promise<string> {
  const token = (await readFile(file, 'utf8')).trim();
  if (!/^[A-Za-z0-9._~+/-]{1,16384}=*$/.test(token))
    throw new Error('bearer_token_file does not hold a token');
  return token;
}

async function read(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  maxBytes: number,
): Promise<Fetched> {
  // What is cut off ends in an error that nobody else would listen to.
  body.on('error', () => {});
  const refuse = (cause: string): Fetched => {
    body.destroy();
    return { ok: false, answered: true, cause };
  };
  if (statusCode !== 200) return refuse(`answered with status ${statusCode}`);
  const encoding = single(headers['content-encoding']);
  if (encoding !== null && encoding !== 'identity') return refuse('answered with a compressed body');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) return refuse(`answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const document = parseObject(Buffer.concat(chunks));
  if (document === null) return refuse('answered with something that is not a JSON object');
  return { ok: true, document, maxAge: maxAgeOf(single(headers['cache-control']), single(headers.age)) };
}

function parseObject(bytes: Buffer): FetchedObject | null {
  try {
    const value: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    );
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

function single(value: string | string[] | undefined): string | null {
  return value === undefined ? null : String(value);
}

/** One line for the operator: an AggregateError of two refused connections has a code and no message. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  if (error.name === 'TimeoutError') return 'did not answer in time';
  return error.message === '' ? code : `${error.message} (${code})`;
}
