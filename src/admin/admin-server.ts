/**
 * The admin listener: probes for orchestrators, and `POST /-/refresh-keys` for operators. It is a server of its own, so that nothing on the public
 * side can reach it; and it answers only requests that name it by an IP literal, `localhost` or a name
 * in `admin.hosts`, since loopback is reachable from any web page and, in a pod, from the very API we protect.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { KeyRefresh } from '../keys/key-refresh.ts';
import type { AdminPolicy } from '../policy/policy.ts';

/** One thing that readiness depends on. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ready: boolean;
  /** For `?verbose`, in words on one line. May name a provider's addresses, which is why that is for operators only; no secrets. */
  readonly detail: string;
}

/** What the admin endpoints ask of the server. */
export interface AdminState {
  /** Who may ask what: asked anew for each request, since a reload may bring other names and another token. */
  policy(): AdminPolicy;
  readiness(): readonly ReadinessCheck[];
  /** Fetches the keys of all issuers now. */
  refreshKeys(): Promise<readonly KeyRefresh[]>;
}

/** What one connection may take; how often Node looks for those that are late is 30 s otherwise, and 256 silent ones would shut out probes. */
const BOUNDS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16 * 1024,
};

/** Makes the admin server; not listening yet. Its target and fields come from anybody who reaches it: nothing of them may throw. */
export function createAdminServer(state: AdminState): Server {
  const server = createServer(BOUNDS, (request, response) => {
    try {
      answer(request, response, state);
    } catch {
      reply(response, 503, 'unavailable');
    }
  });
  server.maxConnections = 256;
  return server;
}

function answer(request: IncomingMessage, response: ServerResponse, state: AdminState): void {
  request.resume();
  const policy = state.policy();
  if (!isAddressedToUs(request, policy) || isCrossSite(request)) return reply(response, 403, 'forbidden');
  const [path = '', query] = (request.url ?? '').split('?', 2);
  if (path === REFRESH_KEYS) return refreshKeys(request, response, state);
  const probe = PROBES.get(path);
  if (probe === undefined) return reply(response, 404, 'not found');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return reply(response, 405, 'method not allowed');
  }
  const verbose = new URLSearchParams(query).has('verbose');
  if (verbose && !mayLookInside(request, policy)) return reply(response, 403, 'forbidden');
  if (probe === 'live') return reply(response, 200, 'ok');
  const { status, text } = readiness(state.readiness(), verbose);
  reply(response, status, text);
}

const REFRESH_KEYS = '/-/refresh-keys';

/** 200 once all attempts have ended; `ok` says whether all issuers that have keys to fetch gave them. */
function refreshKeys(request: IncomingMessage, response: ServerResponse, state: AdminState): void {
  if (request.method !== 'POST') {
    response.setHeader('Allow', 'POST');
    return reply(response, 405, 'method not allowed');
  }
  if (!mayLookInside(request, state.policy())) return reply(response, 403, 'forbidden');
  state.refreshKeys().then(
    (issuers) => {
      const ok = issuers.every(({ outcome }) => outcome !== 'failed');
      reply(response, 200, JSON.stringify({ ok, issuers }), 'application/json');
    },
    () => reply(response, 503, 'unavailable'),
  );
}

/** `/healthz` is what many orchestrators ask by habit; it says what `/livez` says. */
const PROBES: ReadonlyMap<string, 'live' | 'ready'> = new Map([
  ['/livez', 'live'],
  ['/healthz', 'live'],
  ['/readyz', 'ready'],
]);

function readiness(checks: readonly ReadinessCheck[], verbose: boolean): { status: number; text: string } {
  const ready = checks.every((check) => check.ready);
  const status = ready ? 200 : 503;
  if (!verbose) return { status, text: ready ? 'ok' : 'not ready' };
  const lines = checks.map((check) => `[${check.ready ? '+' : '-'}]${check.name} ${check.detail}`);
  return { status, text: [...lines, ready ? 'ready' : 'not ready'].join('\n') };
}

function reply(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(`${text}\n`);
}

/** Against DNS rebinding: a name of somebody else's that resolves to this address is not ours. */
function isAddressedToUs(request: IncomingMessage, policy: AdminPolicy): boolean {
  if (policy.address.kind === 'unix') return true;
  const host = request.headers.host ?? '';
  const name = host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return isIP(name) !== 0 || name === 'localhost' || policy.hosts.includes(name);
}

/** A web page may not even ask: browsers tell on themselves. */
function isCrossSite(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const origin = request.headers.origin;
  return origin !== undefined && origin !== `http://${request.headers.host ?? ''}`;
}

/** Details and actions only on loopback or a unix socket, or for those with the token when `token_file` is set. */
function mayLookInside(request: IncomingMessage, policy: AdminPolicy): boolean {
  if (policy.tokenHash !== null) return bearerMatches(request, policy.tokenHash);
  const address = request.socket.localAddress;
  return (
    address === undefined ||
    address === '::1' ||
    address.startsWith('127.') ||
    address.startsWith('::ffff:127.')
  );
}

function bearerMatches(request: IncomingMessage, expected: Buffer): boolean {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || token === undefined) return false;
  return timingSafeEqual(hash('sha256', token, 'buffer'), expected);
}
