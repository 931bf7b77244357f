/** Requests that are sent without waiting for an answer, as many as one read of the gateway holds, and answers that nobody reads. */
import type { Socket } from 'node:net';
import type { Attack } from './attack.ts';
import { holdConnections } from './connections.ts';
import { head } from './requests.ts';

const CONNECTIONS = 50;
const REQUEST = head('GET', '/api/order');
/** A read takes 64 KiB. */
const REQUESTS = Math.floor((64 * 1024) / REQUEST.length);
const PIPELINE = REQUEST.repeat(REQUESTS);

export const pipelines: Attack = {
  name: 'pipelines',
  what: `${REQUESTS} requests at once on a connection, as many in all as other floods have, and nobody reads`,
  unit: 'requests',
  mostMebibytes: 100,
  mostDescriptors: 100,
  expects: [],
  begin: async (target) => {
    const ready: Socket[] = [];
    const held = await holdConnections(target, {
      count: CONNECTIONS,
      opened: (socket) => void ready.push(socket),
      deaf: true,
    });
    const timer = setInterval(
      () => {
        const socket = ready.shift();
        if (socket === undefined) return;
        target.tally.count(REQUESTS);
        socket.write(PIPELINE);
        // What it holds is given back when it is reset, and another connection takes its place.
        setTimeout(() => socket.resetAndDestroy(), 1000);
      },
      (REQUESTS * 1000) / target.rate,
    );
    return {
      stop: () => {
        clearInterval(timer);
        held.stop();
      },
    };
  },
};
