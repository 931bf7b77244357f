/**
 * Opens a tunnel through a proxy (CONNECT, RFC 9110 section 9.3.6). Plain http goes through a tunnel too, so that the
 * proxy is never given headers of ours. Shows user name and password to the proxy only, and no error repeats them.
 *
 * undici's own ProxyAgent is not used: it asks again without pause when the proxy hangs up, leaves a user without a
 * password out, and its errors do not say what the proxy answered.
 */
import { type ClientRequest, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { startTimer, stopTimer } from '../timers.ts';
import { describe, FetchError } from './fetch-cause.ts';

export interface TunnelOptions {
  readonly proxy: URL;
  /** `HOST:PORT` of the server at the other end. */
  readonly authority: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** The socket of an open tunnel; rejects with a FetchError of the kind `proxy`. */
export function openTunnel(options: TunnelOptions): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const fail = (cause: string, status: number | null): void => {
    const sentence = `could not be asked, because its proxy ${cause}; the proxy is ${options.proxy.origin}`;
    reject(new FetchError('proxy', sentence, status));
  };
  const request = connect(options);
  const timer = startTimer(() => request.destroy(new DOMException('', 'TimeoutError')), options.timeout);
  request.once('error', (error) => {
    stopTimer(timer);
    fail(describe(error).cause, null);
  });
  request.once('connect', ({ statusCode = 0 }, socket, head) => {
    stopTimer(timer);
    // Any 2xx opens it. The other end speaks only when spoken to, in TLS as in HTTP.
    if (statusCode >= 200 && statusCode < 300 && head.length === 0) {
      resolve(socket as Socket);
      return;
    }
    socket.on('error', () => {});
    socket.destroy();
    fail(refusalOf(statusCode), statusCode);
  });
  request.end();
  return promise;
}

function connect({ proxy, authority, signal }: TunnelOptions): ClientRequest {
  const isSecure = proxy.protocol === 'https:';
  const authorization = authorizationOf(proxy);
  const host = proxy.hostname.replace(/^\[|\]$/g, '');
  // Node would take the name to verify from the Host header, which is that of the other end.
  const tls = {
    servername: isIP(host) === 0 ? host : '',
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  } as const;
  return (isSecure ? tlsRequest : plainRequest)({
    method: 'CONNECT',
    host,
    port: proxy.port === '' ? (isSecure ? 443 : 80) : proxy.port,
    path: authority,
    headers: {
      host: authority,
      ...(authorization === null ? {} : { 'proxy-authorization': authorization }),
    },
    // A connection of its own: what is tunnelled is not given back.
    agent: false,
    maxHeaderSize: 16_384,
    signal,
    // The proxy is verified like every server; `ca_file` is for the issuer behind it.
    ...(isSecure ? tls : {}),
  });
}

/** Basic (RFC 7617 section 2), of user name and password in the proxy's URL. */
function authorizationOf({ username, password }: URL): string | null {
  if (username === '' && password === '') return null;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function refusalOf(status: number): string {
  if (status === 407) return 'answered 407: it wants a user name and password, or others, in http_proxy';
  if (status >= 200 && status < 300) return 'sent bytes into the tunnel before anything was asked';
  return `answered ${status} instead of opening a tunnel`;
}
