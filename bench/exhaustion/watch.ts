/** Looks at a gateway from outside while it is attacked: its size, its descriptors, and whether its probe answers. */
import { get } from 'node:http';
import type { AttackedGateway } from './gateway.ts';

/** The most of each that was seen. */
export interface Watched {
  readonly mostBytes: number;
  readonly mostDescriptors: number;
  readonly probes: number;
  /** Probes that got anything but 200 in time. */
  readonly failedProbes: number;
  /** Milliseconds. */
  readonly slowestProbe: number;
}

const LOOK_EVERY = 100;
const PROBE_EVERY = 250;
/** What probes of orchestrators usually wait. */
const PROBE_PATIENCE = 1000;

/** Begins to look; the function that is given back ends it. */
export function watch(gateway: AttackedGateway): () => Promise<Watched> {
  const seen = { mostBytes: 0, mostDescriptors: 0, probes: 0, failedProbes: 0, slowestProbe: 0 };
  const open = new Set<Promise<void>>();
  const look = (): void => {
    const now = gateway.measure();
    if (now === null) return;
    seen.mostBytes = Math.max(seen.mostBytes, now.bytes);
    seen.mostDescriptors = Math.max(seen.mostDescriptors, now.descriptors);
  };
  const ask = (): void => {
    const start = performance.now();
    const asked = probe(gateway.adminPort).then((isGood) => {
      open.delete(asked);
      seen.probes += 1;
      if (!isGood) seen.failedProbes += 1;
      seen.slowestProbe = Math.max(seen.slowestProbe, performance.now() - start);
    });
    open.add(asked);
  };
  look();
  ask();
  const timers = [setInterval(look, LOOK_EVERY), setInterval(ask, PROBE_EVERY)];
  return async () => {
    for (const timer of timers) clearInterval(timer);
    look();
    await Promise.all(open);
    return seen;
  };
}

/** Whether the process says that it lives. On a connection of its own, as probes come. */
function probe(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ port, host: '127.0.0.1', path: '/livez', agent: false }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
      response.once('error', () => resolve(false));
    });
    request.setTimeout(PROBE_PATIENCE, () => request.destroy());
    request.once('error', () => resolve(false));
  });
}
