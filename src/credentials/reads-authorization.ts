/** Whether the Authorization field counts where these credentials do: asked when it is read, forwarded, and told to caches. */
import type { AcceptPolicy } from '../policy/policy.ts';

/** Bearer tokens of issuers are looked for there. */
export function readsTokensInAuthorization({ issuers, tokenSources }: AcceptPolicy): boolean {
  return issuers.length > 0 && tokenSources.some((source) => source.in === 'authorization');
}

/** Keys are accepted as Bearer values too, also where tokens lie in another place. */
export function readsBearer(accept: AcceptPolicy): boolean {
  return accept.apiKeySets.length > 0 || readsTokensInAuthorization(accept);
}

/** Any scheme of it. */
export function readsAuthorization(accept: AcceptPolicy): boolean {
  return accept.userLists.length > 0 || readsBearer(accept);
}
