/**
 * The wire rules: whether the bytes are one request that everybody behind us reads alike. Looks at the
 * message's line and header only, knows no route, and refuses what is ambiguous instead of repairing it.
 */
import { type IncomingMessage, METHODS } from 'node:http';
import type { Limits } from '../policy/policy.ts';
import type { Refusal } from '../refusals/refusal.ts';
import { type CanonicalPath, canonicalizePath } from '../wire/canonical-path.ts';
import { type Framing, readFraming } from '../wire/framing.ts';
import { type HeaderSection, readHeaderSection } from '../wire/header-section.ts';
import { type Authority, parseAuthority, sameAuthority } from '../wire/host.ts';
import { parseRequestTarget, type RequestTarget } from '../wire/request-target.ts';
import { readHandshake } from '../wire/websocket-handshake.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/** The bounds that are known before a route is. */
export type WireLimits = Pick<Limits, 'targetBytes' | 'headerBytes' | 'headerCount'>;

export type GuardResult =
  | { readonly ok: true; readonly wire: WireRequest }
  | { readonly ok: false; readonly refusal: Refusal };

/** What a message is read from; `IncomingMessage` without its stream. */
export type WireMessage = Pick<IncomingMessage, 'method' | 'url' | 'httpVersion' | 'rawHeaders'>;

/**
 * Reads a request whose header has come in. Refuses with 400, 414, 417 or 431, always without a challenge.
 * Never throws, and never reads `headers` or `headersDistinct`, which drop and join lines.
 */
export function guardWire(message: WireMessage, limits: WireLimits): GuardResult {
  const { httpVersion, rawHeaders, method = '', url = '' } = message;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return badRequest('http_version');
  if (!HTTP_METHODS.has(method)) return badRequest('method');
  if (url.length > limits.targetBytes) return refused({ kind: 'uri_too_long', reason: 'target_bytes' });
  const section = readHeaderSection(rawHeaders, limits);
  if (!section.ok) return section;
  const target = parseRequestTarget(method, url);
  if (target.form === 'refused') return badRequest(target.reason);
  const authority = authorityOf(target, section.host, httpVersion);
  if (typeof authority === 'string') return badRequest(authority);
  const framing = readFraming(section.transferEncoding, section.contentLength, httpVersion);
  if (!framing.ok) return badRequest(framing.reason);
  return guardRest({ method, httpVersion, rawHeaders, section, target, authority, framing });
}

/** What has been read so far, all of it good. */
interface Parsed {
  readonly method: string;
  readonly httpVersion: '1.0' | '1.1';
  readonly rawHeaders: readonly string[];
  readonly section: HeaderSection;
  readonly target: Exclude<RequestTarget, { form: 'refused' }>;
  readonly authority: Authority | null;
  readonly framing: Extract<Framing, { ok: true }>;
}

/** Node's parser takes lines of RTSP for requests too: `DESCRIBE /x RTSP/1.0` comes here as one of HTTP/1.0. */
const HTTP_METHODS: ReadonlySet<string> = new Set(METHODS);
const NOTHING = { ok: true, path: '', segments: [], forms: [], readings: [] } as const;
const ASTERISK = { ...NOTHING, path: '*' } as const;
const NAMELESS = Object.freeze({ host: '', authority: '' });
/** RFC 9110 section 9.3.8: TRACE has no content; 9.3.6: what follows CONNECT is not content. */
const BODILESS: ReadonlySet<string> = new Set(['TRACE', 'CONNECT']);
const FETCHING: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const CONTINUE = /^100-continue$/i;

function guardRest(parsed: Parsed): GuardResult {
  const { method, httpVersion, section, target, authority, framing } = parsed;
  const path = pathOf(target);
  if (!path.ok) return badRequest(path.reason);
  const hasBody = framing.body === 'chunked' || framing.contentLength > 0;
  if (hasBody && BODILESS.has(method)) return badRequest('body_not_allowed');
  const webSocket = handshakeOf(parsed, hasBody);
  if (webSocket === 'invalid') return badRequest('websocket_handshake');
  // RFC 9110 section 10.1.1: from an HTTP/1.0 client it is ignored.
  const expect = httpVersion === '1.1' ? section.expect : null;
  if (expect !== null && !CONTINUE.test(expect)) {
    return refused({ kind: 'expectation_failed', reason: 'expect' });
  }
  const wire: WireRequest = {
    method,
    ...namedBy(authority),
    path: path.path,
    segments: path.segments,
    query: target.form === 'path' ? target.query : '',
    ...formsOf(path, hasBody && FETCHING.has(method)),
    headerNames: section.names,
    rawHeaders: parsed.rawHeaders,
    body: framing.body,
    contentLength: framing.contentLength,
    expectContinue: expect !== null && hasBody,
    webSocket: webSocket === 'valid',
    httpVersion,
  };
  return { ok: true, wire };
}

/** The authority that counts, null when an HTTP/1.0 request names none; or why there is none (RFC 9112 section 3.2). */
function authorityOf(
  target: Parsed['target'],
  hostField: string | null,
  httpVersion: '1.0' | '1.1',
): Authority | null | string {
  if (hostField === null) return httpVersion === '1.1' ? 'host_missing' : target.authority;
  const host = parseAuthority(hostField);
  if (host === null) return 'host_grammar';
  if (target.authority === null) return host;
  const defaultPort = target.form === 'authority' ? 0 : target.defaultPort;
  return sameAuthority(target.authority, host, defaultPort) ? target.authority : 'host_differs';
}

function pathOf(target: Parsed['target']): ReturnType<typeof canonicalizePath> {
  if (target.form === 'path') return canonicalizePath(target.path);
  return target.form === 'asterisk' ? ASTERISK : NOTHING;
}

function handshakeOf(parsed: Parsed, hasBody: boolean): ReturnType<typeof readHandshake> {
  const { section, method, httpVersion } = parsed;
  if (section.upgrade === null) return 'none';
  return readHandshake({
    method,
    httpVersion,
    hasBody,
    connection: section.connection,
    upgrade: section.upgrade,
    key: section.webSocketKey,
    version: section.webSocketVersion,
  });
}

function namedBy(authority: Authority | null): Pick<WireRequest, 'host' | 'authority'> {
  return authority === null ? NAMELESS : { host: authority.host, authority: authority.text };
}

/** A body that few servers expect is one more tolerable form; the path then has at least its plain reading. */
function formsOf(path: CanonicalPath, getBody: boolean): Pick<WireRequest, 'forms' | 'readings'> {
  const { forms, readings, segments } = path;
  if (!getBody) return { forms, readings };
  return { forms: [...forms, 'get_body'], readings: readings.length === 0 ? [segments] : readings };
}

function badRequest(reason: string): GuardResult {
  return { ok: false, refusal: { kind: 'bad_request', reason } };
}

function refused(refusal: Refusal): GuardResult {
  return { ok: false, refusal };
}
