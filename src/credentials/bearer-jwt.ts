/** Bearer tokens of every issuer in the policy (RFC 6750, RFC 9068), each judged by its own issuer's keys only. */
import { describeStatus } from '../keys/describe-status.ts';
import type { KeySetStatus } from '../keys/key-set-status.ts';
import { JwtVerifier } from '../tokens/verify-jwt.ts';
import type { CredentialKind, SourceReadiness } from './kind.ts';

/** Issuers whose key source did not change share their keys with the policy before. */
export const bearerJwt: CredentialKind = (policy, { keySets, now }) => {
  const issuers = policy.issuers.map((issuer) => ({ policy: issuer, keySet: keySets.acquire(issuer) }));
  const verifier = new JwtVerifier({ issuers, tokenBytes: policy.limits.tokenBytes, now });
  return {
    family: 'token',
    verify: (credential, accept, moment, caller) => verifier.verify(credential, accept, moment, caller),
    recognise: (credential, accept, moment) => verifier.recognise(credential, accept, moment),
    start: () => {
      for (const { keySet } of issuers) if (!keySet.status(now()).ready) keySet.start();
    },
    refreshKeys: () => Promise.all(issuers.map(({ keySet }) => keySet.refreshNow())),
    readiness: (moment) => issuers.map(({ keySet }) => describe(keySet.status(moment), moment)),
    close: () => {
      for (const { keySet } of issuers.splice(0)) keySets.release(keySet);
    },
  };
};

function describe(status: KeySetStatus, now: number): SourceReadiness {
  return { name: status.name, ready: status.ready, detail: describeStatus(status, now) };
}
