/** WebSockets: opened and dropped at once, filled with frames, and not read. */
import type { Attack } from './attack.ts';
import { holdConnections, openOne } from './connections.ts';
import { handshake } from './requests.ts';

const TICK = 20;
/** A ping of 4 bytes, masked by zeros (RFC 6455 section 5.2). */
const PING = Buffer.from([0x89, 0x84, 0, 0, 0, 0, 1, 2, 3, 4]);
const PINGS = 5;
const TUNNELS = 100;

const handshakes: Attack = {
  name: 'websocket-handshakes',
  what: 'WebSockets that are opened and reset at once',
  unit: 'connections',
  mostMebibytes: 120,
  mostDescriptors: 900,
  expects: ['101'],
  begin: async (target) => {
    const bytes = handshake('/ws/sink', target.tokens.good('ES256'));
    const timer = setInterval(() => {
      for (let at = 0; at < Math.ceil((target.rate * TICK) / 2000); at += 1) void openAndReset();
    }, TICK);
    const openAndReset = async (): Promise<void> => {
      const socket = await openOne(target);
      if (socket === null) return;
      target.tally.count();
      socket.write(bytes);
      socket.once('data', (answer: Buffer) => {
        target.tally.answered(answer.toString('latin1', 9, 12));
        socket.resetAndDestroy();
      });
    };
    return { stop: () => clearInterval(timer) };
  },
};

const frames: Attack = {
  name: 'websocket-frames',
  what: `${TUNNELS} WebSockets that ping`,
  unit: 'frames',
  mostMebibytes: 80,
  mostDescriptors: 250,
  expects: ['101'],
  begin: (target) => {
    const bytes = handshake('/ws/sink', target.tokens.good('ES256'));
    const pings = Buffer.concat(Array<Buffer>(PINGS).fill(PING));
    return holdConnections(target, {
      count: TUNNELS,
      opened: (socket) => void socket.write(bytes),
      every: (TUNNELS * PINGS * 1000) / Math.max(TUNNELS, 5 * target.rate),
      pulse: (socket) => {
        // Whoever does not take them gets no more.
        if (socket.writableNeedDrain) return;
        target.tally.count(PINGS);
        socket.write(pings);
      },
    });
  },
};

const slowPeers: Attack = {
  name: 'websocket-slow-peers',
  what: '128 WebSockets that are sent without end what they do not read',
  unit: 'connections',
  mostMebibytes: 200,
  mostDescriptors: 350,
  expects: [],
  begin: (target) => {
    const bytes = handshake('/ws/pour', target.tokens.good('ES256'));
    return holdConnections(target, {
      count: 128,
      // As with slow readers.
      pace: 16,
      opened: (socket) => void socket.write(bytes),
      deaf: true,
    });
  },
};

export const webSockets: readonly Attack[] = [handshakes, frames, slowPeers];
