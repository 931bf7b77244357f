/**
 * The provider of a soak run: metadata and a key set over HTTP, failing as it is told, and writing down for the oracle
 * what it gave to whom and when. It issues no tokens itself.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { History, SentSet } from './oracle.ts';
import type { OutageKind } from './plan.ts';

/** A public key as it stands in the set. */
export type PublicKey = Readonly<Record<string, unknown>> & { readonly kid: string };

export interface SoakProvider {
  /** Its issuer identifier. */
  readonly url: string;
  readonly history: History;
  /** Requests answered or failed, metadata and key sets. */
  requests(): number;
  publish(key: PublicKey): void;
  withdraw(kid: string): void;
  /** Fails in this way from now on. */
  fail(kind: OutageKind): Promise<void>;
  recover(): Promise<void>;
  stop(): Promise<void>;
}

const METADATA = '/.well-known/openid-configuration';
/** Where metadata is looked for first (RFC 8414 section 3). */
const FIRST_ASKED = '/.well-known/oauth-authorization-server';
const KEYS = '/keys';
/** A set that was sent this short a time before an outage may have been lost with its connection, in milliseconds. */
const MAY_BE_LOST = 500;
const DRIP = 100;
/** Between two attempts that fail, in milliseconds. */
const SHORTEST_PAUSE = 3750;

/** Listens on a free port of loopback with an empty set. */
export async function startProvider(): Promise<SoakProvider> {
  const provider = new Provider();
  await provider.recover();
  return provider;
}

class Provider implements SoakProvider {
  readonly history: History = { sent: [], attempts: [], spent: [], doubts: [], published: new Map() };
  readonly #keys = new Map<string, PublicKey>();
  #server: Server | null = null;
  #port = 0;
  #failing: OutageKind | null = null;
  #requests = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  requests(): number {
    return this.#requests;
  }

  publish(key: PublicKey): void {
    this.#keys.set(key.kid, key);
    this.history.published.set(key.kid, { from: Date.now(), to: Number.POSITIVE_INFINITY });
  }

  withdraw(kid: string): void {
    this.#keys.delete(kid);
    const stretch = this.history.published.get(kid);
    if (stretch !== undefined) this.history.published.set(kid, { from: stretch.from, to: Date.now() });
  }

  async fail(kind: OutageKind): Promise<void> {
    const from = Date.now();
    this.#failing = kind;
    this.history.doubts.push({ from, outageEnd: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY });
    const last = this.history.sent.at(-1);
    if (last !== undefined && from - last.at < MAY_BE_LOST) last.certain = false;
    if (kind === 'refused') await this.#close();
  }

  async recover(): Promise<void> {
    const doubt = this.history.doubts.at(-1);
    if (this.#failing === 'refused' && doubt !== undefined) {
      // Nobody saw them: as many as may have been.
      for (let at = doubt.from; at < Date.now(); at += SHORTEST_PAUSE) this.history.spent.push(at);
      this.history.spent.sort((left, right) => left - right);
    }
    if (this.#server === null) await this.#listen();
    // Whoever was kept waiting must not get more of the old kind of answer.
    else this.#server.closeAllConnections();
    this.#failing = null;
    if (doubt !== undefined && doubt.outageEnd === Number.POSITIVE_INFINITY) doubt.outageEnd = Date.now();
  }

  stop(): Promise<void> {
    return this.#close();
  }

  async #listen(): Promise<void> {
    const server = createServer((request, response) => this.#answer(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.#port, '127.0.0.1', () => resolve());
    });
    const { port } = server.address() as AddressInfo;
    this.#port = port;
    this.#server = server;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#requests += 1;
    if (this.#failing !== null) {
      if (request.url === KEYS || request.url === FIRST_ASKED) this.#failed(Date.now());
      failures[this.#failing](response);
    } else if (request.url === METADATA) {
      send(response, { issuer: this.url, jwks_uri: `${this.url}${KEYS}` });
    } else if (request.url === KEYS) {
      this.#sendKeys(response);
    } else {
      response.writeHead(404).end();
    }
  }

  #failed(at: number): void {
    this.history.attempts.push(at);
    this.history.spent.push(at);
  }

  #sendKeys(response: ServerResponse): void {
    const at = Date.now();
    const set: SentSet = { at, kids: new Set(this.#keys.keys()), certain: true };
    this.history.attempts.push(at);
    this.history.sent.push(set);
    for (const doubt of this.history.doubts) if (doubt.to === Number.POSITIVE_INFINITY) doubt.to = at;
    response.once('close', () => {
      if (response.writableFinished) return;
      set.certain = false;
      this.history.doubts.push({ from: at, outageEnd: Date.now(), to: Number.POSITIVE_INFINITY });
    });
    send(response, { keys: [...this.#keys.values()] });
  }
}

function send(response: ServerResponse, document: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
}

/** What each kind of outage does to a request; a provider that refuses connections sees none. */
const failures: Readonly<Record<OutageKind, (response: ServerResponse) => void>> = {
  refused: (response) => response.destroy(),
  error: (response) => response.writeHead(500, { 'content-type': 'text/plain' }).end('out of order'),
  html: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>sign in</html>'),
  silence: () => undefined,
  endless: (response) => {
    const block = `${' '.repeat(16_384)}`;
    const pour = (): void => {
      while (!response.destroyed && response.write(block));
      if (!response.destroyed) response.once('drain', pour);
    };
    response.writeHead(200, { 'content-type': 'application/json' });
    pour();
  },
  drip: (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100_000 });
    const timer = setInterval(() => response.write(' '), DRIP);
    response.once('close', () => clearInterval(timer));
  },
  cut: (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
    response.write('{"keys": [', () => response.destroy());
  },
  empty: (response) => send(response, { keys: [] }),
};
