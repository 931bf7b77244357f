/** Many raw connections of an attacker: opened some at a time, held, opened again when they were ended. Never throws for what the gateway does. */
import { connect, type Socket } from 'node:net';
import type { Assault, Target } from './attack.ts';

/** That may be opening at the same time: more than the backlog of a listening socket takes would only wait for their second SYN. */
const AT_ONCE = 200;
/** Milliseconds between the looks at what is missing. */
const TICK = 5;
/** Callers know nothing of each other: what each does now and then is spread over the time in between. */
const PHASES = 50;

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
  /** How many are opened per second; otherwise as many as floods have requests. */
  readonly pace?: number;
  /** What a caller sees is not read. */
  readonly deaf?: true;
}

/** Opens as many connections as asked for, and keeps that many open until it is stopped. */
export async function holdConnections(target: Target, holding: Holding): Promise<Assault> {
  const open = new Set<Socket>();
  const spread = spreadPulses(holding);
  const pace = holding.pace ?? target.rate;
  let stopped = false;
  let tried = 0;
  let opening = 0;
  let allowed = 0;
  let last = performance.now();
  const openMissing = (): void => {
    const now = performance.now();
    allowed = Math.min(AT_ONCE, allowed + ((now - last) * pace) / 1000);
    last = now;
    while (allowed >= 1 && opening < AT_ONCE && open.size + opening < holding.count) {
      if (holding.once && tried >= holding.count) return;
      allowed -= 1;
      tried += 1;
      opening += 1;
      void openOne(target).then((socket) => {
        opening -= 1;
        if (stopped) socket?.destroy();
        else if (socket !== null) hold(socket);
      });
    }
  };
  const hold = (socket: Socket): void => {
    open.add(socket);
    spread.add(socket);
    socket.once('close', () => open.delete(socket));
    target.tally.count();
    if (holding.deaf) socket.pause();
    else socket.on('data', (bytes) => countAnswer(target, bytes));
    holding.opened(socket);
  };
  const timer = setInterval(openMissing, TICK);
  return {
    stop: () => {
      stopped = true;
      clearInterval(timer);
      spread.stop();
      for (const socket of open) socket.resetAndDestroy();
    },
  };
}

/** Has each do again and again what it does, some at a time. */
function spreadPulses({ every, pulse }: Holding): { add(socket: Socket): void; stop(): void } {
  if (every === undefined || pulse === undefined) return { add: () => {}, stop: () => {} };
  const phases = Array.from({ length: PHASES }, () => new Set<Socket>());
  const begun = performance.now();
  let added = 0;
  let done = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - begun) / every) * PHASES;
    // Whoever comes too late for more than one round leaves out what was missed.
    for (done = Math.max(done, due - PHASES); done < due; done += 1) {
      for (const socket of phases[Math.floor(done) % PHASES] ?? []) if (socket.writable) pulse(socket);
    }
  }, TICK);
  return {
    add: (socket) => {
      const phase = phases[added % PHASES];
      added += 1;
      phase?.add(socket);
      socket.once('close', () => phase?.delete(socket));
    },
    stop: () => clearInterval(timer),
  };
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
