/**
 * Reads an upstream's response header: what is for us alone is left out, and what does not frame one
 * response in one way only is refused (RFC 9112 section 6.3).
 */
import { connectionNominated, HOP_BY_HOP } from '../wire/hop-by-hop.ts';
import { asksForConnectionLogin } from './connection-logins.ts';

/** A response header that is passed on. */
export interface ResponseHead {
  readonly ok: true;
  /** Flat list; names as sent. */
  readonly headers: string[];
  /** How the body ends: it has none, after a known number of bytes, by chunks, or with the connection. */
  readonly framing: 'none' | 'length' | 'chunked' | 'until_close';
  readonly eventStream: boolean;
  /** Chunks are announced where there can be no body. They may come all the same, and are nobody's. */
  readonly strayBody: boolean;
  /** A login is asked for, or was granted, that the connection keeps. */
  readonly connectionLogin: boolean;
}

export type ResponseHeadResult = ResponseHead | { readonly ok: false; readonly cause: string };

type Treatment =
  | 'pass'
  | 'drop'
  | 'challenge'
  | 'proxy_challenge'
  | 'persistent'
  | 'connection'
  | 'length'
  | 'coding'
  | 'type';

/** Names whose treatment is remembered, by spelling. Upstreams have few, but nobody has without bound. */
const REMEMBERED_NAMES = 1024;
const remembered = new Map<string, Treatment>();

/**
 * Reads the header section of one response.
 * @param raw names and values in turn, as bytes
 * @param status with the method it decides whether there can be a body (RFC 9110 section 6.4.1)
 */
export function readResponseHead(raw: readonly Buffer[], status: number, method: string): ResponseHeadResult {
  const reader = new HeadReader(status);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const cause = reader.take(raw[i]?.toString('latin1') ?? '', raw[i + 1]?.toString('latin1') ?? '');
    if (cause !== null) return { ok: false, cause };
  }
  const { headers, length, coding, connection, eventStream, connectionLogin } = reader;
  if (length !== null && coding !== null) return { ok: false, cause: 'content_length_and_transfer_encoding' };
  if (connection !== '') removeNominated(headers, connection);
  const framing = framingOf(status, method, length, coding);
  const strayBody = framing === 'none' && coding !== null;
  return { ok: true, headers, framing, eventStream, strayBody, connectionLogin };
}

/** Gathers fields one by one. */
class HeadReader {
  readonly headers: string[] = [];
  length: string | null = null;
  coding: string | null = null;
  connection = '';
  eventStream = false;
  connectionLogin = false;
  readonly #status: number;

  constructor(status: number) {
    this.#status = status;
  }

  /** Null, or why the response cannot be passed on. */
  take(name: string, value: string): string | null {
    switch (treatmentOf(name)) {
      case 'drop':
        return null;
      case 'connection':
        this.connection = this.connection === '' ? value : `${this.connection},${value}`;
        return null;
      case 'coding':
        if (this.coding !== null || value.toLowerCase() !== 'chunked') return 'transfer_encoding';
        this.coding = value;
        return null;
      case 'length':
        if (this.length !== null || !/^\d{1,16}$/.test(value)) return 'content_length';
        this.length = value;
        // A response without content has no length of one (RFC 9110 section 8.6).
        if (this.#status !== 204) this.headers.push(name, value);
        return null;
      case 'type':
        this.eventStream = isEventStream(value);
        break;
      case 'proxy_challenge':
        this.connectionLogin ||= asksForConnectionLogin(value);
        return null;
      case 'challenge':
        this.connectionLogin ||= asksForConnectionLogin(value);
        break;
      case 'persistent':
        this.connectionLogin = true;
        break;
      case 'pass':
    }
    this.headers.push(name, value);
    return null;
  }
}

function framingOf(
  status: number,
  method: string,
  length: string | null,
  coding: string | null,
): ResponseHead['framing'] {
  if (method === 'HEAD' || status === 204 || status === 304) return 'none';
  if (coding !== null) return 'chunked';
  if (length === null) return 'until_close';
  return length === '0' ? 'none' : 'length';
}

function treatmentOf(name: string): Treatment {
  let treatment = remembered.get(name);
  if (treatment === undefined) {
    treatment = judge(name.toLowerCase());
    if (remembered.size < REMEMBERED_NAMES) remembered.set(name, treatment);
  }
  return treatment;
}

function judge(name: string): Treatment {
  switch (name) {
    case 'connection':
      return 'connection';
    case 'content-length':
      return 'length';
    case 'transfer-encoding':
      return 'coding';
    case 'content-type':
      return 'type';
    case 'www-authenticate':
      return 'challenge';
    case 'proxy-authenticate':
      return 'proxy_challenge';
    // What IIS says of a connection that stays logged in. With `false` too: then it had a login.
    case 'persistent-auth':
      return 'persistent';
    // Tells of hops that are none of the caller's business (RFC 7239 section 8.2).
    case 'forwarded':
      return 'drop';
    default:
      return HOP_BY_HOP.has(name) ? 'drop' : 'pass';
  }
}

function removeNominated(headers: string[], connection: string): void {
  if (USUAL_CONNECTION.test(connection)) return;
  const nominated = connectionNominated(connection);
  let kept = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (nominated.has(name.toLowerCase())) continue;
    headers[kept] = name;
    headers[kept + 1] = headers[i + 1] ?? '';
    kept += 2;
  }
  headers.length = kept;
}

const USUAL_CONNECTION = /^(?:keep-alive|close)$/i;

function isEventStream(type: string): boolean {
  return /^text\/event-stream[ \t]*(?:;|$)/i.test(type);
}
