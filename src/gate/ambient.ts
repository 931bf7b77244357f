/**
 * Credentials that browsers send by themselves (cookies, Basic) prove who the user is, not that the user wanted
 * this request, since every page can cause one. Requests that may change something need a sign of their origin too, and
 * only browsers' own fields are one, which no page can set. Refuses what says nothing, and what says two things.
 */
import type { CredentialPlace } from '../credentials/credential.ts';
import type { Policy, Route } from '../policy/policy.ts';
import type { Forbidden } from '../refusals/refusal.ts';
import { onlyValue } from '../wire/header-grammar.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/** How the credential of an authenticated caller came. */
export interface Carried {
  readonly place: CredentialPlace;
  /** Of the Basic scheme, which browsers repeat unasked. */
  readonly isPassword: boolean;
}

type Origins = Pick<Policy, 'publicUrl' | 'csrfOrigins'>;

const SITE = 'sec-fetch-site';
const ORIGIN = 'origin';

/** Null where the request may use its credential. */
export function checkAmbient(
  carried: Carried,
  wire: WireRequest,
  policy: Origins,
  route: Pick<Route, 'webSocket'>,
): Forbidden | null {
  if (carried.place.in !== 'cookie' && !carried.isPassword) return null;
  if (isHarmless(wire, route)) return null;
  return checkOrigin(wire, policy);
}

function checkOrigin(wire: WireRequest, policy: Origins): Forbidden | null {
  // Nobody knows which of two lines the browser wrote; the guard refuses them too.
  if (isRepeated(wire, SITE) || isRepeated(wire, ORIGIN)) return forbidden('ambient_origin_repeated', policy);
  const site = onlyValue(wire, SITE);
  const origin = onlyValue(wire, ORIGIN);
  if (site === 'same-origin' || site === 'none') return null;
  // Browsers send Sec-Fetch-Site with every request from another origin: the list would be useless if that counted.
  if (origin !== null && policy.csrfOrigins.has(origin)) return null;
  if (site !== null) return forbidden('cross_site_ambient', policy, siteForLog(site));
  if (origin === null) return forbidden('ambient_origin_missing', policy);
  return origin === policy.publicUrl ? null : forbidden('cross_site_ambient', policy, 'another origin');
}

/**
 * Pages cannot read what a safe method answers (RFC 9110 section 9.2.1). What comes through a WebSocket they
 * can, since the same-origin policy does not bind it (RFC 6455 section 10.2).
 */
function isHarmless(wire: WireRequest, route: Pick<Route, 'webSocket'>): boolean {
  const { method } = wire;
  if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') return false;
  return !(wire.webSocket && route.webSocket);
}

function isRepeated({ headerNames }: WireRequest, name: string): boolean {
  return headerNames.indexOf(name) !== headerNames.lastIndexOf(name);
}

/** What the caller sent is repeated only where it is one of the words of the specification. */
function siteForLog(site: string): string {
  return site === 'cross-site' || site === 'same-site' ? site : 'another Sec-Fetch-Site';
}

function forbidden(reason: string, { publicUrl, csrfOrigins }: Origins, got?: string): Forbidden {
  const known = [...(publicUrl === null ? [] : [publicUrl]), ...csrfOrigins];
  const expected = known.length === 0 ? 'same-origin' : known.join(' ');
  return { kind: 'forbidden', reason, detail: { expected, ...(got !== undefined && { got }) } };
}
