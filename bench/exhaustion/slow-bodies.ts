/** Bodies that never end, of callers who may send them: each holds a place in flight and a connection to the upstream. */
import type { Attack } from './attack.ts';
import { holdConnections } from './connections.ts';
import { bearer, head } from './requests.ts';

export const slowBodies: Attack = {
  name: 'slow-bodies',
  what: '1,000 uploads, a byte each second',
  unit: 'connections',
  mostMebibytes: 120,
  mostDescriptors: 2100,
  expects: [],
  begin: (target) => {
    const token = target.tokens.good('ES256');
    return holdConnections(target, {
      count: 1000,
      opened: (socket) =>
        void socket.write(`${head('POST', '/api/upload', bearer(token), 'Content-Length: 1000000')}x`),
      every: 1000,
      pulse: (socket) => void socket.write('y'),
    });
  },
};
