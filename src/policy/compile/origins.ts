/**
 * Origins that an operator names, as browsers serialise them in the Origin header (RFC 6454 section 6.2). Takes
 * that one spelling only, since origins are compared as text: another one would never match. Refuses wildcards
 * and `null`, which is what every sandboxed page calls itself.
 */
import { parseAuthority } from '../../wire/host.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { CompileContext } from './context.ts';

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;

/** Checks a list of origins. What is wrong is reported and left out. */
export function compileOrigins(
  written: readonly string[],
  path: ConfigurationPath,
  context: CompileContext,
): ReadonlySet<string> {
  const origins = new Set<string>();
  for (const [index, text] of written.entries()) {
    const message = checkOrigin(text);
    const place = [...path, index];
    if (message !== null) context.problems.report(place, 'invalid_origin', message);
    else if (origins.has(text)) {
      context.problems.report(place, 'duplicate_origin', `"${text}" is in this list already; remove it`);
    } else origins.add(text);
  }
  return origins;
}

/** Null for a serialised origin; else what is wrong, with the right spelling where there is one. */
export function checkOrigin(text: string): string | null {
  if (text === 'null')
    return '"null" is what every sandboxed page and local file sends; name an origin of yours';
  if (text.includes('*')) return 'a wildcard is no origin; write each one, e.g. https://app.example.com';
  if (!SCHEME.test(text)) return withoutScheme(text);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) return notAnOrigin(text);
  // A page is never loaded by these two; the handshake names the page.
  const page =
    url.protocol === 'ws:' || url.protocol === 'wss:' ? `http${url.protocol.slice(2)}` : url.protocol;
  const spelling = `${page}//${hostOf(page, url)}`;
  if (parseAuthority(spelling.slice(page.length + 2)) === null) return notAnOrigin(text);
  return spelling === text ? null : `is not as browsers send it; write ${spelling}`;
}

/** Without the default port of the scheme that counts, and lower-case also where the scheme leaves hosts alone. */
function hostOf(page: string, url: URL): string {
  const isWeb = page === 'http:' || page === 'https:';
  return isWeb ? new URL(`${page}//${url.host}`).host : url.host.toLowerCase();
}

function withoutScheme(text: string): string {
  const isHost = parseAuthority(text) !== null;
  return isHost ? `lacks its scheme; write https://${text.toLowerCase()} or http://...` : notAnOrigin(text);
}

function notAnOrigin(text: string): string {
  const shown = text.includes('@') ? 'this' : `"${text}"`;
  return `${shown} is not an origin; write scheme://host or scheme://host:port, e.g. https://app.example.com`;
}
