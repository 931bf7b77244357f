/** Large bodies of requests that are refused: without a credential, and with more bytes than the route takes. */
import type { Attack } from './attack.ts';
import { holdConnections } from './connections.ts';
import { bearer, head } from './requests.ts';

const BLOCK = Buffer.alloc(64 * 1024, 'x');
const EVERY = 25;

export const refusedUploads: Attack = {
  name: 'refused-uploads',
  what: '20 uploads of 1 GiB that are refused and go on, 50 MiB/s',
  unit: 'KiB',
  mostMebibytes: 120,
  mostDescriptors: 80,
  expects: ['401', '413'],
  begin: (target) => {
    const known = bearer(target.tokens.good('ES256'));
    let opened = 0;
    const length = 'Content-Length: 1073741824';
    return holdConnections(target, {
      count: 20,
      opened: (socket) => {
        opened += 1;
        const chunked = 'Transfer-Encoding: chunked';
        const heads = [
          head('POST', '/api/upload', length),
          head('POST', '/small/upload', known, length),
          `${head('POST', '/small/upload', known, chunked)}40000000\r\n`,
        ];
        socket.write(heads[opened % heads.length] ?? '');
      },
      every: EVERY,
      pulse: (socket) => {
        if (socket.writableNeedDrain) return;
        target.tally.count(BLOCK.length / 1024);
        socket.write(BLOCK);
      },
    });
  },
};
