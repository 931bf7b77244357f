/**
 * bcrypt on a thread of its own, since there is none in Node and half a second of arithmetic would stop every
 * other request. This file is both sides: the thread that computes, and the handle of whoever asks it.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { BcryptCompare } from './password-hash.ts';

/** What the thread is told at its start, so that no other thread takes itself for it. */
const ROLE = 'sallyport-bcrypt';

interface Question {
  readonly id: number;
  readonly password: string;
  readonly encoded: string;
}

interface Reply {
  readonly id: number;
  readonly matches: boolean;
}

interface Waiting {
  resolve(matches: boolean): void;
  reject(error: Error): void;
}

/** A thread that is started when it is first asked, and holds no process up while nobody asks. */
export class BcryptThread {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #nextId = 0;
  #isClosing = false;

  /** Rejects when the thread cannot be had. */
  readonly compare: BcryptCompare = (password, encoded) => {
    const worker = this.#started();
    const question: Question = { id: this.#nextId, password, encoded };
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(question.id, { resolve, reject });
      worker.ref();
      worker.postMessage(question);
    });
  };

  /** Ends the thread once all that it was asked is answered. */
  close(): void {
    this.#isClosing = true;
    this.#rest();
  }

  #started(): Worker {
    if (this.#worker !== null) return this.#worker;
    // In the one-file build this is the whole program, whose entry then does what it is told here.
    const worker = new Worker(new URL(import.meta.url), { workerData: ROLE, argv: [] });
    worker.on('message', ({ id, matches }: Reply) => {
      this.#waiting.get(id)?.resolve(matches);
      this.#waiting.delete(id);
      this.#rest();
    });
    worker.on('error', () => this.#lost(worker));
    worker.on('exit', () => this.#lost(worker));
    this.#worker = worker;
    return worker;
  }

  #rest(): void {
    if (this.#waiting.size > 0) return;
    this.#worker?.unref();
    if (!this.#isClosing) return;
    const worker = this.#worker;
    this.#worker = null;
    void worker?.terminate();
  }

  /** Whoever waits is told; whoever asks next gets a new thread. */
  #lost(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new Error('the bcrypt thread ended'));
  }
}

if (!isMainThread && workerData === ROLE) void answerQuestions();

async function answerQuestions(): Promise<void> {
  const { compareSync } = await import('bcryptjs');
  parentPort?.on('message', ({ id, password, encoded }: Question) => {
    const reply: Reply = { id, matches: compareSync(password, encoded) };
    parentPort?.postMessage(reply);
  });
}
