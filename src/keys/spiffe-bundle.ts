/**
 * What is particular to key sets that are SPIFFE bundles (SPIFFE Trust Domain and Bundle section 4, JWT-SVID section 6):
 * each member says for which kind of document it is, and all but those for JWT-SVIDs are passed over.
 */
import type { JWK } from 'jose';

/** Why a member vouches for no JWT-SVID; null when it does. Other kinds of the same bundle are no fault of anybody. */
export function flawOfBundleMember({ use, kid }: JWK): string | null {
  if (use === 'x509-svid') return FOR_X509_SVIDS;
  // Without `use` it is for nothing (Bundle section 4.2.2): the kinds of document must not share keys.
  if (use !== 'jwt-svid') return 'not_for_jwt_svids';
  return kid === undefined || kid === '' ? 'kid_missing' : null;
}

/** The reason that is in nearly every bundle, and worth no line in the log. */
export const FOR_X509_SVIDS = 'for_x509_svids';

/** How long the publisher says that a bundle is fresh, in milliseconds (Bundle section 4.1.2); null when it does not say. */
export function refreshHintOf(bundle: Readonly<Record<string, unknown>>): number | null {
  const hint = bundle.spiffe_refresh_hint;
  return typeof hint === 'number' && Number.isSafeInteger(hint) && hint >= 0 ? hint * 1000 : null;
}
