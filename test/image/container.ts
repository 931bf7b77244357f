/** Containers of the image as an operator should run them: nothing to write to, no rights, no way to get any. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { docker, logOf } from './engine.ts';

/** What every container of the image can be run with. */
export const HARDENED = [
  '--read-only',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  '--pids-limit=32',
];

/** Starts a container; it is removed when the test ends. */
export async function startContainer(t: Test, name: string, words: readonly string[]): Promise<void> {
  t.teardown(() => docker('rm', '--force', '--volumes', name));
  await docker('run', '--detach', `--name=${name}`, ...words);
}

/** The first line of its log with this `msg`, already there or to come. */
export async function logged(container: string, message: string): Promise<Record<string, unknown>> {
  const child = spawn('docker', ['logs', '--follow', container], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.resume();
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const entry: Record<string, unknown> = line.startsWith('{') ? JSON.parse(line) : {};
      if (entry.msg === message) return entry;
    }
  } finally {
    child.kill();
  }
  throw new Error(`${container} ended without "${message}":\n${await logOf(container)}`);
}

/** Waits until the health check of a container has passed; throws when it fails for good or the container ends. */
export async function healthy(container: string): Promise<void> {
  const filters = [`container=${container}`, 'event=health_status', 'event=die'];
  // All events since the engine was started, so that one which is over counts too.
  const words = ['events', '--since=1', '--format={{.Status}}', ...filters.map((one) => `--filter=${one}`)];
  const child = spawn('docker', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line]: string[] = await once(createInterface({ input: child.stdout }), 'line');
    if (line !== 'health_status: healthy')
      throw new Error(`${container}: ${line}\n${await logOf(container)}`);
  } finally {
    child.kill();
  }
}

/** What the engine says of a container, by a template. */
export function stateOf(container: string, template: string): Promise<string> {
  return docker('inspect', `--format=${template}`, container);
}
