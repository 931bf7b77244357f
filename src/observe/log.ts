/** The log: pino's lines and those of requests, to one file descriptor. */
import { pino } from 'pino';
import type { Log } from '../deps.ts';
import type { LogPolicy } from '../policy/policy.ts';
import { LogDestination } from './log-destination.ts';
import { prettyLine, prettyStream } from './pretty.ts';
import { visibleText } from './visible-text.ts';

/** A log and what its owner needs at the end. */
export interface RunningLog extends Log {
  /** Lines that are lost because the destination did not take them. */
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
 * @param tell where it can be said that the log cannot be written
 */
export function openLog(
  policy: Pick<LogPolicy, 'level' | 'format'>,
  descriptor: number,
  now: () => number,
  tell: (message: string) => void = () => {},
): RunningLog {
  const lostLine = (lost: number) =>
    `{"level":"warn","time":"${timestamp(now())}","lines_lost":${lost},"msg":"log lines were lost"}\n`;
  const destination = new LogDestination(descriptor, {
    failing: (code) => tell(`the log cannot be written (${code}); lines are kept in memory, then lost`),
    recovered: (lost) => (policy.format === 'pretty' ? prettyLine(lostLine(lost)) : lostLine(lost)),
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
    dropped: () => destination.lost,
    setLevel: (level) => {
      logger.level = level;
    },
    flushSync: () => destination.flushSync(),
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
