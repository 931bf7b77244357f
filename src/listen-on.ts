/** Binds a server to an address of the policy. */
import { once } from 'node:events';
import { lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { ListenAddress } from './policy/policy.ts';

/** An address of the policy cannot be listened on; the message names it, the cause and a remedy. */
export class ListenError extends Error {
  /** Where the policy says it: `listen[0]` or `admin`. */
  readonly key: string;

  constructor(key: string, address: ListenAddress, cause: unknown) {
    super(`${formatListenAddress(address)}: ${describe(cause, address.kind)}`, { cause });
    this.key = key;
  }
}

/** As the policy writes it: `127.0.0.1:8080`, `[::1]:8080`, `unix:/path`. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

const REMEDIES: Readonly<Record<ListenAddress['kind'], Readonly<Record<string, string>>>> = {
  tcp: {
    EADDRINUSE: 'another process listens there; stop it, or choose another port',
    EACCES:
      'permission denied; a port below 1024 needs the capability CAP_NET_BIND_SERVICE: grant it, or choose a port from 1024 on',
    EADDRNOTAVAIL: 'this machine has no such address; choose one that it has, or :PORT for all of them',
    EAFNOSUPPORT: 'this machine has no IPv6; choose an IPv4 address',
    EINVAL: 'a link-local address needs a zone, which cannot be written; choose another address',
    ENOTFOUND: 'the host name has no address; write an IP address',
    EAI_AGAIN: 'the host name was not resolved; write an IP address',
  },
  unix: {
    EADDRINUSE:
      'another process listens there, or the file is no socket; stop it or move the file, or choose another path',
    // Node says the same of a directory that does not exist.
    EACCES:
      'its directory does not exist, or this user may not write there; create it or grant that, or choose another path',
    EROFS: 'the file system is read-only; choose another path',
    ENOTDIR: 'a part of the path is no directory; choose another path',
  },
};

function describe(cause: unknown, kind: ListenAddress['kind']): string {
  const code = codeOf(cause);
  if (Object.hasOwn(REMEDIES[kind], code)) return `${REMEDIES[kind][code]} (${code})`;
  return cause instanceof Error ? cause.message : String(cause);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/**
 * Listens; rejects with Node's error when that is not possible. A unix socket that a dead process left behind is removed;
 * one that a process answers on is not, nor one that may not be asked, nor any other file.
 */
export async function listenOn(server: Server, address: ListenAddress): Promise<void> {
  if (address.kind === 'tcp') return listening(server, () => server.listen(address.port, address.host));
  try {
    await listening(server, () => server.listen(address.path));
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || !(await isLeftBehind(address.path))) throw error;
    unlinkSync(address.path);
    await listening(server, () => server.listen(address.path));
  }
}

async function listening(server: Server, start: () => void): Promise<void> {
  const started = once(server, 'listening');
  start();
  await started;
}

/** A regular file refuses a connection as a dead socket does. */
function isLeftBehind(path: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'));
  });
}
