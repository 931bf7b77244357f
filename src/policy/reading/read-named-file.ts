/** Reads the policy file and the files that it names: bounded, strict UTF-8, each once. */
import { dirname, isAbsolute, join, resolve } from 'node:path';

/** In bytes, of a policy and of each file that it names. */
export const LARGEST_FILE = 10 * 1024 * 1024;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export type FileText =
  /** `marked`: a byte order mark stood before the text. */
  | { readonly ok: true; readonly text: string; readonly marked: boolean }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly missing: boolean };

/** Text of a file, without a byte order mark; else why there is none, in words that repeat nothing of the file. */
export function readText(path: string, readFile: (path: string) => string | Buffer): FileText {
  let content: string | Buffer;
  try {
    content = readFile(path);
  } catch (error) {
    return unreadable(error);
  }
  return decodeText(content);
}

/** The same, for content that is at hand. */
export function decodeText(content: string | Buffer): FileText {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  if (bytes.length > LARGEST_FILE) {
    return { ok: false, code: 'too_large', message: 'is larger than 10 MiB', missing: false };
  }
  try {
    const marked = bytes.subarray(0, 3).equals(BYTE_ORDER_MARK);
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), marked };
  } catch {
    return { ok: false, code: 'not_utf8', message: 'is not UTF-8; save it as UTF-8', missing: false };
  }
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EISDIR: 'it is a directory',
};

/** The failure of a read, in words that repeat nothing of the file. */
export function unreadable(error: unknown): Extract<FileText, { ok: false }> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  const message = `cannot be read: ${CAUSES[code] ?? code}`;
  return { ok: false, code: 'unreadable_file', message, missing: code === 'ENOENT' || code === 'ENOTDIR' };
}

/** A file that `policyFile` names: as to be called in problems, and absolute. */
export function namedFile(
  policyFile: string,
  name: string,
): { readonly shown: string; readonly path: string } {
  const shown = isAbsolute(name) ? name : join(dirname(policyFile), name);
  return { shown, path: resolve(shown) };
}
