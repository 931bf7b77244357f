/** Warnings about protected resources: routes that never get a request, and resources that no route names. */
import { WELL_KNOWN } from '../../resource/metadata-address.ts';
import type { WarnedPolicy } from '../warnings.ts';

/** Warns of `resource_shadows_route` and `unused_resource`. */
export function warnOfResources({ policy, origins, context }: WarnedPolicy): void {
  if (policy.resources.length === 0) return;
  for (const route of policy.routes) {
    if (route.path !== WELL_KNOWN && !route.path.startsWith(`${WELL_KNOWN}/`)) continue;
    const message = `gets no request: what lies below ${WELL_KNOWN} is answered from resource and resources; remove it, or them`;
    context.warnings.report(['routes', origins.get(route) ?? 0, 'path'], 'resource_shadows_route', message);
  }
  const used = new Set([policy.unmatched.resource, ...policy.routes.map((route) => route.resource)]);
  for (const resource of policy.resources) {
    if (used.has(resource)) continue;
    const message = `no route names "${resource.name}", so that no challenge leads to it; remove it, or write resource: ${resource.name} on its routes`;
    context.warnings.report(['resources', resource.name], 'unused_resource', message);
  }
}
