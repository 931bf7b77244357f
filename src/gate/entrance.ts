/**
 * Where bytes become visits: each event of a listener passes the wire guard here before anything else
 * looks at it, and what the guard refuses is answered here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { passGate } from '../gate.ts';
import type { Entrance } from '../listener.ts';
import { logDecision } from '../observe/decision.ts';
import { internalFailure } from '../observe/internal-failure.ts';
import { requestId } from '../observe/request-id.ts';
import type { Refusal } from '../refusals/refusal.ts';
import { type AnswerContext, answerTo } from '../refusals/response.ts';
import { writeAnswer, writeAnswerToSocket } from '../refusals/write-answer.ts';
import type { Standing } from '../standing.ts';
import { peerOf } from '../wire/network-address.ts';
import type { WireRequest } from '../wire/wire-request.ts';
import { awaitContent, mayBeEmpty, withoutBody } from './await-content.ts';
import { type GuardResult, guardWire } from './guard-wire.ts';
import { matchRoute } from './match-route.ts';
import { beginVisit, type Carrier, isTrusted, type Visit } from './visit.ts';

/** Hands a guarded request to the router; the gate takes it up from there by `takeVisit`. */
export type Router = (request: IncomingMessage, response: ServerResponse) => void;

/** Carries the visit on its request past the router. On the object itself, since a weak map with an entry per request keeps the garbage collector busy. */
const VISIT = Symbol('visit');

type VisitingMessage = IncomingMessage & { [VISIT]?: Visit };

/** The visit that belongs to a request that came through the router. */
export function takeVisit(request: VisitingMessage): Visit | undefined {
  return request[VISIT];
}

/**
 * @param standing the one in force at the moment of asking
 * @param route Fastify's router, which must see nothing that it could judge by itself
 */
export function createEntrance(standing: () => Standing, route: Router): Entrance {
  const guardNow = (request: IncomingMessage) => guardWire(request, standing().policy.limits);
  // An upgrade is looked at twice: when Node asks whether it is one for us, and when it then comes.
  const guarded = new WeakMap<IncomingMessage, GuardResult>();
  const guard = (request: IncomingMessage): GuardResult => {
    let result = guarded.get(request);
    if (result === undefined) {
      result = guardNow(request);
      guarded.set(request, result);
    }
    return result;
  };
  const visit = (request: VisitingMessage, response: ServerResponse, wire: WireRequest): void => {
    request[VISIT] = beginVisit(standing(), request, wire, { kind: 'http', response });
    // The router matches one constant path: the policy's own tree is the only one that reads targets.
    request.url = '/';
    route(request, response);
  };
  const report = (error: unknown): void => internalFailure(standing().dependencies.log, '', error);
  const entrance: Entrance = {
    request(request: VisitingMessage, response) {
      const result = request.headers.upgrade === undefined ? guardNow(request) : guard(request);
      const carrier: Carrier = { kind: 'http', response };
      if (!result.ok) return turnAway(standing(), request, carrier, result.refusal);
      const { wire } = result;
      if (!mayBeEmpty(wire)) return visit(request, response, wire);
      awaitContent(request, standing().policy.timeouts.headers, (found) => {
        orCut(request.socket, report, () => {
          if (found === 'nothing') turnAway(standing(), request, carrier, BODY_IDLE);
          else visit(request, response, found === 'empty' ? withoutBody(wire) : wire);
        });
      });
    },
    wantsTunnel(request) {
      const result = guard(request);
      if (!result.ok || !result.wire.webSocket) return false;
      const match = matchRoute(standing().policy.tree, result.wire);
      return match.kind === 'route' && match.route.webSocket;
    },
    upgrade(request, socket, head) {
      const result = guard(request);
      const carrier: Carrier = { kind: 'upgrade', socket, head };
      if (!result.ok) return turnAway(standing(), request, carrier, result.refusal);
      passGate(beginVisit(standing(), request, result.wire, carrier));
    },
    connect(request, socket) {
      // RFC 9110 section 9.3.6: a gateway to one API opens no tunnels, for nobody.
      const refusal: Refusal = { kind: 'method_not_allowed', reason: 'connect', allow: '' };
      turnAway(standing(), request, { kind: 'upgrade', socket, head: Buffer.alloc(0) }, refusal);
    },
    broken(error, socket) {
      turnAwayBytes(standing(), socket, refusalOf(error));
    },
  };
  return contained(entrance, report);
}

const BODY_IDLE: Refusal = Object.freeze({ kind: 'request_timeout', reason: 'body_idle' });

/** What throws inside is a defect of ours: it costs the connection it came by, never the process. */
function contained(entrance: Entrance, report: (error: unknown) => void): Entrance {
  return {
    request(request, response) {
      orCut(request.socket, report, () => entrance.request(request, response));
    },
    wantsTunnel(request) {
      try {
        return entrance.wantsTunnel(request);
      } catch (error) {
        report(error);
        return false;
      }
    },
    upgrade(request, socket, head) {
      orCut(socket, report, () => entrance.upgrade(request, socket, head));
    },
    connect(request, socket) {
      orCut(socket, report, () => entrance.connect(request, socket));
    },
    broken(parserError, socket) {
      orCut(socket, report, () => entrance.broken(parserError, socket));
    },
  };
}

function orCut(socket: Duplex, report: (error: unknown) => void, act: () => void): void {
  try {
    act();
  } catch (error) {
    report(error);
    socket.destroy();
  }
}

/** What Node's parser found wrong, or missed in time. */
function refusalOf(error: NodeJS.ErrnoException): Refusal {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return { kind: 'header_too_large', reason: 'header_overflow' };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { kind: 'content_too_large', reason: 'chunk_extensions_overflow' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { kind: 'request_timeout', reason: 'request_timeout' };
    default:
      return { kind: 'bad_request', reason: 'unparsable', detail: { cause: error.code ?? 'unknown' } };
  }
}

/** Answers bytes that were no request. */
function turnAwayBytes(standing: Standing, socket: Duplex, refusal: Refusal): void {
  const id = requestId(undefined, false);
  const answer = answerTo(refusal, turnedAwayContext(standing, id));
  writeAnswerToSocket(socket, { ...answer, close: true });
  record(standing, { id, method: '', peer: peerOf(socket), status: answer.status }, refusal);
}

/** Answers what never became a visit. No challenge: the bytes were not looked at for credentials. */
function turnAway(standing: Standing, request: IncomingMessage, carrier: Carrier, refusal: Refusal): void {
  const id = requestId(undefined, false);
  const answer = answerTo(refusal, turnedAwayContext(standing, id));
  const closing = { ...answer, close: true };
  if (carrier.kind === 'http') writeAnswer(request, carrier.response, closing);
  else writeAnswerToSocket(carrier.socket, closing);
  const from = { id, method: request.method ?? '', peer: peerOf(request.socket), status: answer.status };
  record(standing, from, refusal);
}

function turnedAwayContext(standing: Standing, id: string): AnswerContext {
  const { policy } = standing;
  return {
    realm: policy.realm,
    challenges: [],
    resourceMetadata: null,
    scopes: [],
    sharing: [],
    format: policy.errors.format,
    detail: policy.errors.detail,
    notFoundStatus: policy.unmatched.status,
    requestId: id,
  };
}

/** What is known of bytes that never became a visit. */
interface TurnedAway {
  readonly id: string;
  readonly method: string;
  readonly peer: string;
  readonly status: number;
}

function record(standing: Standing, { id, method, peer, status }: TurnedAway, refusal: Refusal): void {
  logDecision(standing.dependencies.log, {
    requestId: id,
    peer,
    client: isTrusted(standing, peer) ? null : peer,
    method,
    host: '',
    path: '',
    routeId: null,
    principal: null,
    subject: 'none',
    refusal,
    status,
    duration: 0,
    forwarded: null,
    upstream: null,
  });
}
