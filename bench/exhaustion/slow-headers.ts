/** Headers that never end: a byte now and then, of a thousand callers (slowloris). */
import type { Attack } from './attack.ts';
import { holdConnections } from './connections.ts';

export const slowHeaders: Attack = {
  name: 'slow-headers',
  what: '1,000 headers, a byte each second',
  unit: 'connections',
  mostMebibytes: 60,
  mostDescriptors: 1050,
  expects: [],
  begin: (target) =>
    holdConnections(target, {
      count: 1000,
      opened: (socket) => void socket.write('GET /api/order HTTP/1.1\r\nHost: api.test\r\nX-Slow: '),
      every: 1000,
      pulse: (socket) => void socket.write('y'),
    }),
};
