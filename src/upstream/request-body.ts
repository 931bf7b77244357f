/**
 * The body of a request on its way to the upstream. It stands between Node's message and undici, because
 * undici destroys what it reads from when an exchange ends early, and with Node's message that would be
 * the connection on which the caller still waits for an answer.
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { startTimer, stopTimer } from '../timers.ts';
import type { Passage } from './passage.ts';

/** Hears of what a body does that it must not. */
export interface BodyWatcher {
  /** It became longer than the route allows. */
  bodyTooLong(): void;
  /** The caller sent nothing for too long. */
  bodyIdle(): void;
}

export interface BodyBounds {
  /** Bytes; Infinity for no bound. */
  readonly bytes: number;
  /** Milliseconds without a byte while we are ready to take one; Infinity for no bound. */
  readonly idle: number;
}

/** The caller's body as undici reads it: counted, bounded, and no faster than the upstream takes it. */
export class RequestBody extends Readable {
  /** Bytes taken from the caller so far. */
  taken = 0;
  readonly #source: IncomingMessage;
  readonly #bounds: BodyBounds;
  readonly #watcher: BodyWatcher;
  readonly #passage: Passage;
  #waitsForTurn = false;
  #timer: NodeJS.Timeout | null = null;
  #attached = false;

  /** Reads nothing until it is read itself. */
  constructor(source: IncomingMessage, bounds: BodyBounds, watcher: BodyWatcher, passage: Passage) {
    super();
    this.#source = source;
    this.#bounds = bounds;
    this.#watcher = watcher;
    this.#passage = passage;
  }

  override _read(): void {
    if (!this.#attached) this.#attach();
    if (!this.#waitsForTurn) this.#source.resume();
    this.#timer?.refresh();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.detach();
    callback(error);
  }

  /** Lets go of the message, which stays readable for whoever reads it next. */
  detach(): void {
    stopTimer(this.#timer);
    this.#timer = null;
    if (!this.#attached) return;
    this.#attached = false;
    this.#source.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    this.#source.pause();
  }

  #attach(): void {
    this.#attached = true;
    this.#source.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
    this.#timer = startTimer(this.#onIdle, this.#bounds.idle);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.taken += chunk.length;
    if (this.taken > this.#bounds.bytes) {
      this.#watcher.bodyTooLong();
      return;
    }
    this.#timer?.refresh();
    this.#passage.passed(chunk.length);
    if (!this.push(chunk)) this.#source.pause();
    else if (!this.#passage.mayGoOn(this.#onTurn)) {
      this.#waitsForTurn = true;
      this.#source.pause();
    }
  };

  readonly #onTurn = (): void => {
    this.#waitsForTurn = false;
    if (this.#attached) this.#source.resume();
  };

  readonly #onEnd = (): void => {
    this.detach();
    this.push(null);
  };

  /** Closed without an end: the caller is gone, and a body cut short must not look whole. */
  readonly #onClose = (): void => {
    this.destroy(new Error('the request was cut short'));
  };

  readonly #onIdle = (): void => {
    // Paused: it is the upstream that does not take what is there, and that has a timeout of its own.
    if (this.#source.isPaused()) this.#timer?.refresh();
    else this.#watcher.bodyIdle();
  };
}
