/**
 * Logins that are bound to a connection. NTLM and Negotiate authenticate the TCP connection instead of the request
 * (RFC 4559 section 6): whatever follows on it is served as the user who logged in. An upstream connection on which
 * such a login was forwarded or asked for therefore belongs to one client connection, and ends with it.
 */
import type { Duplex } from 'node:stream';
import { type Departing, forgetDeparture, watchDeparture } from './departures.ts';
import type { SteadyClient } from './steady-client.ts';
import type { Target } from './target.ts';

/** Also inside of a list of challenges. A word too many costs a connection; one too few would give it to another client. */
const ASKED_FOR = /\b(?:ntlm|negotiate|kerberos|nego2|pku2u)\b/i;
const FORWARDED = /^[\s,"]*(?:ntlm|negotiate|kerberos|nego2|pku2u)\b/i;

/** Whether the value of WWW-Authenticate or Proxy-Authenticate names a scheme that authenticates the connection. */
export function asksForConnectionLogin(value: string): boolean {
  return ASKED_FOR.test(value);
}

/**
 * Whether a request carries credentials that authenticate the connection, in whichever field.
 * @param headers flat list of names and values, as the upstream gets it
 */
export function carriesConnectionLogin(headers: readonly string[]): boolean {
  for (let i = 1; i < headers.length; i += 2) if (FORWARDED.test(headers[i] ?? '')) return true;
  return false;
}

/** An upstream connection, outside of the pool, that serves one client connection. It is opened anew when it was lost. */
export interface BoundConnection {
  readonly target: Target;
  readonly client: SteadyClient;
}

class Bound implements BoundConnection, Departing {
  readonly target: Target;
  readonly client: SteadyClient;
  readonly #departed: () => void;

  constructor(target: Target, client: SteadyClient, departed: () => void) {
    this.target = target;
    this.client = client;
    this.#departed = departed;
  }

  departed(): void {
    this.#departed();
    void this.client.destroy();
  }
}

/** The bound connections of one upstream: at most one for each client connection, so `limits.connections` bounds them. */
export class BoundConnections {
  readonly #byClient = new Map<Duplex, Bound>();

  /** The upstream connection of this client connection; undefined without one. */
  of(client: Duplex): BoundConnection | undefined {
    return this.#byClient.get(client);
  }

  /** Binds an upstream connection to a client connection. The one that was bound before closes when it is idle. */
  bind(client: Duplex, target: Target, connection: SteadyClient): BoundConnection {
    this.#release(client);
    const bound = new Bound(target, connection, () => this.#byClient.delete(client));
    if (watchDeparture(client, bound)) this.#byClient.set(client, bound);
    else void connection.close();
    return bound;
  }

  /** Lets what is under way end, then closes all. */
  async close(): Promise<void> {
    await Promise.all([...this.#byClient.keys()].map((client) => this.#release(client)));
  }

  /** Cuts what is under way. */
  async destroy(): Promise<void> {
    const all = [...this.#byClient];
    this.#byClient.clear();
    for (const [client, bound] of all) forgetDeparture(client, bound);
    await Promise.all(all.map(([, bound]) => bound.client.destroy()));
  }

  /** Not before its requests have ended; a client that leaves meanwhile ends them. */
  async #release(client: Duplex): Promise<void> {
    const bound = this.#byClient.get(client);
    if (bound === undefined) return;
    this.#byClient.delete(client);
    forgetDeparture(client, bound);
    await bound.client.close();
  }
}
