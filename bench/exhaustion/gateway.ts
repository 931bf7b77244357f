/** The gateway that is attacked: `run` in a process of its own, its log read or not, and watched from outside. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuNanoseconds } from '../measured-process.ts';
import { residentBytes } from '../soak/memory.ts';

export interface AttackedGateway {
  readonly port: number;
  readonly adminPort: number;
  running(): boolean;
  /** Stops and goes on to read its standard output. */
  readLog(reading: boolean): void;
  /** Resident bytes, open descriptors and nanoseconds of CPU so far; null when it is gone. */
  measure(): Measure | null;
  /** Bytes of standard error, which are for failures. */
  complaints(): string;
  stop(): Promise<void>;
}

export interface Measure {
  readonly bytes: number;
  readonly descriptors: number;
  readonly cpu: number;
}

/** How its output begins. */
const LISTENING = /"public":\["127\.0\.0\.1:(\d+)"\],"admin":"127\.0\.0\.1:(\d+)"/;

/** Starts one and waits until it says where it listens. */
export async function startAttacked(program: string, policy: string): Promise<AttackedGateway> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-exhaustion-'));
  const file = join(directory, 'sallyport.yaml');
  writeFileSync(file, policy);
  const child = spawn(process.execPath, [program, 'run', '--config', file], {
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const abandon = (): void => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', abandon);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(0, 10_000);
  });
  const ports = await new Promise<RegExpExecArray>((resolve, reject) => {
    let start = '';
    const read = (chunk: Buffer): void => {
      start += chunk.toString();
      const found = LISTENING.exec(start);
      if (found === null) return;
      child.stdout.off('data', read);
      resolve(found);
    };
    child.stdout.on('data', read);
    void ended.then(() => reject(new Error(`ended before it listened:\n${start}${complaints}`)));
  });
  child.stdout.on('data', () => {}).resume();
  const pid = child.pid ?? 0;
  return {
    port: Number(ports[1]),
    adminPort: Number(ports[2]),
    running: () => child.exitCode === null && child.signalCode === null,
    readLog: (reading) => {
      if (reading) child.stdout.resume();
      else child.stdout.pause();
    },
    measure: () => measure(pid),
    complaints: () => complaints,
    stop: async () => {
      abandon();
      await ended;
      process.off('exit', abandon);
    },
  };
}

/** How many descriptors this process may have, and those that it starts. */
export function descriptorLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'latin1');
  return Number(/Max open files\s+\d+\s+(\d+)/.exec(limits)?.[1] ?? 1024);
}

function measure(pid: number): Measure | null {
  try {
    return {
      bytes: residentBytes(pid),
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      cpu: cpuNanoseconds(pid),
    };
  } catch {
    return null;
  }
}
