/** Callers who leave in the middle: while their credential is judged, while the upstream works, and in the middle of an answer. */
import type { Attack } from './attack.ts';
import { openOne } from './connections.ts';
import { bearer, head } from './requests.ts';

/** As floods have it: callers who know nothing of each other do not come twenty in an instant. */
const TICK = 5;
/** Milliseconds after which they leave, in turn. */
const PATIENCE = [0, 1, 5, 20];

export const clientAborts: Attack = {
  name: 'client-aborts',
  what: 'callers who reset; 100,000 in 100 s at the usual rate',
  unit: 'connections',
  mostMebibytes: 150,
  mostDescriptors: 600,
  expects: [],
  begin: async (target) => {
    const known = bearer(target.tokens.good('ES256'));
    const requests = [
      () => head('GET', '/api/held', known),
      () => head('GET', '/api/large', known),
      () => head('GET', '/api/order', bearer(target.tokens.forged('RS256'))),
      () => `${head('POST', '/api/upload', known, 'Content-Length: 1000')}half`,
      () => head('GET', '/api/held', known).slice(0, -2),
    ];
    let made = 0;
    const leave = async (): Promise<void> => {
      const bytes = requests[made % requests.length]?.() ?? '';
      const patience = PATIENCE[made % PATIENCE.length] ?? 0;
      made += 1;
      const socket = await openOne(target);
      if (socket === null) return;
      target.tally.count();
      socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), patience));
    };
    const timer = setInterval(() => {
      for (let at = 0; at < (target.rate * TICK) / 1000; at += 1) void leave();
    }, TICK);
    return { stop: () => clearInterval(timer) };
  },
};
