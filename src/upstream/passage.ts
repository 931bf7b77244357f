/**
 * The bytes of one stream on their way from one side to the other. Where several peers are served, each goes on after a
 * piece only when it is its turn: one turn of the event loop reads up to 2 MiB of each connection that has them.
 */
import { bytesPassed } from '../passing-bytes.ts';
import type { TurnTaking } from '../turn-taking.ts';

/** Bytes that take a turn: what one read brings. */
const PIECE = 64 * 1024;

/** One for each direction of a stream; it holds no bytes. */
export class Passage {
  readonly #turns: TurnTaking;
  readonly #peer: string;
  #since = 0;

  /** @param peer on whose behalf the bytes are moved, whichever side they come from */
  constructor(turns: TurnTaking, peer: string) {
    this.#turns = turns;
    this.#peer = peer;
  }

  /** Counts bytes that are passed on. */
  passed(bytes: number): void {
    bytesPassed(bytes);
    this.#since += bytes;
  }

  /**
   * Whether more may be read now. When not, `goOn` is called in a later turn of the event loop; it must not throw, and may
   * be called when all is over.
   */
  mayGoOn(goOn: () => void): boolean {
    if (this.#since < PIECE) return true;
    this.#since = 0;
    return this.#turns.isNow(this.#peer, goOn);
  }
}
