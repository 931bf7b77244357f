/**
 * A WebSocket handshake on its way to the upstream, and the tunnel when it succeeds. The caller gets 101 only
 * after the upstream's own; what the upstream says instead is passed on as it is, and the connection ends.
 */
import type { Duplex } from 'node:stream';
import { elapsed } from '../observe/stopwatch.ts';
import { discardBytes } from '../refusals/linger.ts';
import type { Refusal } from '../refusals/refusal.ts';
import { optionTime } from '../timers.ts';
import { type Departing, forgetDeparture, watchDeparture } from './departures.ts';
import type { Upstream, Upstreams } from './dispatcher.ts';
import { badResponse, forwardingFailed, refusalFor } from './errors.ts';
import type { ExchangeEnd, ForwardPlan } from './forward-plan.ts';
import type { Waiter } from './in-flight.ts';
import { flawOfInterim, judgeAnswer } from './judge-answer.ts';
import type { OpenStream, StreamEnd } from './open-streams.ts';
import { Passage } from './passage.ts';
import { requestHeaders } from './request-headers.ts';
import { SocketAnswer } from './socket-answer.ts';
import { Splice } from './splice.ts';
import type { CarriedHandler, SteadyClient } from './steady-client.ts';
import { subprotocolsOf } from './subprotocols.ts';
import { readSwitch } from './switching-protocols.ts';

/** The caller's connection, taken over from HTTP. */
export interface UpgradedConnection {
  readonly socket: Duplex;
  /** What the caller sent behind the handshake. */
  readonly head: Buffer;
}

/** `undici` calls the `on...` methods; none of them may throw. */
export class Tunnel implements CarriedHandler, Waiter, Departing, OpenStream {
  readonly plan: ForwardPlan;
  readonly #upstreams: Upstreams;
  readonly #upstream: Upstream;
  readonly #connection: UpgradedConnection;
  #client: SteadyClient | null = null;
  #abort: ((error?: Error) => void) | null = null;
  #answer: SocketAnswer | null = null;
  #splice: Splice | null = null;
  #state: 'waiting' | 'asking' | 'answering' | 'open' | 'over' = 'waiting';
  #holdsPlace = false;
  #interim = 0;
  #status = 0;
  #askedAt = 0;
  #upstreamDuration = -1;

  constructor(upstreams: Upstreams, connection: UpgradedConnection, plan: ForwardPlan) {
    this.#upstreams = upstreams;
    this.#upstream = upstreams.of(plan.route.upstream);
    this.#connection = connection;
    this.plan = plan;
  }

  /** Takes its place among those in flight until the tunnel is open; everything else follows from there. */
  start(): void {
    const { socket } = this.#connection;
    this.#upstream.enter();
    socket.on('error', ignore);
    this.#upstreams.inFlight.handshakes.add(this);
    if (watchDeparture(socket, this)) this.#upstreams.inFlight.enter(this);
    else this.departed();
  }

  admitted(): void {
    this.#holdsPlace = true;
    if (this.#isOver()) {
      this.#giveBackPlace();
      return;
    }
    try {
      this.#ask();
    } catch (error) {
      this.#refuse(forwardingFailed(error instanceof Error ? error.name : 'unknown'));
    }
  }

  turnedAway(reason: 'queue_full' | 'queue_timeout'): void {
    if (!this.#isOver()) this.#refuse({ kind: 'overloaded', reason, retryAfter: 1 });
  }

  /** On a connection of its own: one that has become a tunnel can never go back to a pool. */
  #ask(): void {
    const { route, target: path, wire } = this.plan;
    const target = this.#upstream.pick();
    this.#state = 'asking';
    this.#askedAt = elapsed();
    this.#client = target.ownClient();
    const options = {
      path,
      method: wire.method,
      headers: requestHeaders(this.#upstreams.headerRules, this.plan, target.authority),
      upgrade: 'websocket',
      headersTimeout: optionTime(route.responseTimeout),
      bodyTimeout: optionTime(route.idleTimeout),
      servername: target.serverName,
    };
    this.#client.dispatch(options, this);
  }

  onConnect(abort: (error?: Error) => void): void {
    if (this.#isOver()) abort();
    else this.#abort = abort;
  }

  onUpgrade(_status: number, raw: Buffer[] | string[] | null, upstream: Duplex): void {
    this.#abort = null;
    upstream.on('error', ignore);
    if (this.#isOver()) {
      upstream.destroy();
      return;
    }
    this.#upstreamDuration = elapsed() - this.#askedAt;
    const subprotocols = subprotocolsOf(this.#upstreams.headerRules.embedded, this.plan);
    const answer = readSwitch(this.plan, subprotocols, (raw ?? []).map(toBuffer));
    if (answer.ok) {
      this.#open(answer.head, upstream);
    } else {
      upstream.destroy();
      this.#refuse(badResponse(answer.cause));
    }
  }

  #open(head: string, upstream: Duplex): void {
    const { socket, head: early } = this.#connection;
    const { route } = this.plan;
    this.#state = 'open';
    this.#upstreams.inFlight.handshakes.delete(this);
    this.#status = 101;
    this.#giveBackPlace();
    socket.write(head, 'latin1');
    const idle = route.idleTimeoutBindsStreams ? route.idleTimeout : Number.POSITIVE_INFINITY;
    const pace = { idle, turns: this.#upstreams.turns, peer: this.plan.peer };
    this.#splice = new Splice(socket, upstream, pace, (end) => this.#over(end));
    this.#splice.begin(early);
    this.#upstreams.openStreams.add(this);
  }

  /** Another answer than 101: a plain response, after which the connection ends. */
  onHeaders(status: number, raw: Buffer[], resume: () => void, reason: string): boolean {
    if (this.#isOver()) return true;
    if (status < 200) {
      this.#interim += 1;
      const flaw = flawOfInterim(status, this.#interim);
      if (flaw !== null) this.#refuse(flaw);
      return true;
    }
    this.#upstreamDuration = elapsed() - this.#askedAt;
    const head = judgeAnswer(this.plan, status, raw);
    if (!head.ok) {
      this.#refuse(head.refusal);
      return true;
    }
    this.#state = 'answering';
    this.#status = status;
    const passage = new Passage(this.#upstreams.turns, this.plan.peer);
    this.#answer = new SocketAnswer(this.#connection.socket, head.framing, resume, passage);
    this.#answer.begin(status, reason, head.headers);
    return true;
  }

  onData(chunk: Buffer): boolean {
    return this.#answer?.write(chunk) ?? false;
  }

  onComplete(): void {
    if (this.#isOver()) return;
    const { socket } = this.#connection;
    socket.end();
    this.#over('complete');
    discardBytes(socket, () => socket.destroy());
  }

  onError(error: Error): void {
    if (this.#isOver()) return;
    this.#abort = null;
    if (this.#state === 'answering') {
      this.#over('upstream_cut');
      this.#answer?.cut();
    } else {
      this.#refuse(refusalFor(error));
    }
  }

  /** Ends an open tunnel with a close frame: 1008 when its credential ended, 1001 when the process stops. */
  end(why: StreamEnd): void {
    this.#splice?.close(why === 'expired' ? 1008 : 1001, why);
  }

  departed(): void {
    // An open tunnel hears of it through its splice.
    if (this.#state !== 'open') this.#over('client_gone');
  }

  /** The process stops before the upstream answered. */
  cut(): void {
    this.#over('going_away');
    this.#connection.socket.destroy();
  }

  #refuse(refusal: Refusal): void {
    this.#release();
    this.#guarded(() => this.plan.refused(refusal));
  }

  #over(end: ExchangeEnd): void {
    if (this.#isOver()) return;
    this.#release();
    const outcome = {
      status: this.#status,
      end,
      bytesIn: this.#splice?.bytesIn ?? 0,
      bytesOut: this.#splice?.bytesOut ?? this.#answer?.bytesOut ?? 0,
      upstreamDuration: this.#upstreamDuration,
    };
    this.#guarded(() => this.plan.done(outcome));
  }

  #release(): void {
    this.#state = 'over';
    this.#upstreams.inFlight.handshakes.delete(this);
    forgetDeparture(this.#connection.socket, this);
    this.#upstreams.openStreams.delete(this);
    if (!this.#holdsPlace) this.#upstreams.inFlight.abandon(this);
    this.#giveBackPlace();
    this.#upstream.leave();
    this.#abort?.();
    void this.#client?.destroy();
  }

  #giveBackPlace(): void {
    if (!this.#holdsPlace) return;
    this.#holdsPlace = false;
    this.#upstreams.inFlight.leave();
  }

  #guarded(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      const name = error instanceof Error ? error.name : 'unknown';
      this.#upstreams.dependencies.log.error({ error: name }, 'the end of a tunnel could not be told');
      this.#connection.socket.destroy();
    }
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }
}

function toBuffer(part: Buffer | string): Buffer {
  return typeof part === 'string' ? Buffer.from(part, 'latin1') : part;
}

/** A socket that fails closes, and that is what is waited for. */
function ignore(): void {}
