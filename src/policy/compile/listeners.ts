/** Where we listen, and whom we believe about clients: `listen`, `admin`, `public_url`, `trusted_proxies`. */
import { createHash } from 'node:crypto';
import type { BlockList } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { AdminPolicy, ListenAddress } from '../policy.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { Configuration } from '../schema/configuration.ts';
import type { CompileContext } from './context.ts';
import { isHostName } from './grammar.ts';
import { parseListenAddress } from './listen-address.ts';
import { type Network, networkList, parseNetwork } from './trusted-proxies.ts';

export interface Listeners {
  readonly listen: readonly ListenAddress[];
  readonly admin: AdminPolicy | null;
  readonly publicUrl: string | null;
  readonly trustedProxies: BlockList;
}

/** Compiles the block; what is wrong is reported and left out. */
export function compileListeners(configuration: Configuration, context: CompileContext): Listeners {
  const listen: ListenAddress[] = [];
  for (const [index, { address }] of (configuration.listen ?? []).entries()) {
    const compiled = compileAddress(address, ['listen', index, 'address'], listen, context);
    if (compiled !== null) listen.push(compiled);
  }
  return {
    listen,
    admin: compileAdmin(configuration, listen, context),
    publicUrl: compilePublicUrl(configuration.public_url, context),
    trustedProxies: compileTrustedProxies(configuration, context),
  };
}

function compileAddress(
  text: string | undefined,
  path: ConfigurationPath,
  taken: readonly ListenAddress[],
  context: CompileContext,
): ListenAddress | null {
  if (text === undefined) return null;
  const address = parseListenAddress(text);
  if (!address.ok) {
    context.problems.report(path, 'invalid_address', address.message);
    return null;
  }
  const { value } = address;
  // Port 0 is another port each time.
  const fixed = value.kind === 'unix' || value.port !== 0;
  if (fixed && taken.some((other) => isDeepStrictEqual(other, value))) {
    context.problems.report(
      path,
      'duplicate_address',
      `"${text}" is listened on already; write another address`,
    );
  }
  return value;
}

function compileAdmin(
  configuration: Configuration,
  listen: readonly ListenAddress[],
  context: CompileContext,
): AdminPolicy | null {
  const { admin } = configuration;
  if (admin === null || admin === undefined) return null;
  const address = compileAddress(admin.address, ['admin', 'address'], listen, context);
  const hosts = (admin.hosts ?? []).map((host) => host.toLowerCase());
  for (const [index, host] of hosts.entries()) {
    if (isHostName(host)) continue;
    const message = `"${host}" is not a host name; write it without scheme and port`;
    context.problems.report(['admin', 'hosts', index], 'invalid_host', message);
  }
  const token = admin.token ?? null;
  // RFC 6750 section 2.1: what no client could send as a bearer token would lock everybody out.
  if (token !== null && !/^[A-Za-z0-9._~+/-]+=*$/.test(token)) {
    const message = 'must be letters, digits and "-._~+/", at the end "=" (RFC 6750 section 2.1)';
    context.problems.report(['admin', 'token'], 'invalid_token', message);
  }
  if (address === null) return null;
  return { address, hosts, tokenHash: token === null ? null : createHash('sha256').update(token).digest() };
}

/** An origin alone: it is compared with `Origin`, and a path before ours belongs to the proxy that adds it. */
function compilePublicUrl(text: string | undefined, context: CompileContext): string | null {
  if (text === undefined) return null;
  const url = /^https?:\/\/[^\s\\?#@]+$/i.test(text) && URL.canParse(text) ? new URL(text) : null;
  if (url !== null && url.pathname === '/') return url.origin;
  const message =
    'must be a scheme and a host alone, e.g. https://api.example.com: no path, query or user name';
  context.problems.report(['public_url'], 'invalid_url', message);
  return null;
}

function compileTrustedProxies(configuration: Configuration, context: CompileContext): BlockList {
  const networks: Network[] = [];
  for (const [index, text] of (configuration.trusted_proxies ?? []).entries()) {
    const network = parseNetwork(text);
    if (network.ok) networks.push(network.value);
    else context.problems.report(['trusted_proxies', index], 'invalid_network', network.message);
  }
  return networkList(networks);
}
