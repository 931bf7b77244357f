/** An address to listen on that is a port alone, which leaves open on which interfaces. */

/** Matches the address, as text or as a number that is written out. */
export const BARE_PORT = /^\d{1,5}$/;

/** What to write instead. */
export const BARE_PORT_MESSAGE =
  'is a port alone; write ":8080" for all interfaces or "127.0.0.1:8080" for this machine only, with the port that you mean';
