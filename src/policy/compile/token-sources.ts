/** Where tokens may lie: `token_sources`, at the top level or on a route. Refuses one place twice. */
import { foldHeaderName } from '../../wire/fold-header-name.ts';
import type { TokenSource } from '../policy.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { TokenSourceConfiguration } from '../schema/token-sources.ts';
import type { CredentialSources } from './accept.ts';
import { type CompileContext, reportUnknown } from './context.ts';
import { isReservedHeader } from './reserved-headers.ts';

/** Compiles one list. What is wrong is reported. */
export function checkTokenSources(
  written: readonly TokenSourceConfiguration[],
  path: ConfigurationPath,
  sources: CredentialSources,
  context: CompileContext,
): readonly TokenSource[] {
  const compiled: TokenSource[] = [];
  for (const [index, source] of written.entries()) {
    const place = [...path, index];
    const token = compileTokenSource(source, place, sources, context);
    if (token === null) continue;
    const isTwin = compiled.some((other) => placeName(other) === placeName(token));
    if (isTwin) context.problems.report(place, 'duplicate_place', 'is in this list already; remove it');
    compiled.push(token);
  }
  return compiled;
}

/** Headers are one place if they fold together; names of cookies, parameters and protocols are as they are. */
function placeName(source: TokenSource): string {
  if (source.in === 'authorization') return source.in;
  return `${source.in} ${source.in === 'header' ? foldHeaderName(source.name) : source.name}`;
}

function compileTokenSource(
  source: TokenSourceConfiguration,
  place: ConfigurationPath,
  sources: CredentialSources,
  context: CompileContext,
): TokenSource | null {
  if (typeof source === 'string') return { in: 'authorization', issuers: null };
  const { header, cookie, query, websocket_protocol: marker } = source;
  const issuers = checkIssuers(source.issuers ?? null, place, sources, context);
  if (cookie !== undefined) return { in: 'cookie', name: cookie, issuers };
  if (query !== undefined) return { in: 'query', name: query, issuers };
  if (marker !== undefined) return { in: 'websocket_protocol', name: marker, issuers };
  if (header === undefined) return null;
  checkHeader(header, [...place, 'header'], sources, context);
  return { in: 'header', name: header.toLowerCase(), issuers, padded: false };
}

function checkHeader(
  header: string,
  place: ConfigurationPath,
  sources: CredentialSources,
  context: CompileContext,
): void {
  const folded = foldHeaderName(header.toLowerCase());
  if (isReservedHeader(folded)) {
    const message = `${header} has a meaning of its own; ${adviceFor(folded)}`;
    context.problems.report(place, 'reserved_header', message);
  }
  const set = sources.apiKeySets.find((each) => foldHeaderName(each.header) === folded);
  if (set === undefined) return;
  const message = `${header} is the key header of "${set.name}"; write another name for tokens`;
  context.problems.report(place, 'header_conflict', message);
}

function adviceFor(folded: string): string {
  if (folded === 'authorization') return 'write authorization, without {header: ...}';
  return folded === 'cookie' ? 'write {cookie: NAME}' : 'write another name, e.g. X-Token';
}

function checkIssuers(
  issuers: readonly string[] | null,
  place: ConfigurationPath,
  sources: CredentialSources,
  context: CompileContext,
): readonly string[] | null {
  if (issuers === null) return null;
  for (const [index, issuer] of issuers.entries()) {
    if (sources.issuers.includes(issuer) || context.isWritten(['issuers', issuer])) continue;
    const unknown = { message: `no issuer is called "${issuer}"`, name: issuer, known: sources.issuers };
    reportUnknown(context.problems, [...place, 'issuers', index], 'unknown_source', unknown);
  }
  return issuers.every((issuer) => sources.issuers.includes(issuer)) ? issuers : null;
}
