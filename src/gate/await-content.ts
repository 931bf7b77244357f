/**
 * Whether a chunked body has content at all, which its header does not say. Of a request that rarely has any this is
 * found out before anything is decided, so that an empty body is none: proxies in front frame every request so.
 */
import type { IncomingMessage } from 'node:http';
import { startTimer, stopTimer } from '../timers.ts';
import type { WireRequest } from '../wire/wire-request.ts';

/** Methods whose requests have no content as a rule (RFC 9110 sections 9.3.1, 9.3.2, 9.3.5 and 9.3.7). */
const SELDOM: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/** Whether to wait: not for a client that asks first (RFC 9110 section 10.1.1), since it has content and waits for us. */
export function mayBeEmpty({ body, method, expectContinue }: WireRequest): boolean {
  return body === 'chunked' && !expectContinue && SELDOM.has(method);
}

/**
 * Tells once what comes first: a byte of the body, its end, or neither in time. It is told in the midst of Node's reading,
 * so that a request that follows in the same packet is not looked at before this one was answered. Never told when the
 * connection ends first.
 *
 * @param patience milliseconds
 */
export function awaitContent(
  request: IncomingMessage,
  patience: number,
  tell: (found: 'content' | 'empty' | 'nothing') => void,
): void {
  // A connection that waited for its turn has more than the header already.
  if (request.readableLength > 0) return tell('content');
  if (request.complete) return tell('empty');
  const { push } = request;
  const over = (): void => {
    stopTimer(timer);
    request.push = push;
    request.off('close', over);
  };
  const timer = startTimer(() => {
    over();
    tell('nothing');
  }, patience);
  request.push = (chunk, encoding) => {
    over();
    tell(chunk === null ? 'empty' : 'content');
    return request.push(chunk, encoding);
  };
  request.once('close', over);
}

/** The same request without its body, which was empty. */
export function withoutBody(wire: WireRequest): WireRequest {
  const forms = wire.forms.filter((form) => form !== 'get_body');
  return { ...wire, body: 'none', forms, readings: forms.length === 0 ? [] : wire.readings };
}
