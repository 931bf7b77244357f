/** Large answers that are asked for and not read. */
import type { Attack } from './attack.ts';
import { holdConnections } from './connections.ts';
import { bearer, head } from './requests.ts';

export const slowReaders: Attack = {
  name: 'slow-readers',
  what: '128 answers of 64 MiB that nobody reads',
  unit: 'connections',
  mostMebibytes: 160,
  mostDescriptors: 350,
  expects: [],
  begin: (target) => {
    const token = target.tokens.good('ES256');
    return holdConnections(target, {
      count: 128,
      // Each takes some MiB at first, which the systems on both sides of it hold.
      pace: 16,
      opened: (socket) => void socket.write(head('GET', '/api/large', bearer(token))),
      deaf: true,
    });
  },
};
