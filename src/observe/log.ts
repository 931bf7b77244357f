/**
 * The log: pino writing straight to a file descriptor, asynchronously and within a bound, so that a
 * reader that stops reading costs lines (counted) and never stalls or fills the process.
 */
import { pino } from 'pino';
import type { Log } from '../deps.ts';
import type { LogPolicy } from '../policy/policy.ts';
import { prettyStream } from './pretty.ts';
import { visibleText } from './visible-text.ts';

/** What is kept in memory while the destination does not take it, in bytes; more is dropped. */
const MAXIMUM_BUFFERED = 8 * 1024 * 1024;
/** Lines are gathered up to this many bytes (less than 16 KiB, which pino writes at once), or for FLUSH_EVERY milliseconds, before one write: each costs a hop to a thread. */
const GATHERED = 16_000;
const FLUSH_EVERY = 50;
/** How often the last write is tried again, each 100 ms after the one before, where the reader takes nothing. */
const LAST_TRIES = 10;

const GATHERING = {
  sync: false,
  minLength: GATHERED,
  maxLength: MAXIMUM_BUFFERED,
  periodicFlush: FLUSH_EVERY,
} as const;

/** A log and what its owner needs at the end. */
export interface RunningLog extends Log {
  /** Lines dropped because the destination did not keep up. */
  dropped(): number;
  /** Applies another level at a reload. */
  setLevel(level: LogPolicy['level']): void;
  /** Writes what is buffered, synchronously as far as the descriptor takes it; for the last moments of a process. */
  flushSync(): void;
}

/**
 * Opens the log.
 * @param descriptor 1 for stdout, 2 for stderr
 * @param now epoch milliseconds
 */
export function openLog(
  policy: Pick<LogPolicy, 'level' | 'format'>,
  descriptor: number,
  now: () => number,
): RunningLog {
  let triesLeft = Number.POSITIVE_INFINITY;
  const destination = pino.destination({
    ...GATHERING,
    fd: descriptor,
    retryEAGAIN: () => {
      triesLeft -= 1;
      return triesLeft > 0;
    },
  });
  let dropped = 0;
  destination.on('drop', () => {
    dropped += 1;
  });
  // A reader that went away (EPIPE) must not end the gate; what it would have read is lost.
  destination.on('error', () => {
    dropped += 1;
  });
  const stream = policy.format === 'pretty' ? prettyStream(destination) : destination;
  const logger = pino(
    {
      level: policy.level,
      base: null,
      timestamp: () => `,"time":"${timestamp(now())}"`,
      formatters: { level: (label) => ({ level: label }) },
      // What providers and files say gets into lines as well; the lines of requests have seen to it themselves.
      hooks: { streamWrite: visibleText },
    },
    stream,
  );
  return {
    line: (level, members, message) => {
      if (!logger.isLevelEnabled(level)) return;
      stream.write(`{"level":"${level}","time":"${timestamp(now())}",${members},"msg":"${message}"}\n`);
    },
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    dropped: () => dropped,
    setLevel: (level) => {
      logger.level = level;
    },
    flushSync: () => {
      // Tried for ever, be it here or by timers afterwards, it would keep a process that was told to end.
      triesLeft = LAST_TRIES;
      try {
        destination.flushSync();
      } catch {
        // Nobody reads any more: there is nothing left to say it to, and pino would try once more at the exit.
        logger.level = 'silent';
        destination.destroy();
      }
    },
  };
}

let latest = 0;
let latestText = '';

/** RFC 3339 in UTC. Many lines share a millisecond, and it is written once for them. */
function timestamp(milliseconds: number): string {
  if (milliseconds !== latest) {
    latest = milliseconds;
    latestText = new Date(milliseconds).toISOString();
  }
  return latestText;
}
