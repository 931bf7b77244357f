/** What the outside world is to the server: a clock and a log, handed in so that tests own them. */

/** Structured log; fields are ours, untrusted text only as values. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /**
   * Writes a line whose members are JSON text already, such as `"status":401,"path":"/a"`: for the lines of
   * requests, which must cost little.
   */
  line(level: 'trace' | 'info' | 'warn', members: string, message: string): void;
}

export interface Dependencies {
  /** Epoch milliseconds. The only clock: nothing in src reads another for a decision. */
  readonly now: () => number;
  readonly log: Log;
}
