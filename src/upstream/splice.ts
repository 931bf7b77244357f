/**
 * Joins the two connections of a WebSocket and passes bytes both ways as they come, with backpressure. It
 * reads no message, and puts in one frame of its own at most: the close frame with which we end a tunnel.
 */
import type { Duplex } from 'node:stream';
import { startTimer, stopTimer } from '../timers.ts';
import type { TurnTaking } from '../turn-taking.ts';
import type { ExchangeEnd } from './forward-plan.ts';
import { closeFrame, FrameTracker } from './frame-tracker.ts';
import { Passage } from './passage.ts';

/** Milliseconds in which a frame under way may end before a close frame, and a peer answer one. */
const CLOSE_PATIENCE = 1_000;
/** Milliseconds in which one side may end after the other did. */
const END_PATIENCE = 10_000;

/** How long a tunnel may be silent, and who takes turns with it. */
export interface Pace {
  /** Milliseconds without a byte either way after which both sides are cut; Infinity for no bound. */
  readonly idle: number;
  readonly turns: TurnTaking;
  /** The client's address: what the upstream sends moves on the client's behalf, too. */
  readonly peer: string;
}

/** Joins two sockets, each no faster than the other takes it, until both have ended. */
export class Splice {
  bytesIn = 0;
  bytesOut = 0;
  readonly #client: Duplex;
  readonly #upstream: Duplex;
  readonly #ended: (end: ExchangeEnd) => void;
  readonly #inward: Passage;
  readonly #outward: Passage;
  readonly #frames = new FrameTracker();
  #idleTimer: NodeJS.Timeout | null = null;
  #endTimer: NodeJS.Timeout | null = null;
  #closing: 1001 | 1008 | null = null;
  #end: ExchangeEnd = 'complete';
  #over = false;

  /** @param ended called once, when both connections are being closed */
  constructor(client: Duplex, upstream: Duplex, pace: Pace, ended: (end: ExchangeEnd) => void) {
    const { idle, turns, peer } = pace;
    this.#inward = new Passage(turns, peer);
    this.#outward = new Passage(turns, peer);
    this.#client = client;
    this.#upstream = upstream;
    this.#ended = ended;
    this.#idleTimer = startTimer(() => this.#cut('idle'), idle);
    this.#join(client, upstream, this.#fromClient);
    this.#join(upstream, client, this.#fromUpstream);
    client.once('close', () => this.#finish());
    upstream.once('close', () => this.#upstreamClosed());
  }

  /** Bytes that the client sent behind its handshake. */
  begin(head: Buffer): void {
    if (head.length > 0) this.#fromClient(head);
  }

  /** Tells the client why it ends, at the next frame boundary, and lets it close. */
  close(code: 1001 | 1008, end: ExchangeEnd): void {
    if (this.#over || this.#closing !== null) return;
    this.#end = end;
    this.#closing = code;
    this.#endWithin(CLOSE_PATIENCE);
    if (this.#frames.atBoundary) this.#sendClose(code);
  }

  #join(from: Duplex, to: Duplex, take: (chunk: Buffer) => void): void {
    from.on('error', ignore);
    from.on('data', take);
    from.once('end', () => {
      to.end();
      this.#endWithin(END_PATIENCE);
    });
    to.on('drain', () => from.resume());
  }

  readonly #fromClient = (chunk: Buffer): void => {
    this.#idleTimer?.refresh();
    this.bytesIn += chunk.length;
    // After our close frame only the client's own is of interest, and that only for its end.
    if (!this.#upstream.writable) return;
    this.#inward.passed(chunk.length);
    if (!this.#upstream.write(chunk) || !this.#inward.mayGoOn(this.#onInwardTurn)) this.#client.pause();
  };

  readonly #fromUpstream = (chunk: Buffer): void => {
    this.#idleTimer?.refresh();
    if (this.#closing === null) {
      this.#frames.follow(chunk);
      this.#toClient(chunk);
      return;
    }
    if (this.#frames.atBoundary) return;
    const boundary = this.#frames.followToBoundary(chunk);
    this.#toClient(boundary < 0 ? chunk : chunk.subarray(0, boundary));
    if (boundary >= 0) this.#sendClose(this.#closing);
  };

  #toClient(chunk: Buffer): void {
    this.bytesOut += chunk.length;
    if (!this.#client.writable) return;
    this.#outward.passed(chunk.length);
    if (!this.#client.write(chunk) || !this.#outward.mayGoOn(this.#onOutwardTurn)) this.#upstream.pause();
  }

  readonly #onInwardTurn = (): void => void this.#client.resume();
  readonly #onOutwardTurn = (): void => void this.#upstream.resume();

  #sendClose(code: 1001 | 1008): void {
    this.#endWithin(CLOSE_PATIENCE);
    // RFC 6455 section 7.1.1: the server closes the connection first; reading goes on, so that nothing resets it.
    if (this.#client.writable) this.#client.end(closeFrame(code));
    this.#client.resume();
    this.#upstream.destroy();
  }

  #upstreamClosed(): void {
    if (this.#over || this.#closing !== null) return;
    // Closed without an end: the connection was lost, and the client must not take it for a farewell.
    if (this.#upstream.readableEnded) {
      this.#client.end();
      this.#endWithin(END_PATIENCE);
    } else {
      this.#cut('upstream_cut');
    }
  }

  #endWithin(patience: number): void {
    if (this.#over) return;
    stopTimer(this.#endTimer);
    this.#endTimer = startTimer(() => this.#finish(), patience);
  }

  #cut(end: ExchangeEnd): void {
    this.#end = end;
    this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    stopTimer(this.#idleTimer);
    stopTimer(this.#endTimer);
    this.#client.destroy();
    this.#upstream.destroy();
    this.#ended(this.#end);
  }
}

/** A socket that fails closes, and that is what is waited for. */
function ignore(): void {}
