/** Tokens that name a key that does not exist, another one each time: each could make the gateway ask its provider. */
import type { Attack } from './attack.ts';
import { flood } from './flood.ts';
import { bearer, head } from './requests.ts';

export const unknownKeys: Attack = {
  name: 'unknown-keys',
  what: 'a new key id for each request',
  unit: 'requests',
  mostMebibytes: 100,
  mostDescriptors: 350,
  expects: ['401', '503'],
  begin: (target) => {
    let sent = 0;
    return flood(target, {
      connections: 300,
      next: () => {
        sent += 1;
        const token = target.tokens.forged('ES256', `guess-${sent}-${'k'.repeat(200)}`);
        return head('GET', '/api/order', bearer(token));
      },
    });
  },
};
