/** Warnings about what is declared: issuers that look alike, and things that nothing uses. */
import type { WarnedPolicy } from '../warnings.ts';
import { writtenIssuers } from '../written-issuers.ts';

/** Issuers are compared exactly, and providers differ in the final slash: the most common reason for 401. */
export function warnOfIssuerTwins({ policy, context }: WarnedPolicy): void {
  const values = policy.issuers.flatMap((entry) =>
    writtenIssuers(entry).map((issuer, index) => ({
      issuer,
      path: ['issuers', entry.name, 'issuer', index] as const,
    })),
  );
  const known = new Set(values.map(({ issuer }) => issuer));
  for (const { issuer, path } of values) {
    if (!issuer.endsWith('/') || !known.has(issuer.slice(0, -1))) continue;
    const message = `${issuer} and the same without the final slash are two issuers here; write only what tokens hold in "iss"`;
    context.warnings.report(path, 'issuer_slash', message);
  }
}

/** What no route names is probably forgotten on one. */
export function warnOfUnused({ policy, context }: WarnedPolicy): void {
  const upstreams = new Set(policy.routes.map((route) => route.upstream.name));
  for (const name of policy.upstreams.keys()) {
    if (upstreams.has(name)) continue;
    context.warnings.report(
      ['upstreams', name],
      'unused_upstream',
      `no route forwards to "${name}"; remove it, or name it`,
    );
  }
  const sources = new Set(policy.routes.flatMap((route) => route.accept.sources));
  const declared = [
    ...policy.issuers.map(({ name }) => ['issuers', name] as const),
    ...policy.apiKeySets.map(({ name }) => ['api_keys', name] as const),
    ...policy.userLists.map(({ name }) => ['basic', name] as const),
  ];
  for (const [block, name] of declared) {
    if (sources.has(name)) continue;
    const message = `no route accepts "${name}"; remove it, or write it in accept`;
    context.warnings.report([block, name], 'unused_source', message);
  }
}
