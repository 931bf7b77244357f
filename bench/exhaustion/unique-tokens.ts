/** Tokens that nobody has seen, each of which has to be judged: good ones fill what is remembered, bad ones cost a signature. */
import type { Attack, Target } from './attack.ts';
import { flood } from './flood.ts';
import { bearer, head } from './requests.ts';
import type { Algorithm } from './tokens.ts';

const CONNECTIONS = 64;

const good = (algorithm: Algorithm): Attack => ({
  name: `good-tokens-${algorithm.toLowerCase()}`,
  what: `a new good token for each request, ${algorithm}`,
  unit: 'requests',
  mostMebibytes: 140,
  mostDescriptors: 200,
  expects: ['200'],
  begin: (target) => {
    // Signing is slow: it is done before.
    const tokens = Array.from({ length: Math.ceil(target.rate * target.seconds) }, () =>
      target.tokens.good(algorithm),
    );
    let sent = 0;
    return flood(target, {
      connections: CONNECTIONS,
      next: () => {
        const token = tokens[sent % tokens.length] ?? '';
        sent += 1;
        return head('GET', '/api/order', bearer(token));
      },
    });
  },
});

const forged = (algorithm: Algorithm): Attack => ({
  name: `forged-tokens-${algorithm.toLowerCase()}`,
  what: `a new token for each request, signed by nobody, ${algorithm}`,
  unit: 'requests',
  mostMebibytes: 100,
  mostDescriptors: 100,
  expects: ['401'],
  begin: (target) => floodOfForged(target, algorithm),
});

/** Each of these is refused unjudged once the peer's budget is used up. */
const forgedWithBudget: Attack = {
  ...forged('RS256'),
  name: 'forged-tokens-budget',
  what: 'the same, RS256, with limits.failed_credentials',
  failedCredentials: '{per_peer: 100/1m}',
  expects: ['401', '429'],
};

function floodOfForged(target: Target, algorithm: Algorithm): ReturnType<Attack['begin']> {
  return flood(target, {
    connections: CONNECTIONS,
    next: () => head('GET', '/api/order', bearer(target.tokens.forged(algorithm))),
  });
}

export const uniqueTokens: readonly Attack[] = [
  good('RS256'),
  good('ES256'),
  forged('RS256'),
  forged('ES256'),
  forgedWithBudget,
];
