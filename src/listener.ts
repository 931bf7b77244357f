/**
 * One HTTP server per listen address, all wired here and nowhere else. Every event by which Node hands
 * out bytes goes through the wire guard first, before Fastify or its router see anything; CONNECT,
 * broken messages and upgrades never reach them at all.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { elapsed } from './observe/stopwatch.ts';
import type { Policy } from './policy/policy.ts';
import { cutLingering, isLingering, lingerThenClose } from './refusals/linger.ts';
import { someAtATime } from './some-at-a-time.ts';
import { optionTime, startInterval } from './timers.ts';
import { TurnTaking } from './turn-taking.ts';
import { peerOf } from './wire/network-address.ts';

/** Where a listener's events lead. None of these may throw. */
export interface Entrance {
  /** An ordinary request; `Expect: 100-continue` has not been answered. */
  request(request: IncomingMessage, response: ServerResponse): void;
  /** A WebSocket handshake for which `wantsTunnel` said true. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** True for a WebSocket handshake on a route that lets it through; all other upgrades are plain requests. */
  wantsTunnel(request: IncomingMessage): boolean;
  /** CONNECT: refused everywhere. */
  connect(request: IncomingMessage, socket: Duplex): void;
  /** Bytes that Node's parser refused, or that did not come in time. */
  broken(error: NodeJS.ErrnoException, socket: Duplex): void;
}

/** A server and the connections that it holds. */
export interface Listener {
  readonly server: Server;
  /** From now on the answers that have not begun announce that their connection ends with them. */
  announceEnd(): void;
  /** Closes the connections on which nothing is under way, those that never sent a byte among them. */
  closeQuiet(): void;
}

/** What is under way on one connection, in the order of arrival. */
type Exchanges = { readonly request: IncomingMessage; readonly response: ServerResponse }[] & {
  /** When the last answer ended; undefined before there was one. */
  quietSince?: number;
};

/** How often connections that were forgotten are looked for. */
const CHECK_EVERY = 1_000;

/** How often Node looks for those whose header or request is late: its default of 30 s would make timeouts vague, and find thousands at once. */
const LATE_CHECK_EVERY = 250;

/**
 * Requests of one connection that may be unanswered at a time; the connection ends with the last of them. Node hands out
 * all that one read brought in one go, a thousand requests or more, and everybody else would wait for them.
 */
const MOST_UNANSWERED = 128;

/** Node may find up to `limits.connections` that are late at once; so many are answered before others have their turn. */
const LATE_AT_ONCE = 10;

/**
 * Makes a server that is not listening yet.
 * @param turns one for all listeners of a process: whoever is busy on one waits on the other, too
 */
export function createListener(
  entrance: Entrance,
  policy: Policy,
  turns: TurnTaking = new TurnTaking(),
): Listener {
  const connections = new Map<Duplex, Exchanges>();
  const server = createServer({
    // The guard counts what it allows; Node's own bound lies above, so that a 431 is ours where possible.
    maxHeaderSize: Math.min(policy.limits.headerBytes + policy.limits.targetBytes, 1024 * 1024) + 1024,
    connectionsCheckingInterval: LATE_CHECK_EVERY,
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
    shouldUpgradeCallback: (message) => upgrades(message, connections.get(message.socket), entrance),
  });
  server.maxHeadersCount = 0;
  server.timeout = 0;
  applyLimits(server, policy);

  server.on('connection', (socket) => keepTrackOf(connections, socket));
  closeForgotten(server, connections);
  // At the limit those who were answered already make room.
  server.on('drop', cutLingering);
  const accept = (message: IncomingMessage, response: ServerResponse) => {
    const exchanges = connections.get(message.socket);
    if (isLastAnswered(exchanges, message.socket)) return;
    // Kept alive by HTTP/1.0 clients only through an extension that intermediaries got wrong (RFC 9112 section C.2.2).
    // Behind a declined upgrade Node drops what came with it, and reads on in the middle of what comes next.
    if (message.httpVersion === '1.0' || declined.has(message)) response.shouldKeepAlive = false;
    // RFC 9112 section 9.3.2: a client that pipelines asks again for what is unanswered when the connection closes.
    if (exchanges?.length === MOST_UNANSWERED - 1) response.shouldKeepAlive = false;
    track(exchanges, message, response);
    turns.take(peerOf(message.socket), () => {
      if (!isCutShort(exchanges, message)) entrance.request(message, response);
    });
  };
  server.on('request', accept);
  server.on('checkContinue', accept);
  server.on('checkExpectation', accept);
  server.on('upgrade', (message, socket, head) => {
    leaveHttp(connections, socket);
    entrance.upgrade(message, socket, head);
  });
  server.on('connect', (message, socket) => {
    leaveHttp(connections, socket);
    entrance.connect(message, socket);
  });
  const answerBroken = brokenAnswerer(entrance);
  server.on('clientError', (error, socket) => answerBroken(connections.get(socket) ?? [], error, socket));
  return { server, ...endings(connections) };
}

function endings(connections: ReadonlyMap<Duplex, Exchanges>): Omit<Listener, 'server'> {
  return {
    announceEnd: () => {
      for (const exchanges of connections.values()) {
        const last = exchanges.at(-1);
        if (last !== undefined && !last.response.headersSent) last.response.shouldKeepAlive = false;
      }
    },
    closeQuiet: () => {
      for (const [socket, exchanges] of connections) if (exchanges.length === 0) socket.destroy();
    },
  };
}

/**
 * From now on closes what had a whole timeout of `idle`, and one of `headers` behind it, for its next request. Node's own
 * timer of `idle` begins anew with each empty line (RFC 9112 section 2.2), and one now and then kept a place for ever.
 */
function closeForgotten(server: Server, connections: ReadonlyMap<Duplex, Exchanges>): void {
  const timer = startInterval(() => {
    // Without a timeout of `idle` nothing is ever late.
    if (server.keepAliveTimeout === 0) return;
    const latest = elapsed() - server.keepAliveTimeout - server.headersTimeout - CHECK_EVERY;
    for (const [socket, exchanges] of connections) {
      if (exchanges.length === 0 && (exchanges.quietSince ?? latest) < latest) socket.destroy();
    }
  }, CHECK_EVERY);
  timer.unref();
  server.once('close', () => clearInterval(timer));
}

function keepTrackOf(connections: Map<Duplex, Exchanges>, socket: Duplex): void {
  connections.set(socket, []);
  socket.prependOnceListener('close', withholdTraces);
  socket.once('close', () => connections.delete(socket));
}

/**
 * Sets the timeouts and the number of connections, at the start and again at each reload. What a raised
 * `header_bytes` or `target_bytes` adds counts for listeners made after it only: Node fixes its own bound then.
 */
export function applyLimits(server: Server, { limits, timeouts }: Policy): void {
  const request = optionTime(timeouts.request);
  server.requestTimeout = request;
  server.headersTimeout = optionTime(request > 0 ? Math.min(timeouts.headers, request) : timeouts.headers);
  server.keepAliveTimeout = optionTime(timeouts.idle);
  server.maxConnections = limits.connections;
}

/** Requests for another protocol that are served in this one. */
const declined = new WeakSet<IncomingMessage>();

/** Whether a request leaves HTTP. Behind an unanswered one it would take the socket from under that answer. */
function upgrades(message: IncomingMessage, exchanges: Exchanges | undefined, entrance: Entrance): boolean {
  if (exchanges?.length === 0 && entrance.wantsTunnel(message)) return true;
  declined.add(message);
  return false;
}

const TRACES = Error.stackTraceLimit;

/**
 * Node makes an error with a stack trace for each request that is unanswered when its connection closes: with those that
 * one read of 64 KiB brought, 50 ms for a reset. So does undici for each that is given up at its upstream. Nobody looks at
 * these traces, which are granted again when all listeners were told.
 */
function withholdTraces(): void {
  Error.stackTraceLimit = 0;
  process.nextTick(grantTraces);
}

function grantTraces(): void {
  Error.stackTraceLimit = TRACES;
}

/** The socket is no connection of requests any more: who takes it answers for its end. */
function leaveHttp(connections: Map<Duplex, Exchanges>, socket: Duplex): void {
  connections.delete(socket);
  // A reset needs no answer; 'close' follows and is what everybody waits for.
  socket.on('error', () => {});
}

function track(exchanges: Exchanges | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (exchanges === undefined) return;
  const exchange = { request, response };
  exchanges.push(exchange);
  response.on('close', () => {
    exchanges.splice(exchanges.indexOf(exchange), 1);
    exchanges.quietSince = elapsed();
  });
}

/**
 * Whether the connection ends with an answer that is given or under way already: what follows on it is not
 * looked at (RFC 9112 section 9.6: a server "MUST NOT process any further requests").
 */
function isLastAnswered(exchanges: Exchanges | undefined, socket: Duplex): boolean {
  return isLingering(socket) || exchanges?.at(-1)?.response.shouldKeepAlive === false;
}

/** Whether a request that waited for its turn is no longer looked at, because its connection ended meanwhile, or is ended by an earlier one. */
function isCutShort(exchanges: Exchanges | undefined, message: IncomingMessage): boolean {
  if (message.socket.destroyed || isLingering(message.socket)) return true;
  for (const { request, response } of exchanges ?? []) {
    if (request === message) return false;
    if (!response.shouldKeepAlive) return true;
  }
  return false;
}

/** Answers what is broken at once, and those who are late some at a time. */
function brokenAnswerer(
  entrance: Entrance,
): (exchanges: Exchanges, error: NodeJS.ErrnoException, socket: Duplex) => void {
  const late = someAtATime(LATE_AT_ONCE);
  return (exchanges, error, socket) => {
    if (error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') return answerInTurn(exchanges, error, socket, entrance);
    const last = exchanges.at(-1);
    const whole = last?.request.complete;
    late(() => {
      // What came while it waited for its turn is in time after all.
      if (exchanges.at(-1) !== last || last?.request.complete !== whole) return;
      answerInTurn(exchanges, error, socket, entrance);
    });
  };
}

/** Whether nobody is there any more to be told, or to read what was said. */
function isBeyondAnswer(error: NodeJS.ErrnoException, socket: Duplex): boolean {
  return socket.destroyed || error.code === 'ECONNRESET' || (!socket.writable && !isLingering(socket));
}

/**
 * Answers a broken message after the answers that are due before it (RFC 9112 section 9.3.2: in the
 * order of the requests). A message that broke in its body has an answer of its own under way: once
 * that has begun, all that is left is to cut.
 */
function answerInTurn(
  exchanges: Exchanges,
  error: NodeJS.ErrnoException,
  socket: Duplex,
  entrance: Entrance,
): void {
  if (isBeyondAnswer(error, socket)) {
    socket.destroy();
    return;
  }
  // Node's parser fails again on every read behind what broke: the answer to the first stays readable.
  if (!socket.writable) return;
  const last = exchanges.at(-1);
  if (last === undefined) return entrance.broken(error, socket);
  const bodyBroke = !last.request.complete;
  if (bodyBroke && last.response.headersSent) {
    // An answer of ours that is written stays readable; one of the upstream's that is on its way cannot be trusted.
    if (last.response.writableEnded || isLingering(socket)) lingerThenClose(socket);
    else socket.destroy();
    return;
  }
  const before = bodyBroke ? exchanges.at(-2) : last;
  if (before === undefined) return entrance.broken(error, socket);
  before.response.once('close', () => answerInTurn(exchanges, error, socket, entrance));
}
