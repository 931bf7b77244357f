/** Header names that a policy cannot give a meaning of its own, because HTTP or this proxy already has one for them. */

import { DANGEROUS_HEADERS } from '../../wire/reserved-headers.ts';

const reserved = new Set(
  [
    // Framing and routing (RFC 9112, RFC 9110 section 7).
    'host connection content-length transfer-encoding te trailer upgrade keep-alive proxy-connection expect',
    'via forwarded x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-port x-forwarded-prefix',
    'x-forwarded-server x-request-id http2-settings max-forwards',
    // Credentials and challenges (RFC 9110 section 11, RFC 6265).
    'authorization proxy-authorization proxy-authenticate proxy-authentication-info www-authenticate',
    'authentication-info cookie set-cookie dpop dpop-nonce',
    // Representation, negotiation, conditions, ranges, caching (RFC 9110 sections 8, 12 to 14; RFC 9111).
    'content-type content-encoding content-language content-location content-range content-disposition',
    'accept accept-charset accept-encoding accept-language accept-ranges range if-range if-match if-none-match',
    'if-modified-since if-unmodified-since etag last-modified vary cache-control pragma age expires warning',
    // Message context (RFC 9110 sections 6.6, 10) and what browsers set.
    'date allow location retry-after server user-agent referer from origin upgrade-insecure-requests',
    'sec-websocket-key sec-websocket-version sec-websocket-protocol sec-websocket-extensions sec-websocket-accept',
    'sec-fetch-site sec-fetch-mode sec-fetch-dest sec-fetch-user access-control-request-method',
    'access-control-request-headers',
  ].flatMap((line) => line.split(' ')),
);

/** Whether HTTP itself, or a step of this proxy, uses the name. Compares folded names (`foldHeaderName`). */
export function isReservedHeader(folded: string): boolean {
  return reserved.has(folded) || DANGEROUS_HEADERS.has(folded);
}

/** A reserved name that begins so, or null. */
export function reservedWithPrefix(foldedPrefix: string): string | null {
  for (const name of reserved) if (name.startsWith(foldedPrefix)) return name;
  return null;
}
