/**
 * Tells everything that is under way for one connection that it has closed. Node tells the response that is
 * next in line only: those of pipelined requests behind it would go on for nobody, and never end.
 */
import type { Duplex } from 'node:stream';

export interface Departing {
  /** The caller's connection has closed. */
  departed(): void;
}

/** One listener per connection, however many requests are under way on it. */
const underWay = new WeakMap<Duplex, Set<Departing>>();

/** Calls `departed` when the connection closes, until `forgetDeparture`. False when it has closed already. */
export function watchDeparture(socket: Duplex, who: Departing): boolean {
  if (socket.destroyed) return false;
  let waiting = underWay.get(socket);
  if (waiting === undefined) {
    const fresh = new Set<Departing>();
    socket.once('close', () => {
      for (const each of [...fresh]) each.departed();
    });
    underWay.set(socket, fresh);
    waiting = fresh;
  }
  waiting.add(who);
  return true;
}

/** The exchange is over: it need not hear of the connection any more. */
export function forgetDeparture(socket: Duplex, who: Departing): void {
  underWay.get(socket)?.delete(who);
}
