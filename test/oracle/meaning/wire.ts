/**
 * What is 400, 414, 417 or 431 on every route, before any is looked at: RFC 9112 sections 2 to 6 and configuration.md,
 * Semantics, "Host" and "Path". What is ambiguous is refused, never repaired.
 */
import type { RequestModel } from './model.ts';
import { type ReadTarget, readTarget } from './path.ts';

/** A request that passed, with what was read of it; or the status that ends it, and those of its other faults. */
export type Wire =
  | { readonly ok: true; readonly target: ReadTarget; readonly host: string; readonly authority: string }
  | { readonly ok: false; readonly status: number; readonly why: string; readonly or: readonly number[] };

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Fields of one value by which requests are framed, named, told apart or believed; two lines have two readings. */
const SINGLE = ['host', 'content-length', 'transfer-encoding', 'content-type', 'origin', 'sec-fetch-site'];

/** Values of all lines of a name, without regard to case. */
export function linesOf(request: RequestModel, name: string): string[] {
  return request.headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value.trim());
}

/** Methods that the HTTP parser of Node knows, of those that are made up; other words are 400, and case counts. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PROPFIND', 'QUERY'];

/** Judges the bytes of one request. */
export function readWire(request: RequestModel): Wire {
  const faults = [...faultsOf(request)];
  const [first] = faults;
  const target = readTarget(request.method, request.target);
  const names = target === null ? null : authorityOf(request, target);
  if (first === undefined && target !== null && names !== null) return { ok: true, target, ...names };
  const [status, why] = first ?? [400, target === null ? 'target' : 'host'];
  return { ok: false, status, why, or: faults.map(([other]) => other) };
}

/** All that is wrong. Which of several faults is said first is left to whoever reads first. */
function* faultsOf(request: RequestModel): Generator<readonly [status: number, why: string]> {
  if (!METHODS.includes(request.method)) yield [400, 'method'];
  if (request.target.length > 8192) yield [414, 'target is too long'];
  if (request.headers.length > 100) yield [431, 'too many fields'];
  if (request.headers.some(([name]) => !TOKEN.test(name))) yield [400, 'a name that is none'];
  if (request.headers.some(([, value]) => /[\x00-\x08\x0a-\x1f\x7f]/.test(value))) {
    yield [400, 'a control in a value'];
  }
  for (const name of SINGLE) if (linesOf(request, name).length > 1) yield [400, `two of ${name}`];
  const target = readTarget(request.method, request.target);
  if (target === null) yield [400, 'target'];
  else if (authorityOf(request, target) === null) yield [400, 'host'];
  const framing = framingFault(request);
  if (framing !== null) yield [400, framing];
  if (request.method === 'TRACE' && declaresBody(request)) yield [400, 'TRACE has no content'];
  // RFC 9110 section 10.1.1; said twice, it is a list that nobody defined.
  const expect = linesOf(request, 'expect').join(', ').toLowerCase();
  if (request.version === '1.1' && expect !== '' && expect !== '100-continue') yield [417, 'expect'];
}

/** Whether there is content. Chunks may be none, but a client that asks first has some (RFC 9110 section 10.1.1). */
export function hasBody(request: RequestModel): boolean {
  const isEmpty = request.body === '0\r\n\r\n' && linesOf(request, 'transfer-encoding').length > 0;
  return (
    declaresBody(request) &&
    !(isEmpty && !(request.version === '1.1' && linesOf(request, 'expect').length > 0))
  );
}

/** Whether content was declared. */
function declaresBody(request: RequestModel): boolean {
  return (
    linesOf(request, 'transfer-encoding').length > 0 || Number(linesOf(request, 'content-length')[0] ?? 0) > 0
  );
}

/** RFC 9112 section 6: one length, or `chunked` and nothing else, and never both. */
function framingFault(request: RequestModel): string | null {
  const [length] = linesOf(request, 'content-length');
  const [coding] = linesOf(request, 'transfer-encoding');
  if (length !== undefined && coding !== undefined) return 'framed in two ways';
  if (length !== undefined && !/^[0-9]{1,15}$/.test(length)) return 'content-length';
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || request.version === '1.0'))
    return 'coding';
  return null;
}

function authorityOf(request: RequestModel, target: ReadTarget): { host: string; authority: string } | null {
  const [field] = linesOf(request, 'host');
  if (field === undefined) {
    // RFC 9112 section 3.2: HTTP/1.0 may leave it out.
    if (request.version === '1.1') return null;
    return target.authority === null ? { host: '', authority: '' } : readAuthority(target.authority);
  }
  const host = readAuthority(field);
  if (host === null || target.authority === null) return host;
  const named = readAuthority(target.authority);
  if (named === null) return null;
  const port = request.target.toLowerCase().startsWith('https:') ? '443' : '80';
  return named.host === host.host && (named.port ?? port) === (host.port ?? port) ? named : null;
}

interface ReadAuthority {
  readonly host: string;
  readonly authority: string;
  readonly port: string | undefined;
}

/** RFC 9110 section 4.2, with names of the DNS only; numbers that are no address are read in several ways. */
function readAuthority(text: string): ReadAuthority | null {
  const found = /^([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\.?(?::([0-9]{1,5}))?$/.exec(text);
  const [, name = '', port] = found ?? [];
  if (found === null || (port !== undefined && (Number(port) === 0 || Number(port) > 65_535))) return null;
  const last = name.split('.').at(-1) ?? '';
  if (/^([0-9]+|0x[0-9a-f]*)$/i.test(last) && !isAddress(name)) return null;
  return { host: name.toLowerCase(), authority: text, port };
}

function isAddress(name: string): boolean {
  const numbers = name.split('.');
  return (
    numbers.length === 4 && numbers.every((each) => /^(0|[1-9][0-9]{0,2})$/.test(each) && Number(each) < 256)
  );
}
