/** Large answers that are asked for and not read. */
import type { Attack } from './attack.ts';
import { holdConnections } from './connections.ts';
import { bearer, head } from './requests.ts';

export const slowReaders: Attack = {
  name: 'slow-readers',
  what: '256 answers of 64 MiB that nobody reads',
  unit: 'connections',
  mostMebibytes: 160,
  mostDescriptors: 600,
  expects: [],
  begin: (target) => {
    const token = target.tokens.good('ES256');
    return holdConnections(target, {
      count: 256,
      // Each takes some MiB at first, which the systems on both sides of it hold.
      pace: 60,
      opened: (socket) => void socket.write(head('GET', '/api/large', bearer(token))),
      deaf: true,
    });
  },
};
