/** `upstreams`: what is forwarded to. */
import { parseAuthority } from '../../wire/host.ts';
import type { ListenAddress, UpstreamPolicy, UpstreamTarget, UpstreamTls } from '../policy.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { Configuration } from '../schema/configuration.ts';
import type { UpstreamConfiguration } from '../schema/upstreams.ts';
import { parseCertificates, parsePrivateKey } from './certificates.ts';
import type { CompileContext } from './context.ts';
import { isHostName } from './grammar.ts';
import { leadsTo, parseUpstreamTarget } from './upstream-target.ts';

/**
 * Compiles the block by name; an upstream without a usable URL is left out.
 * @param own the addresses that we listen on: an upstream that is one of them is refused
 */
export function compileUpstreams(
  configuration: Configuration,
  own: readonly ListenAddress[],
  context: CompileContext,
): ReadonlyMap<string, UpstreamPolicy> {
  const upstreams = new Map<string, UpstreamPolicy>();
  for (const [name, upstream] of configuration.upstreams ?? []) {
    const path = ['upstreams', name];
    const targets = compileTargets(upstream, path, own, context);
    const tls = compileTls(upstream, path, targets, context);
    const host = compileHost(upstream.host, path, context);
    if (targets.length === 0) continue;
    upstreams.set(name, {
      name,
      targets,
      tls,
      host,
      connectTimeout: upstream.connect_timeout,
      responseTimeout: upstream.response_timeout,
      idleTimeout: upstream.idle_timeout,
      on401: upstream.on_401,
      pathCase: upstream.path_case ?? configuration.path_case,
    });
  }
  return upstreams;
}

function compileTargets(
  upstream: UpstreamConfiguration,
  path: ConfigurationPath,
  own: readonly ListenAddress[],
  context: CompileContext,
): readonly UpstreamTarget[] {
  const targets: UpstreamTarget[] = [];
  for (const [index, text] of (upstream.url ?? []).entries()) {
    const place = [...path, 'url', index];
    const target = parseUpstreamTarget(text);
    if (!target.ok) {
      context.problems.report(place, 'invalid_upstream_url', target.message);
      continue;
    }
    if (own.some((address) => leadsTo(target.value, address))) {
      const message =
        'is our own address, so that a request would go round for ever; write where the service listens';
      context.problems.report(place, 'upstream_is_self', message);
    }
    targets.push(target.value);
  }
  return targets;
}

function compileTls(
  upstream: UpstreamConfiguration,
  path: ConfigurationPath,
  targets: readonly UpstreamTarget[],
  context: CompileContext,
): UpstreamTls {
  const { ca_file: ca, cert_file: cert, key_file: key, server_name, insecure_skip_verify } = upstream.tls;
  const place = [...path, 'tls'];
  const isGiven = insecure_skip_verify || [ca, cert, key, server_name].some((value) => value !== undefined);
  if (isGiven && targets.length > 0 && !targets.some((target) => target.origin.startsWith('https:'))) {
    context.problems.report(
      place,
      'tls_without_https',
      'has no effect on this url; write https:// or remove tls',
    );
  }
  if (ca !== undefined) checkCertificates([...place, 'ca_file'], ca.text, context);
  if (server_name !== undefined && !isHostName(server_name)) {
    const message = 'must be a host name without port: servers are asked for names only (RFC 6066 section 3)';
    context.problems.report([...place, 'server_name'], 'invalid_host', message);
  }
  checkClientCertificate(place, cert?.text, key?.text, context);
  return {
    ca: ca?.text ?? null,
    cert: cert?.text ?? null,
    key: key?.text ?? null,
    serverName: server_name ?? null,
    insecureSkipVerify: insecure_skip_verify,
  };
}

/** Reports text without a readable certificate. Shared with the issuers' `ca_file`. */
export function checkCertificates(path: ConfigurationPath, text: string, context: CompileContext): void {
  const certificates = parseCertificates(text);
  if (!certificates.ok) context.problems.report(path, 'invalid_certificate', certificates.message);
}

function checkClientCertificate(
  place: ConfigurationPath,
  cert: string | undefined,
  key: string | undefined,
  context: CompileContext,
): void {
  if (cert === undefined && key === undefined) return;
  if (cert === undefined || key === undefined) {
    const missing = cert === undefined ? 'cert_file' : 'key_file';
    context.problems.report(
      place,
      'missing_key',
      `${missing} is missing: a certificate and its key go together`,
    );
    return;
  }
  const certificates = parseCertificates(cert);
  const privateKey = parsePrivateKey(key);
  if (!certificates.ok)
    context.problems.report([...place, 'cert_file'], 'invalid_certificate', certificates.message);
  if (!privateKey.ok)
    context.problems.report([...place, 'key_file'], 'invalid_private_key', privateKey.message);
  if (!certificates.ok || !privateKey.ok) return;
  if (certificates.value[0]?.checkPrivateKey(privateKey.value) !== true) {
    const message =
      'is not the key of the first certificate in cert_file; write the pair that belongs together';
    context.problems.report([...place, 'key_file'], 'key_mismatch', message);
  }
}

function compileHost(text: string, path: ConfigurationPath, context: CompileContext): UpstreamPolicy['host'] {
  if (text === 'client' || text === 'upstream') return text;
  if (parseAuthority(text) === null) {
    const message = `"${text}" must be client, upstream, or HOST or HOST:PORT to send`;
    context.problems.report([...path, 'host'], 'invalid_host', message);
  }
  return { literal: text };
}
