/**
 * Where the running gateway says its admin listener is: one small file for each process, in memory where the system has
 * that, so that a health check need neither read the policy nor know how the gateway was started. It holds an address
 * and nothing secret. A folder that another user could write is not believed.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './command.ts';

const user = process.getuid?.() ?? 0;

/** Where it may be said; `/dev/shm` is writable in containers whose root is not. */
function foldersOf({ XDG_RUNTIME_DIR: own }: Environment): readonly string[] {
  const parents = own ? [own] : ['/dev/shm', tmpdir()];
  return parents.map((parent) => join(parent, `sallyport-${user}`));
}

/**
 * Says it for as long as this process lives; nothing is said where no folder can be written.
 * @param address `HOST:PORT`, `unix:/PATH`, or null for no admin listener
 * @returns takes it back
 */
export function announceAdmin(address: string | null, environment: Environment): () => void {
  for (const folder of foldersOf(environment)) {
    const file = join(folder, String(process.pid));
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      if (!isOurs(folder)) continue;
      writeFileSync(file, address ?? 'none', { mode: 0o600 });
    } catch {
      continue;
    }
    return () => rmSync(file, { force: true });
  }
  return () => {};
}

/** What the gateway of this user that was started last and still lives says: an address, `none`, or null when there is none. */
export function announcedAdmin(environment: Environment): string | null {
  const found = foldersOf(environment).flatMap((folder) => {
    try {
      return isOurs(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
    } catch {
      return [];
    }
  });
  const alive = found.filter((file) => isAlive(Number(/\d+$/.exec(file)?.[0] ?? 0)));
  const [latest] = alive.sort((one, other) => modified(other) - modified(one));
  return latest === undefined ? null : readFileSync(latest, 'utf8').trim();
}

function isOurs(folder: string): boolean {
  const { uid, mode } = lstatSync(folder);
  return (
    process.platform === 'win32' || ((mode & 0o170000) === 0o040000 && uid === user && (mode & 0o077) === 0)
  );
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

function modified(file: string): number {
  try {
    return lstatSync(file).mtimeMs;
  } catch {
    return 0;
  }
}
