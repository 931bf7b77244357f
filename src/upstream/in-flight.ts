/**
 * Bounds the requests that are with an upstream at once, and those that wait for their turn. Beyond both
 * it turns away at once: a queue without a bound only makes everybody late.
 */
import { startTimer, stopTimer } from '../timers.ts';

/** Somebody who wants to be in flight. Each is told exactly one of the two, unless it abandons its place. */
export interface Waiter {
  /** A place is taken; whoever holds it gives it back by `leave`. */
  admitted(): void;
  /** There is no place, and no more room to wait, or the wait was too long. */
  turnedAway(reason: 'queue_full' | 'queue_timeout'): void;
}

export interface InFlightBounds {
  /** Places; Infinity for no bound. */
  readonly inFlight: number;
  /** How many may wait. */
  readonly queue: number;
  /** Milliseconds that one may wait; Infinity for no bound. */
  readonly queueTimeout: number;
}

/** The places and the queue: `limits.in_flight`, `limits.queue` and `timeouts.queue`. */
export class InFlight {
  #bounds: InFlightBounds;
  #running = 0;
  readonly #waiting = new Map<Waiter, NodeJS.Timeout | null>();
  /** WebSocket handshakes under way. Their connections left HTTP, so that the listener does not close them. */
  readonly handshakes = new Set<{ cut(): void }>();
  #stopped = false;

  constructor(bounds: InFlightBounds) {
    this.#bounds = bounds;
  }

  /** Places taken now. */
  get running(): number {
    return this.#running;
  }

  /** Those who wait now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether the process cuts everything: what does not end whole from then on ends because of that. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Cuts the handshakes; the others are cut with their connections. */
  stop(): void {
    this.#stopped = true;
    for (const handshake of [...this.handshakes]) handshake.cut();
  }

  /** Takes new bounds, as a reload brings them; wider ones admit those who wait. */
  rebound(bounds: InFlightBounds): void {
    this.#bounds = bounds;
    while (this.#running < bounds.inFlight && this.#waiting.size > 0) this.#admitNext();
  }

  /** Admits at once where there is a place, else lets wait in turn, else turns away. */
  enter(waiter: Waiter): void {
    const { inFlight, queue, queueTimeout } = this.#bounds;
    if (this.#running < inFlight) {
      this.#running += 1;
      waiter.admitted();
    } else if (this.#waiting.size < queue) {
      this.#waiting.set(
        waiter,
        startTimer(() => this.#tooLate(waiter), queueTimeout),
      );
    } else {
      waiter.turnedAway('queue_full');
    }
  }

  /** Gives a place back; the one who waits longest gets it. */
  leave(): void {
    this.#running -= 1;
    if (this.#running < this.#bounds.inFlight) this.#admitNext();
  }

  /** Stops waiting. Without effect for one who does not wait. */
  abandon(waiter: Waiter): void {
    const timer = this.#waiting.get(waiter);
    stopTimer(timer ?? null);
    this.#waiting.delete(waiter);
  }

  #admitNext(): void {
    const next = this.#waiting.keys().next();
    if (next.done) return;
    this.abandon(next.value);
    this.#running += 1;
    // Not from inside the end of another exchange: a row of failures would nest as deep as the queue is long.
    process.nextTick(admit, next.value);
  }

  #tooLate(waiter: Waiter): void {
    this.#waiting.delete(waiter);
    waiter.turnedAway('queue_timeout');
  }
}

function admit(waiter: Waiter): void {
  waiter.admitted();
}
