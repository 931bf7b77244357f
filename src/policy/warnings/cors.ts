/** Warns where pages are let in and could never bring what is asked of them. */
import type { Route } from '../policy.ts';
import type { WarnedPolicy } from '../warnings.ts';

/**
 * Warns of `cors_without_credential`: whoever writes `cors.headers` replaces its default, and a browser then
 * refuses the request before we see it, with a word for the developer of the page only.
 */
export function warnOfCors({ policy, origins, context }: WarnedPolicy): void {
  for (const route of policy.routes) {
    const names = credentialHeaders(route);
    if (route.cors === null || route.auth !== 'required' || names === null) continue;
    const allowed = new Set(route.cors.headers.map((name) => name.toLowerCase()));
    if (names.some((name) => allowed.has(name))) continue;
    const message = `lets pages send no header in which a credential may lie here; add ${names.join(' or ')}`;
    const index = origins.get(route) ?? 0;
    const own = ['routes', index, 'cors', 'headers'];
    const path = context.isWritten(own) ? own : ['cors', 'headers'];
    context.warnings.report(path, 'cors_without_credential', message);
  }
}

/** Lower-case; null when a credential may come without a header of the page's own. */
function credentialHeaders({ accept }: Route): readonly string[] | null {
  const { tokenSources, keyHeaders, apiKeySets, userLists } = accept;
  if (tokenSources.some(({ in: place }) => place !== 'authorization' && place !== 'header')) return null;
  const named = tokenSources.flatMap((source) => (source.in === 'header' ? [source.name] : []));
  // Keys are accepted as Bearer values too, and Basic has no other place.
  const usesAuthorization =
    tokenSources.some((source) => source.in === 'authorization') ||
    apiKeySets.length > 0 ||
    userLists.length > 0;
  const names = [...(usesAuthorization ? ['authorization'] : []), ...named, ...keyHeaders];
  return names.length === 0 ? null : names.map((name) => name.toLowerCase());
}
