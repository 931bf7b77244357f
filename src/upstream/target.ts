/** One address of an upstream: its pool of connections, and connections outside of it. */
import { buildConnector, type Client, type Dispatcher, Pool } from 'undici';
import type { UpstreamPolicy, UpstreamTarget } from '../policy/policy.ts';
import { optionTime } from '../timers.ts';
import { type CarriedHandler, SteadyClient } from './steady-client.ts';

/** Longest response header block, in bytes of names and values. */
const RESPONSE_HEADER_BYTES = 16 * 1024;

/** One address of an upstream and the pool of connections to it. */
export class Target {
  /** For the Host field. */
  readonly authority: string;
  /**
   * Given with every request: undici would otherwise take the name to verify from the Host field, which may
   * be the caller's. The connector below disregards it and uses the policy's.
   */
  readonly serverName: string;
  readonly #origin: string;
  readonly #options: Client.Options;
  readonly #connect: buildConnector.connector;
  readonly #failed: (error: Error) => void;
  #pool: Pool | null = null;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(target: UpstreamTarget, upstream: UpstreamPolicy, failed: (error: Error) => void) {
    this.authority = target.authority;
    this.serverName = new URL(target.origin).hostname;
    this.#origin = target.origin;
    this.#connect = connectorFor(target, upstream);
    this.#failed = failed;
    this.#options = {
      pipelining: 1,
      maxHeaderSize: RESPONSE_HEADER_BYTES,
      bodyTimeout: 0,
      allowH2: false,
    };
  }

  /** Hands a request to a pooled connection, or to a new one. What goes wrong is told to the handler only. */
  dispatch(options: Dispatcher.DispatchOptions, handler: CarriedHandler): void {
    this.#pool ??= new Pool(this.#origin, {
      ...this.#options,
      connections: null,
      factory: (origin, settings) => new SteadyClient(origin, settings, this.#connect, this.#failed),
    });
    this.#pool.dispatch(options, handler);
  }

  /** A connection of its own, outside the pool and opened by its first request; the caller destroys it. */
  ownClient(): SteadyClient {
    return new SteadyClient(this.#origin, this.#options, this.#connect, this.#failed);
  }

  /** Whether a connection could not be made within the last `span` milliseconds. */
  failedSince(now: number, span: number): boolean {
    return now - this.#failedAt < span;
  }

  /** A connection could not be made. */
  failed(now: number): void {
    this.#failedAt = now;
  }

  /** Lets what is under way end, then closes the connections. The next request would open new ones. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = null;
    await pool?.close();
  }

  /** Cuts what is under way. */
  async destroy(): Promise<void> {
    const pool = this.#pool;
    this.#pool = null;
    await pool?.destroy();
  }
}

/** Certificates are verified against the target's own name, or `tls.server_name`, unless the policy says not to. */
function connectorFor(target: UpstreamTarget, upstream: UpstreamPolicy): buildConnector.connector {
  const { ca, cert, key, serverName, insecureSkipVerify } = upstream.tls;
  const connect = buildConnector({
    timeout: optionTime(upstream.connectTimeout),
    allowH2: false,
    rejectUnauthorized: !insecureSkipVerify,
    ...(target.socketPath !== null && { socketPath: target.socketPath }),
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
    ...(serverName !== null && { servername: serverName }),
  });
  return ({ servername: _fromRequest, ...options }, callback) => connect(options, callback);
}
