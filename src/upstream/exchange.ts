/**
 * One request with its upstream, from its place in the queue to its last byte. It keeps to three rules:
 * nothing is sent twice that might not be, an answer that was cut short never looks whole, and whoever
 * leaves, on either side, takes the other side along.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { elapsed } from '../observe/stopwatch.ts';
import type { Refusal } from '../refusals/refusal.ts';
import { startTimer, stopTimer } from '../timers.ts';
import { Attempts } from './attempts.ts';
import { type Departing, forgetDeparture, watchDeparture } from './departures.ts';
import type { Upstream, Upstreams } from './dispatcher.ts';
import { badResponse, forwardingFailed, refusalFor } from './errors.ts';
import type { ExchangeEnd, ForwardPlan } from './forward-plan.ts';
import type { Waiter } from './in-flight.ts';
import { flawOfInterim, judgeAnswer } from './judge-answer.ts';
import type { OpenStream, StreamEnd } from './open-streams.ts';
import { Passage } from './passage.ts';
import type { BodyWatcher } from './request-body.ts';
import type { ResponseHead } from './response-headers.ts';
import { ResponseStream, type ResponseWatcher } from './response-stream.ts';
import type { CarriedHandler, CarryingConnection, SteadyClient } from './steady-client.ts';

/** `undici` calls the `on...` methods; none of them may throw. */
export class Exchange implements CarriedHandler, Waiter, Departing, OpenStream, BodyWatcher, ResponseWatcher {
  readonly plan: ForwardPlan;
  readonly #upstreams: Upstreams;
  readonly #upstream: Upstream;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #answer: ResponseStream;
  #attempts: Attempts | null = null;
  #abort: ((error?: Error) => void) | null = null;
  #resume: (() => void) | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  #state: 'waiting' | 'sending' | 'answering' | 'over' = 'waiting';
  #holdsPlace = false;
  #interim = 0;
  #paused = false;
  #head: ResponseHead | null = null;
  #status = 0;
  #bytesOut = 0;
  #sentAt = 0;
  #upstreamDuration = -1;

  constructor(upstreams: Upstreams, request: IncomingMessage, response: ServerResponse, plan: ForwardPlan) {
    this.#upstreams = upstreams;
    this.#upstream = upstreams.of(plan.route.upstream);
    this.#request = request;
    this.#response = response;
    this.#answer = new ResponseStream(request, response, this, new Passage(upstreams.turns, plan.peer));
    this.plan = plan;
  }

  /** Takes its place among those in flight; everything else follows from there. */
  start(): void {
    this.#upstream.enter();
    if (watchDeparture(this.#request.socket, this)) this.#upstreams.inFlight.enter(this);
    else this.departed();
  }

  admitted(): void {
    this.#holdsPlace = true;
    if (this.#isOver()) {
      this.#giveBackPlace();
      return;
    }
    try {
      this.#state = 'sending';
      this.#sentAt = elapsed();
      this.#attempts = new Attempts(this.#upstreams, this.#request, this.plan, this);
      this.#attempts.send(this);
    } catch (error) {
      this.#refuse(forwardingFailed(error instanceof Error ? error.name : 'unknown'));
    }
  }

  turnedAway(reason: 'queue_full' | 'queue_timeout'): void {
    if (!this.#isOver()) this.#refuse({ kind: 'overloaded', reason, retryAfter: 1 });
  }

  get abandoned(): boolean {
    return this.#isOver();
  }

  onCarrier(connection: CarryingConnection, client: SteadyClient): void {
    this.#attempts?.carriedBy(connection, client);
  }

  onConnect(abort: (error?: Error) => void): void {
    if (this.#isOver()) return abort();
    this.#abort = abort;
    const first = this.#attempts?.writing() === true;
    // Only now is it sure that somebody will read the body (RFC 9110 section 10.1.1).
    if (first && this.plan.wire.expectContinue) this.#response.writeContinue();
  }

  onResponseStarted(): void {
    this.#attempts?.answered();
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, reason: string): boolean {
    if (this.#isOver()) return true;
    if (status < 200) {
      this.#interim += 1;
      const flaw = flawOfInterim(status, this.#interim);
      if (flaw !== null) this.#refuse(flaw);
      return true;
    }
    this.#resume = resume;
    this.#upstreamDuration = elapsed() - this.#sentAt;
    const head = judgeAnswer(this.plan, status, raw);
    if (head.ok) this.#begin(status, reason, head);
    else this.#refuse(head.refusal);
    return true;
  }

  #begin(status: number, reason: string, head: ResponseHead): void {
    const { route } = this.plan;
    const unbound = head.eventStream && !route.idleTimeoutBindsStreams;
    const patience = unbound ? Number.POSITIVE_INFINITY : route.idleTimeout;
    if (!this.#answer.begin(status, reason, head, patience)) {
      this.#refuse(badResponse('response_header'));
      return;
    }
    this.#state = 'answering';
    this.#status = status;
    this.#head = head;
    if (head.connectionLogin) this.#attempts?.leavePool();
    if (head.eventStream) {
      // Open for hours: it counts as a connection, not as a request in flight.
      this.#giveBackPlace();
      this.#upstreams.openStreams.add(this);
    }
    // Most answers are over before this runs, and cost neither a timer nor a packet of their own for the header.
    process.nextTick(awaitBody, this, patience);
    if (head.strayBody) this.#complete();
  }

  /** The header came alone: it goes out, and the time until the body counts. */
  awaitBody(patience: number): void {
    if (this.#isOver()) return;
    this.#answer.flush();
    this.#idleTimer = startTimer(() => this.#idle(), patience);
  }

  onData(chunk: Buffer): boolean {
    if (this.#isOver()) return false;
    this.#bytesOut += chunk.length;
    this.#idleTimer?.refresh();
    this.#paused = !this.#answer.write(chunk);
    return !this.#paused;
  }

  onComplete(): void {
    if (this.#isOver()) return;
    if (this.#head?.framing === 'until_close' && this.#attempts?.brokenOff === true) {
      this.#cut('upstream_cut');
      return;
    }
    this.#complete();
  }

  #complete(): void {
    this.#attempts?.body?.detach();
    this.#answer.end();
    this.#close();
    // The answer is whole, and what may follow it must not meet the next caller.
    if (this.#head?.strayBody === true) this.#abort?.();
    this.#done('complete');
  }

  onError(error: Error): void {
    if (this.#isOver()) return;
    this.#abort = null;
    // An answer without a body is whole with its header; undici misses the body that a 304's length speaks of.
    if (this.#head?.framing === 'none') this.#complete();
    else if (this.#state === 'answering') this.#cut('upstream_cut');
    else if (this.#attempts?.sendAgain(error, this) !== true) this.#refuse(refusalFor(error));
  }

  drained(): void {
    if (this.#isOver() || !this.#paused) return;
    this.#paused = false;
    this.#idleTimer?.refresh();
    this.#resume?.();
  }

  stalled(): void {
    if (!this.#isOver()) this.#cut('idle');
  }

  /** Nothing came from the upstream. While the caller takes nothing, that is not the upstream's fault. */
  #idle(): void {
    if (this.#isOver()) return;
    if (this.#paused) this.#idleTimer?.refresh();
    else this.#cut('idle');
  }

  bodyTooLong(): void {
    if (this.#isOver()) return;
    if (this.#state === 'answering') this.#cut('body_too_long');
    else this.#refuse({ kind: 'content_too_large', reason: 'body_too_long' });
  }

  bodyIdle(): void {
    if (this.#isOver() || this.#state === 'answering') return;
    this.#refuse({ kind: 'request_timeout', reason: 'body_idle' });
  }

  /** Ends an event stream from our side. Its client takes a clean end for a reason to ask again. */
  end(why: StreamEnd): void {
    if (this.#isOver()) return;
    if (!this.#answer.endsAnywhere) {
      this.#cut(why);
      return;
    }
    this.#release();
    this.#answer.end();
    this.#done(why);
  }

  departed(): void {
    if (this.#isOver()) return;
    this.#release();
    this.#done('client_gone');
  }

  /** The answer cannot become whole. */
  #cut(end: ExchangeEnd): void {
    this.#release();
    this.#answer.cut();
    this.#done(end);
  }

  /** Gives the upstream up before anything was answered. */
  #refuse(refusal: Refusal): void {
    if (this.#upstreams.inFlight.stopped) return this.departed();
    this.#release();
    this.#guarded(() => this.plan.refused(refusal));
  }

  /** Over, and nothing of the upstream's is wanted any more. */
  #release(): void {
    this.#close();
    const body = this.#attempts?.body;
    body?.detach();
    this.#abort?.();
    body?.destroy();
  }

  /** Over: every place and timer is given back. */
  #close(): void {
    this.#state = 'over';
    forgetDeparture(this.#request.socket, this);
    stopTimer(this.#idleTimer);
    if (this.#head?.eventStream === true) this.#upstreams.openStreams.delete(this);
    if (!this.#holdsPlace) this.#upstreams.inFlight.abandon(this);
    this.#giveBackPlace();
    this.#upstream.leave();
    this.#attempts?.close();
  }

  #giveBackPlace(): void {
    if (!this.#holdsPlace) return;
    this.#holdsPlace = false;
    this.#upstreams.inFlight.leave();
  }

  #done(end: ExchangeEnd): void {
    this.#guarded(() =>
      this.plan.done({
        status: this.#status,
        end: end !== 'complete' && this.#upstreams.inFlight.stopped ? 'going_away' : end,
        bytesIn: this.#attempts?.body?.taken ?? 0,
        bytesOut: this.#bytesOut,
        upstreamDuration: this.#upstreamDuration,
      }),
    );
  }

  #guarded(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      const name = error instanceof Error ? error.name : 'unknown';
      this.#upstreams.dependencies.log.error({ error: name }, 'the end of an exchange could not be told');
      this.#response.destroy();
    }
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }
}

function awaitBody(exchange: Exchange, patience: number): void {
  exchange.awaitBody(patience);
}
