/** A flood of requests at a steady rate over a number of connections: each sends one, waits for the answer, and sends the next. */
import type { Socket } from 'node:net';
import type { Assault, Target } from './attack.ts';
import { openOne } from './connections.ts';

const TICK = 5;
const HEAD_END = '\r\n\r\n';

export interface Flood {
  /** How many may wait for an answer at the same time. */
  readonly connections: number;
  /** The bytes of the next request. */
  next(): string | Buffer;
}

/** Begins; what cannot be sent because every connection waits is not made up for later. */
export async function flood(target: Target, { connections, next }: Flood): Promise<Assault> {
  const lanes = Array.from({ length: connections }, () => new Lane(target));
  await Promise.all(lanes.map((lane) => lane.open()));
  let allowed = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    allowed = Math.min(connections, allowed + ((now - last) * target.rate) / 1000);
    last = now;
    for (const lane of lanes) {
      if (allowed < 1) break;
      if (!lane.isFree) continue;
      allowed -= 1;
      lane.send(next());
    }
    // Whoever was served first last time comes last now.
    lanes.push(...lanes.splice(0, Math.ceil(lanes.length / 2)));
  }, TICK);
  return {
    stop: () => {
      clearInterval(timer);
      for (const lane of lanes) lane.close();
    },
  };
}

/** One connection, opened again whenever it was closed. */
class Lane {
  readonly #target: Target;
  #socket: Socket | null = null;
  #state: 'free' | 'waiting' | 'closed' = 'closed';
  #text = '';
  #over = false;

  constructor(target: Target) {
    this.#target = target;
  }

  get isFree(): boolean {
    return this.#state === 'free';
  }

  async open(): Promise<void> {
    const socket = await openOne(this.#target);
    if (socket === null || this.#over) {
      socket?.destroy();
      if (!this.#over) setTimeout(() => void this.open(), 10 * TICK);
      return;
    }
    this.#socket = socket;
    this.#text = '';
    this.#state = 'free';
    socket.setEncoding('latin1').on('data', (text: string) => this.#read(text));
    socket.once('close', () => {
      if (this.#state === 'waiting') this.#target.tally.answered('cut');
      this.#state = 'closed';
      if (!this.#over) void this.open();
    });
  }

  send(bytes: string | Buffer): void {
    this.#state = 'waiting';
    this.#target.tally.count();
    this.#socket?.write(bytes);
  }

  close(): void {
    this.#over = true;
    this.#socket?.destroy();
  }

  #read(text: string): void {
    if (this.#state !== 'waiting') return;
    this.#text += text;
    const end = this.#text.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#text.slice(0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#text.length < end + HEAD_END.length + length) return;
    this.#target.tally.answered(head.slice(9, 12));
    this.#text = '';
    this.#state = 'free';
    if (/\r\nconnection: close/i.test(head)) {
      this.#state = 'closed';
      this.#socket?.end();
    }
  }
}
