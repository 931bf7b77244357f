/**
 * Keeps the last good keys of an issuer in a file, so that a restart works while its provider is down. Whoever can
 * write that file can make keys, so it is ours alone: no link, no file of another user or that others may write, none
 * of another issuer or source, none that is too old or from the future is read. Never throws, and never disturbs
 * serving: what cannot be written or read is only told.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises';
import type { IssuerPolicy } from '../policy/sources.ts';
import type { FetchedObject } from './fetch-keys.ts';
import { formatKept, type KeptDocument, type Origin, originOf, parseKept } from './kept-format.ts';

export interface KeptKeysOptions {
  /** Absolute. */
  readonly file: string;
  /** Whose keys these are, and where they come from: a file that says otherwise is not read. */
  readonly origin: Origin;
  /** Bytes of the largest document that is fetched. */
  readonly maxBytes: number;
  /** Milliseconds. */
  readonly maxStale: number;
  /** Milliseconds after which an unchanged document is written again, so that its age stays true. */
  readonly interval: number;
  /** Told why the file could not be written: once for each cause. */
  readonly failed: (cause: string) => void;
}

/** What the file gave. */
export type Recalled =
  | ({ readonly ok: true } & KeptDocument)
  /** A clause without its subject; null when there is no file. */
  | { readonly ok: false; readonly reason: string | null };

export interface KeptKeys {
  /** Writes soon if the document changed or was written an interval ago. One write at a time; of several that wait the last. */
  keep(document: FetchedObject, obtainedAt: number): void;
  /** Reads what an earlier process kept. */
  recall(now: number): Promise<Recalled>;
  /** Resolves when nothing is being written. */
  settled(): Promise<void>;
}

/** Room beside the document itself. */
const BESIDES = 16 * 1024;

/** The file of one issuer; nothing is opened yet. */
export function createKeptKeys(options: KeptKeysOptions): KeptKeys {
  return new KeyFile(options);
}

/** That of an issuer's `cache_file`; null for an issuer without one. */
export function keptKeysOf(
  issuer: Pick<IssuerPolicy, 'name' | 'issuers' | 'tenants' | 'keys' | 'refresh'>,
  failed: (cause: string) => void,
): KeptKeys | null {
  const { cacheFile: file, maxBytes, maxStale, interval } = issuer.refresh;
  if (file === null) return null;
  return createKeptKeys({ file, origin: originOf(issuer), maxBytes, maxStale, interval, failed });
}

class KeyFile implements KeptKeys {
  readonly #options: KeptKeysOptions;
  /** What was written or is being written last. */
  #document = '';
  #writtenAt = Number.NEGATIVE_INFINITY;
  #waiting: string | null = null;
  #writing: Promise<void> | null = null;
  #cause = '';

  constructor(options: KeptKeysOptions) {
    this.#options = options;
  }

  keep(document: FetchedObject, obtainedAt: number): void {
    const text = JSON.stringify(document);
    const since = obtainedAt - this.#writtenAt;
    // A little less than the interval, so that each background refresh counts; a clock that jumped back does too.
    if (text === this.#document && since >= 0 && since < this.#options.interval * 0.8) return;
    this.#document = text;
    this.#writtenAt = obtainedAt;
    this.#waiting = formatKept(this.#options.origin, { document, obtainedAt });
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
  }

  async recall(now: number): Promise<Recalled> {
    const { file, maxBytes, maxStale, origin } = this.#options;
    const read = await readOwn(file, maxBytes * 2 + BESIDES);
    if (!read.ok) return read;
    const parsed = parseKept(read.text, origin);
    if (!parsed.ok) return parsed;
    if (parsed.obtainedAt > now) return { ok: false, reason: 'is from the future; compare the clocks' };
    if (now - parsed.obtainedAt > maxStale) return { ok: false, reason: 'is older than max_stale' };
    return parsed;
  }

  settled(): Promise<void> {
    return this.#writing ?? Promise.resolve();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting !== null) {
      const text = this.#waiting;
      this.#waiting = null;
      const cause = await replaceFile(this.#options.file, text);
      if (cause !== null) {
        // The next good fetch tries again.
        this.#document = '';
        if (cause !== this.#cause) this.#options.failed(cause);
      }
      this.#cause = cause ?? '';
    }
  }
}

/** Writes beside the file and renames over it, so that whoever reads sees the old or the new text whole. Null when it is done. */
async function replaceFile(file: string, text: string): Promise<string | null> {
  // Gateways that share a directory must not write into each other's half-made file.
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  let handle: FileHandle | null = null;
  try {
    if (await isSpecial(file)) return 'cannot be written, since what is there is no regular file';
    handle = await open(temporary, 'wx', 0o600);
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
    return null;
  } catch (error) {
    await handle?.close().catch(() => {});
    if (handle !== null) await unlink(temporary).catch(() => {});
    return `cannot be written (${codeOf(error)})`;
  }
}

/** Whether a device, pipe or socket has that name: renaming over one takes it from everybody else. */
async function isSpecial(file: string): Promise<boolean> {
  try {
    const there = await lstat(file);
    return !there.isFile() && !there.isSymbolicLink() && !there.isDirectory();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

type OwnText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string | null };

/** The text of a regular file that nobody else can have written. All is asked of the opened file, not of its name. */
async function readOwn(file: string, most: number): Promise<OwnText> {
  let handle: FileHandle | null = null;
  try {
    // Without O_NONBLOCK, opening a pipe would wait for somebody to write.
    handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { size, uid, mode } = await handle.stat().then((stats) => {
      return { size: stats.isFile() ? stats.size : -1, uid: stats.uid, mode: stats.mode };
    });
    if (size < 0) return { ok: false, reason: 'is not a regular file' };
    if (uid !== process.geteuid?.()) return { ok: false, reason: 'belongs to another user' };
    if ((mode & 0o022) !== 0)
      return { ok: false, reason: 'may be written by others; it must have mode 0600' };
    if (size > most) return { ok: false, reason: 'is too large' };
    const buffer = Buffer.alloc(size);
    const { bytesRead } = await handle.read(buffer, 0, size, 0);
    return { ok: true, text: buffer.toString('utf8', 0, bytesRead) };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return { ok: false, reason: null };
    return { ok: false, reason: code === 'ELOOP' ? 'is a symbolic link' : `cannot be read (${code})` };
  } finally {
    await handle?.close().catch(() => {});
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
