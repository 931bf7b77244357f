/**
 * Starts a real Keycloak on loopback, from an unpacked distribution or from an image that is here already, with a
 * database of its own that outlives a restart. Downloads nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The administrator that Keycloak makes at its first start; it listens on loopback only. */
export const ADMINISTRATOR = { username: 'admin', password: 'admin-for-a-check' } as const;

export interface KeycloakServer {
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Where Keycloak is, and where its database may lie. */
export interface KeycloakOptions {
  /** Directory of an unpacked distribution (with `bin/kc.sh`), or null. */
  readonly home: string | null;
  /** An image to run with `docker`, or null. */
  readonly image: string | null;
  readonly port: number;
  /** A directory of its own. */
  readonly directory: string;
}

const STARTS_WITHIN = 180_000;
const STOPS_WITHIN = 30_000;
const POLL = 250;

/** A Keycloak that is not started yet. */
export function createKeycloak({ home, image, port, directory }: KeycloakOptions): KeycloakServer {
  const url = `http://127.0.0.1:${port}`;
  const database = image === null ? directory : '/opt/keycloak/data/check';
  const words = [
    'start-dev',
    `--http-port=${port}`,
    '--db=dev-file',
    `--db-url=jdbc:h2:file:${database}/keycloak;NON_KEYWORDS=VALUE`,
  ];
  const command =
    image === null
      ? [join(home ?? '', 'bin/kc.sh'), ...words, '--http-host=127.0.0.1']
      : [
          ...['docker', 'run', '--rm', '--network=host', '-v', `${directory}:${database}`],
          ...['-e', 'KC_BOOTSTRAP_ADMIN_USERNAME', '-e', 'KC_BOOTSTRAP_ADMIN_PASSWORD'],
          ...[image, ...words],
        ];
  let child: ChildProcess | null = null;
  const stop = async (): Promise<void> => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null) return;
    const ended = once(running, 'exit');
    // A group of its own: kc.sh need not hand signals on.
    signal(running, 'SIGTERM');
    const timer = setTimeout(() => signal(running, 'SIGKILL'), STOPS_WITHIN);
    await ended;
    clearTimeout(timer);
  };
  return {
    url,
    stop,
    start: async () => {
      const [program = '', ...rest] = command;
      const started = spawn(program, rest, {
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          KC_BOOTSTRAP_ADMIN_USERNAME: ADMINISTRATOR.username,
          KC_BOOTSTRAP_ADMIN_PASSWORD: ADMINISTRATOR.password,
        },
      });
      child = started;
      // Whatever ends us must not leave it behind.
      const abandon = (): void => signal(started, 'SIGKILL');
      process.once('exit', abandon);
      started.once('exit', () => process.off('exit', abandon));
      const output = tailOf(started);
      const end = Date.now() + STARTS_WITHIN;
      while (Date.now() < end) {
        if (started.exitCode !== null)
          throw new Error(`Keycloak ended with ${started.exitCode}:\n${output()}`);
        if (await answers(`${url}/realms/master`)) return;
        await new Promise((resolve) => setTimeout(resolve, POLL));
      }
      throw new Error(`Keycloak did not start:\n${output()}`);
    },
  };
}

function signal({ pid }: ChildProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

/** The end of what it prints, for the case that it does not start. */
function tailOf(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part: string) => {
      text = (text + part).slice(-4000);
    });
  }
  return () => text;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { headers: { connection: 'close' } });
    await response.text();
    return response.ok;
  } catch {
    return false;
  }
}
