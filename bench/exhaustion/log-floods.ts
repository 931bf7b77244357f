/** Lines of log that nobody reads: what does not fit is lost, and counted. */
import type { Attack } from './attack.ts';
import { flood } from './flood.ts';
import { head } from './requests.ts';

export const logFloods: Attack = {
  name: 'log-floods',
  what: 'refusals with long paths while nobody reads the log, four times the rate of others',
  unit: 'requests',
  blocksLog: true,
  mostMebibytes: 130,
  mostDescriptors: 100,
  expects: ['401'],
  begin: (target) => {
    const bytes = head('GET', `/${'x'.repeat(8000)}`);
    // More than waits for a reader in any case, within seconds.
    return flood({ ...target, rate: 4 * target.rate }, { connections: 64, next: () => bytes });
  },
};
