/**
 * Event streams and WebSockets that are open: they outlive the judgement that let them in, so they end
 * when their credential does, when a reload would refuse them, and when the process stops.
 */

import { startTimer, stopTimer } from '../timers.ts';
import type { ForwardPlan } from './forward-plan.ts';

/** Why a stream is ended from our side. */
export type StreamEnd = 'expired' | 'going_away';

export interface OpenStream {
  readonly plan: ForwardPlan;
  /** Ends it: a close frame (1008 or 1001) for WebSockets, the end of the body for event streams. */
  end(why: StreamEnd): void;
}

/** Whether a stream may stay. */
export type Judgement = (plan: ForwardPlan) => boolean | Promise<boolean>;

/** All streams that are open, of whatever policy let them in. */
export class OpenStreams {
  readonly #now: () => number;
  readonly #streams = new Map<OpenStream, NodeJS.Timeout | null>();
  /** Told of each stream that opens; set by whoever judges them. */
  opened: (stream: OpenStream) => void = () => {};

  /** @param now epoch milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Registers a stream, and ends it when its credential does if its route says so. */
  add(stream: OpenStream): void {
    const { route, expiresAt } = stream.plan;
    const ends = route.closeAtExpiry && Number.isFinite(expiresAt);
    this.#streams.set(stream, ends ? this.#schedule(stream) : null);
    this.opened(stream);
  }

  /** Forgets a stream that is over. */
  delete(stream: OpenStream): void {
    const timer = this.#streams.get(stream);
    stopTimer(timer ?? null);
    this.#streams.delete(stream);
  }

  /**
   * Ends those that would be refused now: after a reload, a key's removal or a revocation. A judgement that
   * fails ends the stream too.
   */
  async endUnless(allowed: Judgement): Promise<void> {
    for (const stream of [...this.#streams.keys()]) await this.judge(stream, allowed);
  }

  /** The same for one of them. */
  async judge(stream: OpenStream, allowed: Judgement): Promise<void> {
    const stays = await Promise.resolve(stream.plan)
      .then(allowed)
      .catch(() => false);
    if (!stays && this.#streams.has(stream)) stream.end('expired');
  }

  /** Ends all, because the process stops. */
  endAll(): void {
    for (const stream of [...this.#streams.keys()]) stream.end('going_away');
  }

  #schedule(stream: OpenStream): NodeJS.Timeout | null {
    const left = Math.max(0, stream.plan.expiresAt - this.#now());
    return startTimer(() => this.#due(stream), left);
  }

  #due(stream: OpenStream): void {
    if (stream.plan.expiresAt <= this.#now()) stream.end('expired');
    else this.#streams.set(stream, this.#schedule(stream));
  }
}
