/** Event streams that stay open, more than any pool of connections that forgets to grow has. */
import type { Attack } from './attack.ts';
import { holdConnections } from './connections.ts';
import { bearer, head } from './requests.ts';

export const eventStreams: Attack = {
  name: 'event-streams',
  what: '512 open event streams, four events a second each',
  unit: 'connections',
  mostMebibytes: 100,
  mostDescriptors: 1100,
  expects: ['200'],
  begin: (target) => {
    const token = target.tokens.good('ES256');
    return holdConnections(target, {
      count: 512,
      opened: (socket) => void socket.write(head('GET', '/api/events', bearer(token))),
    });
  },
};
