/**
 * The connections on which one issuer's keys are fetched: directly or through a proxy, with certificates verified,
 * nothing older than TLS 1.2, and bounded in number, time and header size. Knows nothing of what is fetched.
 */
import { Agent, buildConnector, type Dispatcher } from 'undici';
import type { IssuerPolicy } from '../policy/sources.ts';
import { optionTime } from '../timers.ts';
import { parseNoProxy } from './no-proxy.ts';
import { openTunnel } from './proxy-tunnel.ts';

export interface Egress {
  readonly dispatcher: Dispatcher;
  /** Whether an address is asked through the proxy. */
  isProxied(url: URL): boolean;
  /** Cuts what is under way. */
  close(): void;
}

export type EgressPolicy = Pick<IssuerPolicy, 'ca' | 'proxy' | 'refresh'>;

/** Connections of its own for each key set, so that a slow issuer holds nobody else up. */
export function createEgress({ ca, proxy, refresh }: EgressPolicy): Egress {
  const { timeout } = refresh;
  const closing = new AbortController();
  const direct = buildConnector({
    timeout,
    // Said although it is the default, which the environment may change.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(ca === null ? {} : { ca }),
  });
  const bypasses = proxy === null ? () => true : parseNoProxy(proxy.noProxy);
  const address = proxy === null ? null : new URL(proxy.url);
  const connect: buildConnector.connector = (options, callback) => {
    const { protocol, hostname } = options;
    const port = options.port || (protocol === 'https:' ? '443' : '80');
    const authority = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
    if (address === null || bypasses(new URL(`${protocol}//${authority}`))) {
      direct(options, callback);
      return;
    }
    openTunnel({ proxy: address, authority, timeout, signal: closing.signal }).then(
      (socket) => {
        if (protocol === 'https:') direct({ ...options, httpSocket: socket }, callback);
        else callback(null, socket);
      },
      (error: Error) => callback(error, null),
    );
  };
  const agent = new Agent({
    connections: 2,
    pipelining: 1,
    maxHeaderSize: 16_384,
    connect,
    headersTimeout: optionTime(timeout),
    bodyTimeout: optionTime(timeout),
  });
  return {
    dispatcher: agent,
    isProxied: (url) => !bypasses(url),
    close: () => {
      closing.abort();
      agent.destroy().catch(() => {});
    },
  };
}
