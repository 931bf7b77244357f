/** Where development commands may run: on a developer's machine, on loopback, and nowhere else. */
import type { ListenAddress } from '../policy/policy.ts';

/** A TCP address. */
export type TcpAddress = Extract<ListenAddress, { kind: 'tcp' }>;

/** Why a development command must not run in this environment, or null. */
export function environmentRefusal(environment: Readonly<Record<string, string | undefined>>): string | null {
  if (environment.NODE_ENV === 'production') {
    return 'NODE_ENV is production; use `run` with a policy of your own';
  }
  if ((environment.KUBERNETES_SERVICE_HOST ?? '') !== '') {
    return 'this is a pod in Kubernetes (KUBERNETES_SERVICE_HOST is set); use `run` with a policy of your own';
  }
  return null;
}

/**
 * The address with an IP literal of loopback, or null for any other: all interfaces, a name that a resolver
 * may send anywhere, a socket. `localhost` is 127.0.0.1.
 */
export function onLoopback(address: ListenAddress): TcpAddress | null {
  if (address.kind !== 'tcp') return null;
  if (address.host === 'localhost') return { ...address, host: '127.0.0.1' };
  return address.host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address.host) ? address : null;
}
