/** Many raw connections of an attacker: opened some at a time, held, opened again when they were ended. Never throws for what the gateway does. */
import { connect, type Socket } from 'node:net';
import type { Assault, Target } from './attack.ts';

/** Opened at the same time: more than the backlog of a listening socket takes would only wait for their second SYN. */
const AT_ONCE = 200;
/** Milliseconds between the looks at what was closed meanwhile. */
const AGAIN_EVERY = 100;
const PACE_EVERY = 100;

/** What is done with each connection. */
export interface Holding {
  readonly count: number;
  /** Called when it is open. */
  opened(socket: Socket): void;
  /** Called this often, in milliseconds, for each that is open. */
  readonly every?: number;
  pulse?(socket: Socket): void;
  /** So many are tried, and none that the gateway ended is replaced by another one. */
  readonly once?: true;
  /** How many are opened per second, where each brings a burst of bytes; otherwise as many as can be. */
  readonly pace?: number;
  /** What a caller sees is not read. */
  readonly deaf?: true;
}

/** Opens as many connections as asked for, and keeps that many open until it is stopped. */
export async function holdConnections(target: Target, holding: Holding): Promise<Assault> {
  const open = new Set<Socket>();
  const perBatch = holding.pace === undefined ? AT_ONCE : Math.ceil((holding.pace * PACE_EVERY) / 1000);
  let stopped = false;
  let tried = 0;
  let opening = false;
  const openMore = async (): Promise<void> => {
    if (opening) return;
    opening = true;
    await openMissing();
    opening = false;
  };
  const openMissing = async (): Promise<void> => {
    while (!stopped && open.size < holding.count) {
      const most = holding.once ? holding.count - tried : AT_ONCE;
      const missing = Math.min(AT_ONCE, holding.count - open.size, most, perBatch);
      if (missing === 0) return;
      tried += missing;
      const sockets = await Promise.all(Array.from({ length: missing }, () => openOne(target)));
      let failed = 0;
      for (const socket of sockets) {
        if (socket === null) failed += 1;
        else hold(socket);
      }
      if (failed > 0) return;
      if (holding.pace !== undefined) await new Promise((resolve) => setTimeout(resolve, PACE_EVERY));
    }
  };
  const hold = (socket: Socket): void => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    target.tally.count();
    if (holding.deaf) socket.pause();
    else socket.on('data', (bytes) => countAnswer(target, bytes));
    holding.opened(socket);
  };
  await openMore();
  const again = holding.once ? null : setInterval(() => void openMore(), AGAIN_EVERY);
  const pulse = pulsing(holding, open);
  return {
    stop: () => {
      stopped = true;
      if (again !== null) clearInterval(again);
      if (pulse !== null) clearInterval(pulse);
      for (const socket of open) socket.resetAndDestroy();
    },
  };
}

function pulsing({ every, pulse }: Holding, open: ReadonlySet<Socket>): NodeJS.Timeout | null {
  if (every === undefined || pulse === undefined) return null;
  return setInterval(() => {
    for (const socket of open) if (socket.writable) pulse(socket);
  }, every);
}

/** Null when there is no getting in. */
export function openOne({ port, from, tally }: Target): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    socket.once('connect', () => resolve(socket));
    socket.on('error', ({ message }) => {
      if (socket.connecting) tally.answered(/E[A-Z]+/.exec(message)?.[0] ?? 'error');
      resolve(null);
    });
  });
}

/** Counts what begins like an answer. */
export function countAnswer({ tally }: Target, bytes: Buffer): void {
  if (bytes.toString('latin1', 0, 5) === 'HTTP/') tally.answered(bytes.toString('latin1', 9, 12));
}
