/** `resource` and `resources`: protected resources (RFC 9728) and their documents, made here once and for all. */
import { createHash } from 'node:crypto';
import type { ResourcePolicy } from '../policy.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { Configuration } from '../schema/configuration.ts';
import type { ResourceConfiguration } from '../schema/resources.ts';
import type { RouteConfiguration } from '../schema/routes.ts';
import { checkAskedScopes } from './asked-scopes.ts';
import { authorizationServers } from './authorization-servers.ts';
import { type CompileContext, reportUnknown } from './context.ts';
import { parseResourceIdentifier, type ResourceIdentifier } from './resource-identifier.ts';

/** Name of the resource that `resource` describes. */
const DEFAULT = 'default';

/** What routes refer to. */
export interface CompiledResources {
  readonly all: readonly ResourcePolicy[];
  /** That of routes that name none, and of paths where no route is. */
  readonly byDefault: ResourcePolicy | null;
  /** That of a route; a name that is not known is reported. */
  resolve(route: RouteConfiguration, path: ConfigurationPath): ResourcePolicy | null;
}

/** Compiles both blocks; a resource that is wrong is reported and left out. */
export function compileResources(
  configuration: Configuration,
  publicUrl: string | null,
  context: CompileContext,
): CompiledResources {
  const written = gather(configuration, context);
  const compiled = new Map<string, ResourcePolicy>();
  for (const [name, { resource, path }] of written) {
    const identifier = compileIdentifier(resource.identifier, publicUrl, [...path, 'identifier'], context);
    const document = describe(name, { resource, path }, configuration, context);
    if (identifier === null) continue;
    const policy = resourcePolicy(name, identifier, { resource: identifier.text, ...document }, resource);
    checkTwin(policy, [...compiled.values()], path, context);
    compiled.set(name, policy);
  }
  const byDefault = compiled.get(DEFAULT) ?? null;
  return {
    all: [...compiled.values()],
    byDefault,
    resolve(route, path) {
      const name = nameFor(route, path, context);
      if (name === null) return null;
      const place = [...path, 'resource'];
      if (!written.has(name) && context.isWritten(place) && !context.isMisspelt(['resources'])) {
        const message = `no resource is called "${name}"`;
        reportUnknown(context.problems, place, 'unknown_resource', {
          message,
          name,
          known: [...written.keys()],
        });
      }
      return compiled.get(name) ?? null;
    },
  };
}

interface WrittenResource {
  readonly resource: ResourceConfiguration;
  readonly path: ConfigurationPath;
}

function gather(configuration: Configuration, context: CompileContext): ReadonlyMap<string, WrittenResource> {
  const { resource, resources } = configuration;
  const written = new Map<string, WrittenResource>();
  if (resource != null) written.set(DEFAULT, { resource, path: ['resource'] });
  for (const [name, further] of resources) {
    if (name === DEFAULT) {
      const message =
        '"default" is the name of the one in resource; write it there, or give this another name';
      context.problems.report(['resources', name], 'duplicate_resource', message);
      continue;
    }
    written.set(name, { resource: further, path: ['resources', name] });
  }
  return written;
}

/** Null for `resource: none`, which the merging of `defaults` leaves as undefined. */
function nameFor(
  route: RouteConfiguration,
  path: ConfigurationPath,
  { isWritten }: CompileContext,
): string | null {
  return route.resource ?? (isWritten([...path, 'resource']) ? null : DEFAULT);
}

function compileIdentifier(
  text: string | undefined,
  publicUrl: string | null,
  path: ConfigurationPath,
  context: CompileContext,
): ResourceIdentifier | null {
  if (text === undefined) return null;
  const identifier = parseResourceIdentifier(text);
  if (!identifier.ok) {
    context.problems.report(path, 'invalid_identifier', identifier.message);
    return null;
  }
  if (publicUrl !== null && identifier.value.origin !== publicUrl) {
    const message = `does not lie under public_url, so that its metadata would be asked for elsewhere; begin with ${publicUrl}`;
    context.problems.report(path, 'identifier_elsewhere', message);
  }
  return identifier.value;
}

/** All members but `resource`. Without a value a member is left out (RFC 9728 section 3.2). */
function describe(
  name: string,
  { resource, path }: WrittenResource,
  configuration: Configuration,
  context: CompileContext,
): Readonly<Record<string, unknown>> {
  checkAskedScopes(resource.scopes_supported, [...path, 'scopes_supported'], context);
  checkDocumentation(resource.documentation, [...path, 'documentation'], context);
  const members = {
    authorization_servers: authorizationServers(resource.authorization_servers, path, configuration, context),
    scopes_supported: [...new Set(resource.scopes_supported)],
    bearer_methods_supported: bearerMethods(name, configuration, context),
    resource_name: resource.name ?? [],
    resource_documentation: resource.documentation ?? [],
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value.length > 0));
}

/** Where a bearer token may lie (RFC 6750 section 2), as far as the routes of this resource read it there. */
function bearerMethods(
  name: string,
  configuration: Configuration,
  context: CompileContext,
): readonly string[] {
  const routes = configuration.routes.filter(
    (route, index) => route.auth !== 'none' && nameFor(route, ['routes', index], context) === name,
  );
  const places = routes.flatMap((route) => route.token_sources ?? configuration.token_sources ?? []);
  if (name === DEFAULT) places.push(...(configuration.token_sources ?? []));
  // Under another name it is not the method of RFC 6750 section 2.3, and no client would find it.
  const inQuery = places.some((place) => typeof place !== 'string' && place.query === 'access_token');
  return [...(places.includes('authorization') ? ['header'] : []), ...(inQuery ? ['query'] : [])];
}

function checkDocumentation(
  text: string | undefined,
  path: ConfigurationPath,
  context: CompileContext,
): void {
  if (text === undefined || (/^https?:\/\/\S+$/.test(text) && URL.canParse(text))) return;
  const message = 'must be the URL of a page, e.g. https://docs.example.com/orders';
  context.problems.report(path, 'invalid_url', message);
}

/** Two documents at one address: clients would get one of them for both. Requests are not told apart by port. */
function checkTwin(
  policy: ResourcePolicy,
  others: readonly ResourcePolicy[],
  path: ConfigurationPath,
  context: CompileContext,
): void {
  const addressOf = (each: ResourcePolicy) => `${each.host}${each.metadataPath}${each.metadataQuery}`;
  const twin = others.find((other) => addressOf(other) === addressOf(policy));
  if (twin === undefined) return;
  const message = `has its metadata where "${twin.name}" has it (${twin.metadataUrl}); write identifiers that differ in host or path`;
  context.problems.report([...path, 'identifier'], 'duplicate_identifier', message);
}

function resourcePolicy(
  name: string,
  { text, host, metadata }: ResourceIdentifier,
  members: Readonly<Record<string, unknown>>,
  { scope_in_challenge }: ResourceConfiguration,
): ResourcePolicy {
  const document = JSON.stringify(members);
  return {
    name,
    identifier: text,
    metadataUrl: metadata.url,
    host,
    metadataPath: metadata.path,
    metadataQuery: metadata.query,
    document,
    etag: `"${createHash('sha256').update(document).digest('base64url').slice(0, 22)}"`,
    scopeInChallenge: scope_in_challenge,
  };
}
