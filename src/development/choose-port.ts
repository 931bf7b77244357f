/** Finds a port on 127.0.0.1 when the usual one is taken. */
import { isFree } from './loopback-server.ts';

/** How far to look. */
const TRIES = 50;

/** The first free port from `usual` on that is not among `spoken`. Rejects when there is none near. */
export async function choosePort(usual: number, spoken: readonly number[]): Promise<number> {
  for (let port = usual; port < usual + TRIES; port++) {
    if (!spoken.includes(port) && (await isFree('127.0.0.1', port))) return port;
  }
  throw new Error(`no port from ${usual} to ${usual + TRIES - 1} is free on 127.0.0.1`);
}
