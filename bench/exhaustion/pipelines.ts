/** Requests without end on few connections, sent without waiting for an answer, and answers that nobody reads. */
import type { Attack } from './attack.ts';
import { holdConnections } from './connections.ts';
import { head } from './requests.ts';

const REQUESTS = 500;
const PIPELINE = head('GET', '/api/order').repeat(REQUESTS);

export const pipelines: Attack = {
  name: 'pipelines',
  what: '50 connections that ask on and on, and read nothing',
  unit: 'requests',
  mostMebibytes: 150,
  mostDescriptors: 100,
  expects: [],
  begin: (target) =>
    holdConnections(target, {
      count: 50,
      opened: () => {},
      deaf: true,
      every: 100,
      pulse: (socket) => {
        // Whoever takes no more is full.
        if (socket.writableNeedDrain) return;
        target.tally.count(REQUESTS);
        socket.write(PIPELINE);
      },
    }),
};
