/**
 * Finds a token in the places that share a field with other things: a cookie, a parameter of the query, an offer
 * of a WebSocket. Finds only; a value of the wrong form is for the caller to refuse, and two are for nobody to choose from.
 */
import type { TokenSource } from '../policy/policy.ts';
import { cookieValues } from '../wire/cookies.ts';
import { fieldValue } from '../wire/header-grammar.ts';
import { decodedOnce, parameterValues } from '../wire/query-credentials.ts';
import { offeredToken } from '../wire/websocket-protocols.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/** A source of this kind. */
export type EmbeddedSource = Extract<TokenSource, { in: 'cookie' | 'query' | 'websocket_protocol' }>;

/** The bare value; or that there is none, or more than one, or one that cannot be read. */
export type EmbeddedToken =
  | { readonly kind: 'none' }
  | { readonly kind: 'twice' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'token'; readonly token: string };

const NONE: EmbeddedToken = Object.freeze({ kind: 'none' });
const TWICE: EmbeddedToken = Object.freeze({ kind: 'twice' });
const MALFORMED: EmbeddedToken = Object.freeze({ kind: 'malformed' });

/** An empty value is none, but two are two even if one of them is empty. */
export function embeddedToken(source: EmbeddedSource, wire: WireRequest): EmbeddedToken {
  switch (source.in) {
    case 'cookie':
      return cookieToken(source.name, wire);
    case 'query':
      return queryToken(source.name, wire);
    case 'websocket_protocol':
      return protocolToken(source.name, wire);
  }
}

/** Several lines are one list (RFC 9113 section 8.2.3). */
function cookieToken(name: string, { headerNames, rawHeaders }: WireRequest): EmbeddedToken {
  let value: string | null = null;
  for (let i = headerNames.indexOf('cookie'); i !== -1; i = headerNames.indexOf('cookie', i + 1)) {
    for (const each of cookieValues(rawHeaders[2 * i + 1] ?? '', name)) {
      if (value !== null) return TWICE;
      value = each;
    }
  }
  return found(value ?? '');
}

function queryToken(name: string, { query }: WireRequest): EmbeddedToken {
  const values = parameterValues(query, name);
  if (values.length > 1) return TWICE;
  const token = decodedOnce(values[0] ?? '');
  return token === null ? MALFORMED : found(token);
}

/** Offers are read where a WebSocket is asked for; elsewhere the field means nothing. */
function protocolToken(marker: string, wire: WireRequest): EmbeddedToken {
  if (!wire.webSocket) return NONE;
  const offered = offeredToken(fieldValue(wire, 'sec-websocket-protocol'), marker);
  return offered.kind === 'incomplete' ? MALFORMED : offered;
}

function found(token: string): EmbeddedToken {
  return token === '' ? NONE : { kind: 'token', token };
}
