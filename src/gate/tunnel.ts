/** Opens a WebSocket tunnel for a handshake that the gate let through. */
import type { IncomingMessage } from 'node:http';
import type { Upstreams } from '../upstream/dispatcher.ts';
import type { ForwardPlan } from '../upstream/forward-plan.ts';
import { Tunnel, type UpgradedConnection } from '../upstream/tunnel.ts';

/**
 * Asks the route's upstream for the WebSocket, on a connection of its own, with the same headers as every
 * request gets. Never throws; the plan hears of the end. The caller sees nothing before the upstream answered.
 */
export function tunnel(
  upstreams: Upstreams,
  _request: IncomingMessage,
  connection: UpgradedConnection,
  plan: ForwardPlan,
): void {
  new Tunnel(upstreams, connection, plan).start();
}
