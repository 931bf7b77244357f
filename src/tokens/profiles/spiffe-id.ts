/**
 * SPIFFE IDs (SPIFFE-ID sections 2.1 to 2.3), read in the one way that allows no two spellings: no percent-encoding,
 * no upper case in the trust domain, no empty or dotted segment, no port, query, fragment or final slash.
 */

/** Bytes of a whole ID, which is ASCII throughout (section 2.3). */
const LONGEST = 2048;
const TRUST_DOMAIN = /^spiffe:\/\/[a-z0-9._-]{1,255}$/;
/** A workload has a path; the bare trust domain is the name of the domain itself. */
const WORKLOAD = /^(spiffe:\/\/[a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/;

/** Whether a text names a trust domain, as `spiffe://example.org`, and nothing in it. */
export function isTrustDomain(text: string): boolean {
  return TRUST_DOMAIN.test(text);
}

/** The trust domain of a workload's ID, as `spiffe://example.org`; null when it is no such ID. */
export function trustDomainOf(id: string): string | null {
  if (id.length > LONGEST) return null;
  const [, domain = '', path = ''] = WORKLOAD.exec(id) ?? [];
  const isDotted = path.split('/').some((segment) => segment === '.' || segment === '..');
  return domain === '' || isDotted ? null : domain;
}
