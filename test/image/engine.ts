/** A Docker Engine of the test's own, and what is asked of it. Debian's packages `docker.io` and `mmdebstrap` have all of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, readFileSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How a program ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An engine that runs, or why there is none. */
export type Engine =
  | { readonly ok: true; readonly folder: string; stop(): Promise<void> }
  | { readonly ok: false; readonly reason: string };

const SCRIPT = fileURLToPath(new URL('./engine.sh', import.meta.url));
/** Programs without which there is no image to try, and the packages that have them. */
const NEEDED = { dockerd: 'docker.io', docker: 'docker.io', mmdebstrap: 'mmdebstrap' };
/** Lines of its log that tell how the start of an engine went. */
const STARTED = 'API listen on';
const ENDED = 'dockerd ended with';

/** The path of a program, or null; sbin is looked at too, where the PATH of a user may lack it. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts an engine and waits until it answers. `DOCKER_HOST` names it from then on. */
export async function startEngine(): Promise<Engine> {
  for (const [program, debian] of Object.entries(NEEDED)) {
    if (findProgram(program) === null)
      return { ok: false, reason: `${program} is not installed; install ${debian} to run these` };
  }
  if (process.getuid?.() !== 0)
    return { ok: false, reason: 'dockerd is started by root alone; run these as root' };
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-image-'));
  const child = spawn('sh', [SCRIPT, folder], { detached: true, stdio: ['pipe', 'ignore', 'inherit'] });
  const stop = async (): Promise<void> => {
    const ended = once(child, 'exit');
    child.stdin?.end();
    await ended;
  };
  const last = await lineOfLog(folder, join(folder, 'log'));
  if (last.includes(ENDED)) {
    await stop();
    return { ok: false, reason: `dockerd does not start here: ${causeOf(last)}` };
  }
  process.env.DOCKER_HOST = `unix://${folder}/docker.sock`;
  return { ok: true, folder, stop };
}

/** The whole log as soon as it says that the engine has started, or has not. */
async function lineOfLog(folder: string, file: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const look = (): void => {
    const text = readText(file);
    if (text.includes(STARTED) || text.includes(ENDED)) resolve(text);
  };
  const watcher = watch(folder, look);
  look();
  const text = await promise;
  watcher.close();
  return text;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The last line before the one that tells of the end. */
function causeOf(log: string): string {
  return log.trimEnd().split('\n').at(-2) ?? log;
}

/** Runs a program to its end. */
export async function run(
  program: string,
  words: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  const [code]: (number | null)[] = await once(child, 'close');
  return { code: code ?? null, ...texts };
}

/** Runs `docker` and gives what it prints; throws with the end of its output when it fails. */
export async function docker(...words: readonly string[]): Promise<string> {
  // The classic builder: the other one is a plugin that Debian's package does not have.
  const { code, stdout, stderr } = await run('docker', words, { DOCKER_BUILDKIT: '0' });
  if (code === 0) return stdout.trim();
  const output = `${stdout}${stderr}`.trimEnd().split('\n').slice(-30).join('\n');
  throw new Error(`docker ${words.slice(0, 3).join(' ')} ended with ${code}:\n${output}`);
}

/** All that a container has written. */
export async function logOf(container: string): Promise<string> {
  const { stdout, stderr } = await run('docker', ['logs', container]);
  return stdout + stderr;
}
