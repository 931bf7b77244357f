/** `limits.failed_credentials`: how often a peer may show a credential that is no good. */
import { boolean, type Infer, key, object, orNone, rate } from './builder.ts';

const failedCredentials = object({
  per_peer: key(rate(), {
    doc:
      'How many failed credentials a peer has, and in which time as many come back: from `1/1s` to `1000000/24h`. A peer is the address of ' +
      'the client, IPv6 by /64; behind `trusted_proxies` it is the nearest address in `X-Forwarded-For` that is none of theirs ' +
      '(`forwarded: rfc7239` reads `Forwarded` instead, `both` where the first is absent, `none` neither). 10000 peers are remembered; ' +
      'of more, those with the most left go. A reload keeps what is used up while the rate stays.',
    default: '100/1m',
  }),
  aggregates: key(boolean(), {
    doc:
      'Whether those count, each as one peer, who speak for many callers and do not say for whom: unix sockets, and `trusted_proxies` ' +
      'without an address of their client. One caller with bad credentials then shuts out the others.',
    default: false,
  }),
});

/** The key of `limits`. It has no default, since what is written counts for loopback too. */
export const failedCredentialsKey = key(orNone(failedCredentials), {
  doc:
    'Budget of failed credentials for each peer. What was shown and is no good takes one; an absent credential, two at once, a 403, a 503 and a ' +
    'token that has merely expired take none. Once it is used up, credentials of the peer are answered 429 with `Retry-After` unjudged, but for ' +
    'tokens that were verified before and API keys, which nobody can guess; passwords and new tokens wait. ' +
    'While this key is not written, `100/1m` holds and connections from loopback do not count: they come from a proxy, or from you.',
  defaultText: '`{per_peer: 100/1m}`, but not for loopback',
  example: { per_peer: '100/1m', aggregates: false },
  live: true,
});

export type FailedCredentialsConfiguration = Infer<typeof failedCredentialsKey>;
