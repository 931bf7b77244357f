/** Binds a server to an address of the policy. */
import { once } from 'node:events';
import { unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { ListenAddress } from './policy/policy.ts';

/**
 * Listens; rejects with Node's error when that is not possible. A unix socket that a dead process left
 * behind is removed; one that somebody answers on is not.
 */
export async function listenOn(server: Server, address: ListenAddress): Promise<void> {
  if (address.kind === 'tcp') return listening(server, () => server.listen(address.port, address.host));
  try {
    await listening(server, () => server.listen(address.path));
  } catch (error) {
    if (!isInUse(error) || (await answers(address.path))) throw error;
    unlinkSync(address.path);
    await listening(server, () => server.listen(address.path));
  }
}

async function listening(server: Server, start: () => void): Promise<void> {
  const started = once(server, 'listening');
  start();
  await started;
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
