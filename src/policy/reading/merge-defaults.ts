/** Puts what the file says for many where it belongs: `upstream` among `upstreams`, `defaults` under each route. */

import type { Configuration, WrittenConfiguration } from '../schema/configuration.ts';
import type { Key } from '../schema/node.ts';
import { type RouteConfiguration, sharedRouteKeys } from '../schema/routes.ts';
import type { CheckValue } from './check-context.ts';
import { defaultOf } from './check-mapping.ts';

type Values = Readonly<Record<string, unknown>> & { readonly auth?: unknown };

const INHERITED_KEYS = Object.entries<Key>(sharedRouteKeys).filter(([, key]) => key.inherited === true);

/** A public route asks nothing of its callers, so what `defaults` asks of them does not come down to it. */
const NOT_FOR_PUBLIC_ROUTES: ReadonlySet<string> = new Set(['accept', 'audience', 'require']);

/** The configuration that the compiler reads. */
export function mergeDefaults(written: WrittenConfiguration, check: CheckValue): Configuration {
  const { upstream, defaults, routes, upstreams, ...rest } = written;
  const merged = (routes ?? []).map((route) => mergeRoute(route, defaults, check));
  return {
    ...rest,
    upstreams: upstream === undefined ? upstreams : new Map([['default', upstream], ...upstreams]),
    routes: merged,
  };
}

function mergeRoute(
  route: Values,
  defaults: Readonly<Record<string, unknown>>,
  check: CheckValue,
): RouteConfiguration {
  const merged: Record<string, unknown> = { ...route };
  for (const [name, key] of INHERITED_KEYS) {
    const inherits = !(route.auth === 'none' && NOT_FOR_PUBLIC_ROUTES.has(name));
    const value = route[name] !== undefined || !inherits ? route[name] : defaults[name];
    merged[name] = value ?? defaultOf(key, check);
  }
  return merged as RouteConfiguration;
}
