/** Where clients of a resource get tokens: `authorization_servers` of its metadata (RFC 9728 section 2). */

import { isLoopbackUrl } from '../../wire/loopback-url.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { Configuration } from '../schema/configuration.ts';
import { type CompileContext, hasProblem, reportUnknown } from './context.ts';
import { firstIssuers, ownIssuer } from './tenants.ts';

/**
 * The issuers' own identifiers: those that are named, or all that clients could look up. None at all is reported,
 * because the metadata would lead nowhere (and MCP demands one).
 */
export function authorizationServers(
  names: readonly string[] | undefined,
  resource: ConfigurationPath,
  configuration: Configuration,
  context: CompileContext,
): readonly string[] {
  const path = [...resource, 'authorization_servers'];
  if (names !== undefined) return named(names, path, configuration, context);
  // Who the tenants of a service are is its own affair, until it names the entry.
  const servers = [...configuration.issuers.values()].flatMap((issuer) => {
    const own = ownIssuer(issuer);
    return typeof own === 'string' && isServer(own) ? [own] : [];
  });
  if (servers.length === 0 && !isReported(path, context)) {
    const hasTenants = [...configuration.issuers.values()].some((issuer) => ownIssuer(issuer) === null);
    const message = hasTenants
      ? 'has no authorization server: an issuer of several tenants is published only when its entry is named, since that tells everybody who they are; write authorization_servers, or remove the resource'
      : 'has no authorization server: no issuer of this file is an https:// URL; add one, or remove the resource';
    context.problems.report(resource, 'no_authorization_server', message);
  }
  return [...new Set(servers)];
}

function named(
  names: readonly string[],
  path: ConfigurationPath,
  configuration: Configuration,
  context: CompileContext,
): readonly string[] {
  const servers = names.flatMap((name, index) => {
    const place = [...path, index];
    const issuer = configuration.issuers.get(name);
    if (issuer === undefined) {
      if (context.isWritten(['issuers', name]) || context.isMisspelt(['issuers'])) return [];
      const known = [...configuration.issuers.keys()];
      const message = `no issuer is called "${name}"`;
      reportUnknown(context.problems, place, 'unknown_source', { message, name, known });
      return [];
    }
    const own = firstIssuers(issuer);
    if (own === null) {
      const message = `"${name}" takes any tenant, so that clients cannot be told where to get a token; name another one, or list its tenants`;
      context.problems.report(place, 'invalid_authorization_server', message);
      return [];
    }
    if (own.every(isServer)) return own;
    const message = `"${name}" cannot be looked up by clients: its issuer is no https:// URL (RFC 8414 section 2); name another one`;
    context.problems.report(place, 'invalid_authorization_server', message);
    return [];
  });
  return [...new Set(servers)];
}

/** RFC 8414 section 2: https, without query and fragment; on this machine plain http will do. */
function isServer(issuer: string): boolean {
  if (!/^https?:\/\/[^\s?#{}\\@]+$/.test(issuer) || !URL.canParse(issuer)) return false;
  const url = new URL(issuer);
  return url.protocol === 'https:' || isLoopbackUrl(url);
}

/** Whether issuers, or the list, are wrong already, so that what is missing is no news. */
function isReported(path: ConfigurationPath, context: CompileContext): boolean {
  if (context.isWritten(path) || context.isMisspelt(path) || context.isMisspelt(['issuers'])) return true;
  return hasProblem(context, ['issuers']);
}
