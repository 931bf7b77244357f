/**
 * Keeps answers that were given for a credential out of the hands of others: caches know only Authorization
 * for one (RFC 9111 section 3.5), so for every other place they are told (RFC 9110 section 16.4.2).
 */
import type { CredentialPlace } from '../credentials/credential.ts';

/** No shared cache may keep it for others, unless the upstream says something of its own. */
export function markPrivate(headers: string[], place: CredentialPlace): void {
  let caching = false;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === 'cache-control') caching = true;
  }
  if (!caching) headers.push('Cache-Control', 'private');
  if (place.in === 'header') headers.push('Vary', place.name);
  if (place.in === 'cookie') headers.push('Vary', 'Cookie');
}
