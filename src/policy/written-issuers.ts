/** The issuers of an entry as its file has them, for messages: templates are not written out. */
import type { IssuerPolicy } from './sources.ts';

/** In the order of `issuer`. */
export function writtenIssuers({
  issuers,
  tenants,
}: Pick<IssuerPolicy, 'issuers' | 'tenants'>): readonly string[] {
  return tenants?.templates ?? issuers;
}
