/**
 * Tells when the content of any file that a policy was made from has changed. It compares content, never
 * times or names, so that a Kubernetes `..data` swap, an editor's rename and a slow network disk all count
 * once, and a touched but equal file not at all. It loads nothing itself.
 */
import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { startInterval, startTimer, stopTimer } from '../timers.ts';

/** Absolute file name to `fingerprintOf` its bytes as read; `''` for a file that could not be read. */
export type Fingerprints = ReadonlyMap<string, string>;

/** Milliseconds. */
export interface WatchTiming {
  /** Quiet time after the last event before files are read. Default 250. */
  readonly settle?: number;
  /** How often files are compared without any event: the net under `fs.watch`. Default 10000. */
  readonly poll?: number;
}

/** A running watch. */
export interface FileWatch {
  /** Watches these files instead, from this content on; what changed since is told at the next comparison. */
  follow(fingerprints: Fingerprints): void;
  /** Ends every watcher and timer; no call comes after it. */
  close(): void;
}

/**
 * Watches files and calls `onChange` once for each new content, some 250 ms after the last event.
 * A file that disappears counts as changed, and so does one that appears. Never throws: where the system
 * cannot watch a directory (too many watches, a removed directory), the poll finds the change.
 * Neither the watchers nor the timers keep the process alive.
 */
export function watchFiles(
  fingerprints: Fingerprints,
  onChange: () => void,
  timing: WatchTiming = {},
): FileWatch {
  const watching = new FileComparison(fingerprints, onChange, timing);
  watching.start();
  return watching;
}

/** SHA-256 of a file's bytes, in hex. */
export function fingerprintOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

class FileComparison implements FileWatch {
  readonly #onChange: () => void;
  readonly #settle: number;
  readonly #poll: NodeJS.Timeout;
  readonly #directories = new Map<string, FSWatcher>();
  #known: Fingerprints;
  #settling: NodeJS.Timeout | null = null;
  #comparing = false;
  #again = false;
  #closed = false;

  constructor(fingerprints: Fingerprints, onChange: () => void, timing: WatchTiming) {
    this.#known = fingerprints;
    this.#onChange = onChange;
    this.#settle = timing.settle ?? 250;
    this.#poll = startInterval(() => this.#compareSoon(0), timing.poll ?? 10_000).unref();
  }

  start(): void {
    this.#watchDirectories(new Set([...this.#known.keys()].map((file) => dirname(file))));
    // The first comparison finds what changed between reading the policy and watching it.
    this.#compareSoon(this.#settle);
  }

  follow(fingerprints: Fingerprints): void {
    if (this.#closed) return;
    this.#known = fingerprints;
    this.start();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    stopTimer(this.#settling);
    for (const watcher of this.#directories.values()) watcher.close();
    this.#directories.clear();
  }

  #compareSoon(delay: number): void {
    if (this.#closed) return;
    stopTimer(this.#settling);
    this.#settling = startTimer(() => void this.#compare(), delay);
    this.#settling?.unref();
  }

  async #compare(): Promise<void> {
    if (this.#comparing) {
      this.#again = true;
      return;
    }
    this.#comparing = true;
    const known = this.#known;
    const current = new Map(await Promise.all([...known.keys()].map(fingerprintNow)));
    const directories = await Promise.all([...known.keys()].map(directoriesOf));
    this.#comparing = false;
    if (this.#closed) return;
    // A policy taken over meanwhile has its own comparison to come; this one would judge it by old content.
    if (known === this.#known) this.#report(current, new Set(directories.flat()));
    if (!this.#again) return;
    this.#again = false;
    this.#compareSoon(0);
  }

  #report(current: Fingerprints, directories: ReadonlySet<string>): void {
    this.#watchDirectories(directories);
    const changed = [...current].some(([file, print]) => this.#known.get(file) !== print);
    if (!changed) return;
    this.#known = current;
    this.#onChange();
  }

  #watchDirectories(wanted: ReadonlySet<string>): void {
    for (const [directory, watcher] of this.#directories) {
      if (!wanted.has(directory)) this.#forget(directory, watcher);
    }
    for (const directory of wanted) {
      if (!this.#directories.has(directory)) this.#watchDirectory(directory);
    }
  }

  #watchDirectory(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#compareSoon(this.#settle));
      // Without a listener an error event (the directory was removed) would end the process.
      watcher.on('error', () => this.#forget(directory, watcher));
      this.#directories.set(directory, watcher);
    } catch {
      // ENOENT, EMFILE, ENOSPC: the poll compares anyway and tries to watch again.
    }
  }

  #forget(directory: string, watcher: FSWatcher): void {
    watcher.close();
    if (this.#directories.get(directory) === watcher) this.#directories.delete(directory);
  }
}

async function fingerprintNow(file: string): Promise<[string, string]> {
  try {
    return [file, fingerprintOf(await readFile(file))];
  } catch {
    return [file, ''];
  }
}

/** The directory that names the file, and the one that holds it where the name is a link. */
async function directoriesOf(file: string): Promise<string[]> {
  try {
    return [dirname(file), dirname(await realpath(file))];
  } catch {
    return [dirname(file)];
  }
}
