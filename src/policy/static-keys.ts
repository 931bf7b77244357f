/** Judges the keys that a policy holds itself by the same rules as fetched ones, so that a useless set never starts. */
import { type IgnoredMember, NOT_FOR_SIGNATURES } from '../keys/admit-key.ts';
import { admitDocument, NO_USABLE_KEY } from '../keys/load-keys.ts';
import { validityOfPem } from '../keys/pem-keys.ts';
import { FOR_X509_SVIDS } from '../keys/spiffe-bundle.ts';
import { isJsonObject } from '../tokens/strict-json.ts';
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
    const loaded = await admitDocument(keys.document, null, issuer);
    const list = loaded.ok ? context.warnings : context.problems;
    const place = ['issuers', name, keys.form];
    for (const { index, reason } of loaded.ignored.filter((member) => !isForOtherUse(member, keys))) {
      const path = [...place, ...memberPlace(keys, index)];
      list.report(path, 'unusable_key', `this key cannot verify tokens: ${words(reason)}`);
    }
    if (keys.form === 'certificates') warnOfValidity(keys, place, context);
    if (loaded.ok && loaded.keys.length > 0) continue;
    if (!loaded.ok && loaded.cause !== NO_USABLE_KEY) {
      list.report(place, 'unusable_keys', loaded.cause);
      continue;
    }
    // An empty bundle is no failure: it withdraws the keys of its trust domain.
    const message = `has no key that could verify a token with ${algorithms.join(', ')}; write the public keys of the issuer`;
    list.report(place, 'no_usable_key', message);
  }
}

/** Such members stand beside the others in the sets of many providers: what is left is said if none is usable. */
function isForOtherUse({ index, reason }: IgnoredMember, { document }: StaticKeys): boolean {
  if (reason === FOR_X509_SVIDS) return true;
  const member = Array.isArray(document.keys) ? document.keys[index] : undefined;
  return reason === NOT_FOR_SIGNATURES && isJsonObject(member) && member.use === 'enc';
}

type StaticKeys = KeySource & { readonly from: 'static' };

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
