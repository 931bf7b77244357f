/** An answer of ours as data, before anybody writes it. */

/** Status, fields and body. */
export interface Answer {
  readonly status: number;
  /** Flat list of names and values; without Content-Length, Connection and Date, which are written here. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** The connection cannot go on after it. */
  readonly close: boolean;
}
