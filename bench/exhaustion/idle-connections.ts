/** Connections on which nothing ever comes, up to what `limits.connections` allows: the last of them find no place. */
import type { Attack } from './attack.ts';
import { holdConnections } from './connections.ts';

/** Descriptors that the attacker needs for itself. */
const OWN = 200;

export const idleConnections: Attack = {
  name: 'idle-connections',
  what: '10,000 connections that say nothing',
  unit: 'connections',
  mostMebibytes: 300,
  mostDescriptors: 10_050,
  expects: [],
  begin: (target) =>
    holdConnections(target, {
      count: Math.min(10_000, target.descriptors - OWN),
      opened: () => {},
      once: true,
    }),
};
