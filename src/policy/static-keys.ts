/** Judges the keys that a policy holds itself by the same rules as fetched ones, so that a useless set never starts. */
import { type Admission, admitKeys } from '../keys/admit-key.ts';
import { speaksForEntry } from '../keys/key-issuer.ts';
import { admitCertificates, validityOfPem } from '../keys/pem-keys.ts';
import { FOR_X509_SVIDS } from '../keys/spiffe-bundle.ts';
import type { CompileContext } from './compile/context.ts';
import type { ConfigurationPath } from './problem.ts';
import type { IssuerPolicy, KeySource } from './sources.ts';

/**
 * Reports sets without one usable key, member by member, and warns of members that are left out of others.
 */
export async function checkStaticKeys(
  issuers: readonly IssuerPolicy[],
  context: CompileContext,
): Promise<void> {
  for (const issuer of issuers) {
    const { name, keys, algorithms } = issuer;
    if (keys.from !== 'static') continue;
    const admission = await admit(keys, issuer);
    if (admission === null) continue;
    // An empty bundle withdraws the keys of a trust domain: as a failure it would leave the old ones in force.
    const isUseless = admission.keys.length === 0 && issuer.profile !== 'spiffe';
    const list = isUseless ? context.problems : context.warnings;
    const place = ['issuers', name, keys.form];
    for (const { index, reason } of admission.ignored) {
      if (reason === FOR_X509_SVIDS) continue;
      const path = [...place, ...memberPlace(keys, index)];
      list.report(path, 'unusable_key', `this key cannot verify tokens: ${words(reason)}`);
    }
    if (keys.form === 'certificates') warnOfValidity(keys, place, context);
    if (admission.keys.length > 0) continue;
    const message = `has no key that could verify a token with ${algorithms.join(', ')}; write the public keys of the issuer`;
    list.report(place, 'no_usable_key', message);
  }
}

type StaticKeys = KeySource & { readonly from: 'static' };

async function admit({ form, document }: StaticKeys, issuer: IssuerPolicy): Promise<Admission | null> {
  const { algorithms, profile } = issuer;
  if (form === 'certificates') return admitCertificates(document, algorithms);
  const belongs = (keyIssuer: string): boolean => speaksForEntry(keyIssuer, issuer);
  return Array.isArray(document.keys) ? admitKeys(document.keys, algorithms, profile, belongs) : null;
}

function memberPlace({ form, document }: StaticKeys, index: number): ConfigurationPath {
  return form === 'jwks' ? ['keys', index] : [Object.keys(document)[index] ?? index];
}

/** The key works all the same, see pem-keys.ts; but nobody replaces one in a file by itself. */
function warnOfValidity({ document }: StaticKeys, place: ConfigurationPath, context: CompileContext): void {
  for (const [kid, pem] of Object.entries(document)) {
    const validity = validityOfPem(pem);
    if (validity === null || (validity.from <= context.now && context.now < validity.to)) continue;
    const message =
      'is a certificate outside of its validity period, and its key verifies tokens all the same; remove it, or write the present one';
    context.warnings.report([...place, kid], 'certificate_not_valid', message);
  }
}

/** Reasons are stable words for logs; here a person reads them. */
function words(reason: string): string {
  return reason.replaceAll('_', ' ');
}
