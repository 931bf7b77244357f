/**
 * Bound service account tokens of Kubernetes (projected volumes, TokenRequest). Refuses tokens whose `sub` does not
 * name the account that they hold, and those of the old kind, which lie in Secrets, have no account object and never end.
 */
import type { JsonObject, JsonValue } from '../../credentials/credential.ts';
import { type ClaimFlaw, flaw } from '../claim-flaw.ts';
import { isJsonObject } from '../strict-json.ts';
import { checkOneOf, type Profile, plainProfile } from './profile.ts';

/** `profile: kubernetes`. */
export const kubernetes: Profile = {
  ...plainProfile,
  checkType: ({ typ }) => checkOneOf(typ, ['jwt']),
  checkClaims: (_, claims) => checkServiceAccount(claims),
};

/** Names of namespaces and accounts (RFC 1123): no colon, so that `sub` can be read in one way only. */
const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

function checkServiceAccount(claims: JsonObject): ClaimFlaw | null {
  const held = claims['kubernetes.io'];
  if (held === undefined) return flaw('claim_missing', { expected: 'kubernetes.io' });
  if (!isJsonObject(held) || !isJsonObject(held.serviceaccount)) return MALFORMED;
  const { namespace, serviceaccount } = held;
  if (!isName(namespace) || !isName(serviceaccount.name)) return MALFORMED;
  const subject = `system:serviceaccount:${namespace}:${serviceaccount.name}`;
  return claims.sub === subject
    ? null
    : flaw('service_account_mismatch', { expected: 'sub of kubernetes.io' });
}

const MALFORMED = flaw('service_account_malformed', {
  expected: 'namespace and serviceaccount.name in kubernetes.io',
});

function isName(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && NAME.test(value);
}
