/**
 * Where log lines go: a file descriptor, written asynchronously and in few writes. A destination that takes nothing, because
 * its reader stopped or its disk is full, costs lines; it never stalls, fills or keeps the process. Lines that were lost are
 * counted, and said once lines can be written again. (pino's own destination waits for ever for a disk that is full.)
 */
import { write, writeSync } from 'node:fs';
import { startTimer } from '../timers.ts';

/** Characters that are kept while the destination does not take them; more are dropped. */
const MOST_KEPT = 8 * 1024 * 1024;
/** Characters that are written at once, or one longer line. Docker reads no more at a time, and splits lines in two. */
const LARGEST_WRITE = 16_000;
/** Milliseconds for which lines are gathered before they are written: each write costs a hop to a thread. */
const GATHER = 50;
/** Milliseconds until a write is tried again: where a pipe is full, and where a disk is or a reader is gone. */
const BUSY_PAUSE = 100;
const FAILED_PAUSE = 1_000;
/** How often a full pipe is tried in the last moments of a process. */
const LAST_TRIES = 10;

/** Hears of lines that cannot be written. */
export interface LossReport {
  /** A write failed, for the first time since one succeeded. @param code such as ENOSPC */
  failing(code: string): void;
  /** One succeeded again. @returns the line that says how many were lost in between */
  recovered(lost: number): string;
}

/** Lines on their way. */
interface Chunk {
  readonly bytes: Buffer;
  readonly lines: number;
  /** Bytes that are written. */
  offset: number;
}

/** Takes whole lines. */
export class LogDestination {
  readonly #descriptor: number;
  readonly #report: LossReport;
  #lines: string[] = [];
  #kept = 0;
  #gathering = false;
  /** Being written, or about to be tried again. */
  #chunk: Chunk | null = null;
  #inThread = false;
  #failing = false;
  #lost = 0;
  #unsaid = 0;

  constructor(descriptor: number, report: LossReport) {
    this.#descriptor = descriptor;
    this.#report = report;
  }

  /** Lines that were lost so far. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    if (this.#kept + line.length > MOST_KEPT) {
      this.#lose(1);
      return;
    }
    this.#lines.push(line);
    this.#kept += line.length;
    this.#proceed();
  }

  /** Writes what is kept, synchronously as far as the descriptor takes it; the rest is lost. */
  flushSync(): void {
    // A chunk that a thread has in hand is written by it.
    const inHand = this.#inThread ? this.#chunk : null;
    let chunk = inHand === null ? this.#chunk : null;
    for (let tries = 0; chunk !== null || this.#lines.length > 0; ) {
      chunk ??= this.#take();
      try {
        chunk.offset += writeSync(this.#descriptor, chunk.bytes, chunk.offset);
        if (chunk.offset < chunk.bytes.length) continue;
        chunk = null;
        this.#succeeded();
      } catch (error) {
        tries += 1;
        if (isBusy(error) && tries < LAST_TRIES) pause();
        else {
          this.#giveUp(codeOf(error), chunk?.lines ?? 0);
          break;
        }
      }
    }
    this.#chunk = inHand;
  }

  #proceed(): void {
    if (this.#chunk !== null) return;
    if (this.#kept >= LARGEST_WRITE) this.#start();
    else if (!this.#gathering && this.#lines.length > 0) {
      this.#gathering = true;
      startTimer(() => {
        this.#gathering = false;
        if (this.#chunk === null && this.#lines.length > 0) this.#start();
      }, GATHER)?.unref();
    }
  }

  #start(): void {
    this.#chunk = this.#take();
    this.#attempt(this.#chunk);
  }

  #attempt(chunk: Chunk): void {
    // It was written synchronously meanwhile, or given up.
    if (this.#chunk !== chunk) return;
    this.#inThread = true;
    write(this.#descriptor, chunk.bytes, chunk.offset, null, null, (error, count) => {
      this.#inThread = false;
      if (error !== null) return this.#retry(chunk, error);
      chunk.offset += count;
      if (chunk.offset < chunk.bytes.length) return this.#attempt(chunk);
      this.#chunk = null;
      this.#succeeded();
      this.#proceed();
    });
  }

  #retry(chunk: Chunk, error: NodeJS.ErrnoException): void {
    const busy = isBusy(error);
    if (!busy) this.#fail(codeOf(error));
    startTimer(() => this.#attempt(chunk), busy ? BUSY_PAUSE : FAILED_PAUSE)?.unref();
  }

  #succeeded(): void {
    this.#failing = false;
    if (this.#unsaid === 0) return;
    const line = this.#report.recovered(this.#unsaid);
    this.#unsaid = 0;
    this.#lines.unshift(line);
    this.#kept += line.length;
  }

  #fail(code: string): void {
    if (this.#failing) return;
    this.#failing = true;
    this.#report.failing(code);
  }

  #giveUp(code: string, inChunk: number): void {
    this.#fail(code);
    this.#lose(inChunk + this.#lines.length);
    this.#lines = [];
    this.#kept = 0;
  }

  #lose(lines: number): void {
    this.#lost += lines;
    this.#unsaid += lines;
  }

  #take(): Chunk {
    let length = 0;
    let count = 0;
    for (const line of this.#lines) {
      if (count > 0 && length + line.length > LARGEST_WRITE) break;
      length += line.length;
      count += 1;
    }
    const taken = count === this.#lines.length ? this.#lines : this.#lines.splice(0, count);
    if (taken === this.#lines) this.#lines = [];
    this.#kept -= length;
    return { bytes: Buffer.from(taken.join('')), lines: count, offset: 0 };
  }
}

function isBusy(error: unknown): boolean {
  return ['EAGAIN', 'EBUSY'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE);
}
