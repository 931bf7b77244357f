/** Every switch that gives up a check is named at each start, so that none is forgotten. */
import type { WarnedPolicy } from '../warnings.ts';
import { isGiven } from './no-effect.ts';

/** Warns with the switch's own name as code. */
export function warnOfInsecureSwitches({ policy, context }: WarnedPolicy): void {
  const { warnings } = context;
  for (const { name, audience, insecureHttp, unknownCnf, acceptIdTokens, tenants, keys } of policy.issuers) {
    const path = ['issuers', name];
    if ('insecureAny' in audience) {
      const message = 'takes tokens that were made for other services; name the audience of this one';
      warnings.report([...path, 'audience', 'insecure_any'], 'insecure_any', message);
    }
    if (tenants?.anyOf === null) {
      const message =
        'takes tokens of any tenant: whoever opens an account with the provider is a caller; list the tenants, or ask for more than a good token on every route';
      warnings.report([...path, 'tenants', 'insecure_any'], 'insecure_any', message);
    }
    if (insecureHttp && !isGiven(keys)) {
      const message = 'keys may come over plain http: whoever is on the way can make tokens; use https://';
      warnings.report([...path, 'insecure_http'], 'insecure_http', message);
    }
    // Google and Firebase give APIs nothing else, and their presets say so.
    if (acceptIdTokens && context.isWritten([...path, 'accept_id_tokens'])) {
      const message =
        'takes ID tokens, which tell a client who logged in and allow nothing at an API; have callers send access tokens';
      warnings.report([...path, 'accept_id_tokens'], 'accept_id_tokens', message);
    }
    if (unknownCnf === 'insecure_ignore') {
      const message =
        'takes tokens that are bound to a key without asking for that key: a stolen one works too';
      warnings.report([...path, 'unknown_cnf'], 'insecure_ignore', message);
    }
  }
  for (const { name, tls } of policy.upstreams.values()) {
    if (!tls.insecureSkipVerify) continue;
    const message =
      'takes any certificate: whoever is on the way can read and change everything; write ca_file';
    warnings.report(['upstreams', name, 'tls', 'insecure_skip_verify'], 'insecure_skip_verify', message);
  }
}
