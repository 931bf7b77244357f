/** Processes of the comparison: pinned to a core where that is possible, their output drained, their CPU time read. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface MeasuredProcess {
  readonly pid: number;
  readonly port: number;
  /** Lines of standard output so far; the bytes are thrown away. */
  lines(): number;
  stop(): Promise<void>;
}

export interface ProcessOptions {
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The core to run on, or null for any. */
  readonly core: number | null;
  /** Finds the port in the first output. */
  readonly port: RegExp;
}

const LINE_FEED = 0x0a;

/** Starts a process and waits until it says where it listens. */
export async function startMeasured(options: ProcessOptions): Promise<MeasuredProcess> {
  const [program = process.execPath, ...args] = pinned(options.command, options.core);
  const child = spawn(program, args, {
    env: { ...process.env, NODE_ENV: 'production', ...options.environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  // Whatever ends us must not leave it behind.
  const abandon = (): void => void child.kill('SIGKILL');
  process.once('exit', abandon);
  child.once('exit', () => process.off('exit', abandon));
  const counter = countLines(child);
  const port = await counter.find(options.port);
  return {
    // taskset replaces itself by the program, so that the process id stays.
    pid: child.pid ?? 0,
    port,
    lines: counter.lines,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs a program to its end and gives back its standard output. */
export async function runPinned(command: readonly string[], core: number | null): Promise<string> {
  const [program = '', ...args] = pinned(command, core);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}`);
  return text;
}

/** Nanoseconds that all threads of a process have run, since it began (Linux). */
export function cpuNanoseconds(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0]);
  }
  return sum;
}

/** Is a program to be had here? */
export function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Moves this very process to a core, so that draining the logs costs the contenders nothing. */
export function pinSelf(core: number | null): void {
  if (core === null) return;
  execFileSync('taskset', ['-a', '-p', '-c', String(core), String(process.pid)], { stdio: 'ignore' });
}

function pinned(command: readonly string[], core: number | null): readonly string[] {
  return core === null ? command : ['taskset', '-c', String(core), ...command];
}

function countLines(child: ChildProcess): { lines(): number; find(pattern: RegExp): Promise<number> } {
  let lines = 0;
  let start = '';
  let found: ((port: number) => void) | null = null;
  let pattern: RegExp | null = null;
  child.stdout?.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) lines += 1;
    if (found === null || pattern === null) return;
    start += chunk.toString();
    const port = pattern.exec(start)?.[1];
    if (port === undefined) return;
    found(Number(port));
    found = null;
  });
  return {
    lines: () => lines,
    find: (wanted) =>
      new Promise((resolve, reject) => {
        pattern = wanted;
        found = resolve;
        child.once('exit', (code) => reject(new Error(`ended with ${code} before it listened:\n${start}`)));
      }),
  };
}
