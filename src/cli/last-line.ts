/**
 * The last line of `run`: whatever ends the process but a stop that the log tells of is said on stderr. Written at once,
 * since a process that ends does not wait for its streams. It holds nothing of requests and policies.
 */
import { writeSync } from 'node:fs';
import { constants } from 'node:os';

/** They end a process without a word where they are not handled; SIGINT, SIGTERM and SIGHUP are handled once it serves. */
const FATAL = ['SIGQUIT', 'SIGUSR2', 'SIGALRM', 'SIGVTALRM', 'SIGXCPU'] as const;
const STOPPING = ['SIGINT', 'SIGTERM'] as const;

/** Null where the end was told already. */
let cause: string | null = null;

/** Writes to stderr at once. A reader that went away or does not take it is no error. */
export function writeLast(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // There is no other place to say it.
  }
}

/** What the last line calls the cause of the end; null for an end that was told already. */
export function endsBy(why: string | null): void {
  cause = why;
}

/** Ends the process as a signal does, with exit code 128 and its number; a signal itself would not end process 1. */
function endBySignal(signal: NodeJS.Signals, when = ''): never {
  endsBy(signal + when);
  process.exit(128 + constants.signals[signal]);
}

const stopEarly = (signal: NodeJS.Signals): void => endBySignal(signal, ' while starting');

let isReloadAsked = false;
const askReload = (): void => {
  isReloadAsked = true;
};

/** From now on the last line is written, and names the signal that ends the process. */
export function tellEnd(): void {
  endsBy('no work was left, though nothing asked it to stop');
  process.on('exit', (code) => {
    if (cause !== null) writeLast(`sallyport: ended with exit code ${code}: ${cause}\n`);
  });
  for (const signal of STOPPING) process.on(signal, stopEarly);
  for (const signal of FATAL) process.on(signal, (name: NodeJS.Signals) => endBySignal(name));
  process.on('SIGHUP', askReload);
}

/** It serves, and handles SIGINT, SIGTERM and SIGHUP itself. True where SIGHUP asked for a reload before. */
export function isStarted(): boolean {
  for (const signal of STOPPING) process.off(signal, stopEarly);
  process.off('SIGHUP', askReload);
  return isReloadAsked;
}
