/**
 * The attempts to hand one request to its upstream. The first is nearly always the only one: another target
 * is tried when no connection could be made, and a lost idle connection is replaced once, for a request
 * that may be repeated. Never sends twice what might have been received.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { optionTime } from '../timers.ts';
import { carriesConnectionLogin } from './connection-logins.ts';
import type { Upstream, Upstreams } from './dispatcher.ts';
import { isConnectionLoss, isOurs } from './errors.ts';
import type { ForwardPlan } from './forward-plan.ts';
import { Passage } from './passage.ts';
import { type BodyWatcher, RequestBody } from './request-body.ts';
import { hostFor, requestHeaders } from './request-headers.ts';
import type { CarriedHandler, CarryingConnection, SteadyClient } from './steady-client.ts';
import type { Target } from './target.ts';

/** Methods that mean the same done twice as once (RFC 9110 section 9.2.2), as far as we forward them. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Hands one request to its upstream, and again where that is safe. */
export class Attempts {
  /** Null for a request without one. */
  readonly body: RequestBody | null = null;
  readonly #plan: ForwardPlan;
  readonly #upstream: Upstream;
  readonly #headers: string[];
  readonly #clientSocket: Socket;
  #target: Target;
  /** That of the client connection, where a login may be bound to it. */
  #bound: SteadyClient | null = null;
  /** For this request alone: a repetition, or a login that may not be kept. */
  #ownClient: SteadyClient | null = null;
  /** The client that carries the request, of the pool or not. */
  #carrier: SteadyClient | null = null;
  #connection: CarryingConnection | null = null;
  #begun = false;
  #made = 0;
  #written = false;
  #reused = false;
  #answered = false;

  /** @param watcher hears of a body that breaks its bounds */
  constructor(upstreams: Upstreams, request: IncomingMessage, plan: ForwardPlan, watcher: BodyWatcher) {
    const { wire, route } = plan;
    this.#plan = plan;
    this.#upstream = upstreams.of(route.upstream);
    this.#clientSocket = request.socket;
    const bound = keepsLogins(plan) ? this.#upstream.bound.of(request.socket) : undefined;
    this.#bound = bound?.client ?? null;
    this.#target = bound?.target ?? this.#upstream.pick();
    this.#headers = requestHeaders(upstreams.headerRules, plan, this.#target.authority);
    if (bound === undefined && route.forwardCredential && carriesConnectionLogin(this.#headers)) {
      this.#openApart();
    }
    const hasBody = wire.body === 'chunked' || wire.contentLength > 0;
    if (!hasBody) return;
    const bounds = { bytes: route.bodyBytes, idle: route.idleTimeout };
    this.body = new RequestBody(request, bounds, watcher, new Passage(upstreams.turns, plan.peer));
  }

  /** Hands the request to a connection; `handler` hears of everything else. */
  send(handler: CarriedHandler): void {
    const { wire, route, target: path } = this.#plan;
    this.#made += 1;
    this.#written = false;
    this.#headers[1] = hostFor(this.#plan, this.#target.authority);
    const options: Dispatcher.DispatchOptions & { servername: string } = {
      path,
      method: wire.method,
      headers: this.#headers,
      body: this.body,
      headersTimeout: optionTime(route.responseTimeout),
      bodyTimeout: 0,
      // Left to itself undici closes the connection after every body of an unusual method. After HEAD it must be closed: a
      // body that should not be there may come late, and would be the answer to the next caller (RFC 9112 section 6.3).
      // A bound connection has one client only, whose login would be lost.
      reset: this.#bound === null && (this.#ownClient !== null || wire.method === 'HEAD'),
      servername: this.#target.serverName,
    };
    (this.#bound ?? this.#ownClient ?? this.#target).dispatch(options, handler);
  }

  /**
   * Sends once more after a failure, if that is safe: when no connection could be made and another target is
   * left, or when a connection that was used before closed under a request without a body that may be
   * repeated (RFC 9112 section 9.3.1). False when the failure stands.
   */
  sendAgain(error: Error, handler: CarriedHandler): boolean {
    if (this.#written) {
      const repeatable = this.body === null && IDEMPOTENT.has(this.#plan.wire.method);
      if (!repeatable || !this.#reused || this.#answered || !isConnectionLoss(error)) return false;
      // A bound client is the only user of its connection, and has opened a new one by then.
      if (this.#bound === null) this.#openOwn();
    } else {
      if (isOurs(error)) return false;
      this.#upstream.unreachable(this.#target);
      if (this.#made >= this.#upstream.size) return false;
      this.#target = this.#upstream.pick();
      // What the repetition had leads to the target that is gone.
      if (this.#bound !== null) this.#openApart();
      else if (this.#ownClient !== null) this.#openOwn();
    }
    this.send(handler);
    return true;
  }

  /** A connection to the target that nobody else uses. */
  #openOwn(): void {
    void this.#ownClient?.close();
    this.#ownClient = this.#target.ownClient();
  }

  /** A connection that no other client uses: the client connection's own, where it may keep a login. */
  #openApart(): void {
    if (!keepsLogins(this.#plan)) {
      this.#openOwn();
      return;
    }
    this.#bound = this.#target.ownClient();
    this.#upstream.bound.bind(this.#clientSocket, this.#target, this.#bound);
  }

  carriedBy(connection: CarryingConnection, client: SteadyClient): void {
    this.#connection = connection;
    this.#carrier = client;
  }

  /** The answer asks for a login that its connection keeps: the pool never gets it back (RFC 4559 section 6). */
  leavePool(): void {
    const carrier = this.#carrier;
    if (carrier === null || this.#bound !== null || this.#ownClient !== null) return;
    carrier.leavePool();
    if (keepsLogins(this.#plan)) this.#upstream.bound.bind(this.#clientSocket, this.#target, carrier);
    else void carrier.close();
  }

  /** The request is about to be written. True the first time that it is. */
  writing(): boolean {
    const first = !this.#begun;
    this.#begun = true;
    this.#written = true;
    this.#reused = this.#connection?.take() ?? false;
    return first;
  }

  /** The first byte of an answer came. */
  answered(): void {
    this.#answered = true;
  }

  /** The connection failed, so that a body which only its end delimits may not be whole. */
  get brokenOff(): boolean {
    return this.#connection?.broken === true;
  }

  /** Gives back what the attempts hold. */
  close(): void {
    void this.#ownClient?.close();
  }
}

/**
 * Whether a login may last on a connection of this client: where credentials are forwarded that no rule of ours judged. A
 * trusted proxy sends the requests of many clients on one connection, and each would be served as the one who logged in.
 */
function keepsLogins({ route, trusted }: ForwardPlan): boolean {
  return route.forwardCredential && route.auth === 'none' && !trusted;
}
