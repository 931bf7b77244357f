/**
 * undici's client for one connection, made safe to be in a pool: a request that undici refuses does not
 * count as one under way, and what became of the connection can be asked.
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { type buildConnector, Client, type Dispatcher } from 'undici';
import { HeadRepair } from './head-repair.ts';
import { readBeforeFailing } from './write-failures.ts';

/** What an exchange may ask of the connection that carries it. */
export interface CarryingConnection {
  /** Takes the connection into use; true when it was used before, so that it may be closing under us. */
  take(): boolean;
  /** The connection failed instead of being ended: what was read until then may not be all. */
  readonly broken: boolean;
}

/** A handler that wants to know its connection; told before the request is written. */
export interface CarriedHandler extends Dispatcher.DispatchHandler {
  /** Nobody waits for the answer any more. */
  readonly abandoned?: boolean;
  onCarrier?(connection: CarryingConnection, client: SteadyClient): void;
}

class Connection implements CarryingConnection {
  readonly heads = new HeadRepair();
  broken = false;
  /** Of the last request. */
  handler: CarriedHandler | null = null;
  #used = false;

  opened(): void {
    this.broken = false;
    this.#used = false;
    this.heads.begin();
  }

  take(): boolean {
    const used = this.#used;
    this.#used = true;
    this.heads.begin();
    return used;
  }
}

/** A client whose refusal of one request never counts as back-pressure for the pool that holds it. */
export class SteadyClient extends Client {
  readonly #connection: Connection;

  /**
   * @param connect opens the connection; shared by the clients of one target, so that TLS sessions are too
   * @param failed hears of an error that belongs to no exchange
   */
  constructor(
    origin: string | URL,
    options: Client.Options,
    connect: buildConnector.connector,
    failed: (error: Error) => void,
  ) {
    const connection = new Connection();
    super(origin, { ...options, connect: watched(connect, connection) });
    this.#connection = connection;
    listenForErrors(this, failed);
  }

  /**
   * undici's pool takes `false` for "busy", and waits for a drain that never comes when the request was in
   * truth refused: each such refusal would cost the pool a connection for good.
   */
  override dispatch(options: Dispatcher.DispatchOptions, handler: CarriedHandler): boolean {
    this.#connection.handler = handler;
    handler.onCarrier?.(this.#connection, this);
    return super.dispatch(options, handler) || this.stats.size === 0;
  }

  /**
   * Takes the client out of the pool that holds it; what it carries goes on. A pool gives no more requests to a client
   * that reports a failed connection. It has one request at most, so that none waits behind the present one.
   */
  leavePool(): void {
    announceFailure(this);
  }
}

/** Without a listener an error inside an error handler would end the process. undici's types do not know the event. */
function listenForErrors(client: EventEmitter, failed: (error: Error) => void): void {
  client.on('error', failed);
}

/** To its pool alone: undici's own listeners are the only ones. undici's types do not know the method. */
function announceFailure(client: EventEmitter): void {
  client.emit('connectionError', null, [client], new Error('taken out of the pool'));
}

/**
 * Puts right four things about connections. The parser gets header sections that it can read. A write that fails would hide the answer that came before it. undici takes a reset for the end of a body that only the end of its
 * connection delimits: whoever listens first knows better. And when a request is given up, undici takes it for
 * one to be sent again, and connects anew only to find that nobody wants it.
 */
function watched(connect: buildConnector.connector, connection: Connection): buildConnector.connector {
  return (options, callback) => {
    if (connection.handler?.abandoned === true) {
      queueMicrotask(() => callback(new Error('the request was given up'), null));
      return;
    }
    connect(options, (...outcome) => {
      // A failure is told by one argument, whatever the types say.
      const socket: Socket | null | undefined = outcome[1];
      if (socket) {
        connection.opened();
        readBeforeFailing(socket);
        repairHeads(socket, connection.heads);

        socket.prependListener('error', (error) => {
          connection.broken = true;
          // Node tells of a TLS alert without ending the socket, and undici of the end that follows instead of the alert.
          socket.destroy(error);
        });
      }
      callback(...outcome);
    });
  };
}

/** undici asks for what came by `read`. A tunnel listens for `data`, which is untouched. */
function repairHeads(socket: Socket, heads: HeadRepair): void {
  const { read } = socket;
  socket.read = (size) => {
    const piece: unknown = read.call(socket, size);
    return piece instanceof Buffer ? heads.take(piece) : piece;
  };
}
