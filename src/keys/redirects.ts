/**
 * Where a redirect of a key source leads, if it may be followed at all. A key source that sends us elsewhere could make
 * us ask inside our own network, or take keys from whoever holds the other address; so only the same scheme, host and
 * port count, and only where the policy says so. Pure.
 */
import type { IssuerPolicy } from '../policy/sources.ts';
import { FetchError } from './fetch-cause.ts';

/** Hops that are followed for one document. */
const MOST_HOPS = 2;

export interface Redirect {
  readonly status: number;
  /** As it came; null when there is none. */
  readonly location: string | null;
  /** The address that answered. */
  readonly from: string;
  /** Hops made already. */
  readonly hops: number;
  readonly policy: IssuerPolicy['redirects'];
}

/** Whether a status asks to look elsewhere (RFC 9110 section 15.4) with a method that stays GET. */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** The next address; throws a FetchError of the kind `redirect` that says where it led and what could be written. */
export function followRedirect(redirect: Redirect): string {
  const { status, location, from, hops, policy } = redirect;
  const refuse = (cause: string): FetchError =>
    new FetchError('redirect', `answered with status ${status}, which ${cause}`, status);
  // RFC 3986 has neither spaces nor backslashes, which URL parsers read as they like.
  if (location === null || location === '') throw refuse('redirects without saying where to');
  if (!/^[\x21-\x5b\x5d-\x7e]{1,2048}$/.test(location) || !URL.canParse(location, from))
    throw refuse('redirects to something that is no address');
  const target = new URL(location, from);
  if (target.origin !== new URL(from).origin || target.username !== '' || target.password !== '') {
    throw refuse(`redirects to ${placeOf(target)}; if that is right, write that address here`);
  }
  if (policy === 'none') {
    throw refuse(`redirects to ${target.origin}; write that address, or redirects: same_origin`);
  }
  if (hops >= MOST_HOPS) throw refuse(`is one redirect more than the ${MOST_HOPS} that are followed`);
  target.hash = '';
  return target.href;
}

/** Only the origin: what comes after it may be anything. */
function placeOf(target: URL): string {
  return target.origin === 'null' ? `a ${target.protocol} address` : target.origin;
}
