/** Headers of every excess: too many fields, too large ones, and as much as is allowed. */
import type { Attack } from './attack.ts';
import { flood } from './flood.ts';
import { head } from './requests.ts';

const REQUESTS = [
  head('GET', '/api/order', ...Array<string>(101).fill('X: y')),
  head('GET', '/api/order', ...Array<string>(3000).fill('X:')),
  head('GET', '/api/order', `X: ${'y'.repeat(100_000)}`),
  head('GET', '/api/order', `${'X'.repeat(40_000)}: y`),
  head('GET', `/${'x'.repeat(8192)}`),
  head('GET', `/${'x/'.repeat(4000)}`),
  head('GET', '/api/order', ...Array<string>(90).fill(`X: ${'y'.repeat(300)}`)),
  head('GET', '/api/order', ...Array.from({ length: 90 }, (_, at) => `${at * 65_536}: y`)),
  head('GET', '/api/order', `Cookie: ${Array<string>(5000).fill('a=b').join('; ')}`),
];

export const headerFloods: Attack = {
  name: 'header-floods',
  what: 'too many fields, too large ones, all that is allowed',
  unit: 'requests',
  mostMebibytes: 100,
  mostDescriptors: 100,
  expects: ['431', '414', '401'],
  begin: (target) => {
    let sent = 0;
    return flood(target, {
      connections: 64,
      next: () => {
        sent += 1;
        return REQUESTS[sent % REQUESTS.length] ?? '';
      },
    });
  },
};
