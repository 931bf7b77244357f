/** A policy from standard input, for `check -`. */
import { decodeText, LARGEST_FILE, unreadable } from '../policy/reading/read-named-file.ts';
import type { InputStream } from './command.ts';

/** The text, or why there is none, with a stable code as problems have it. */
export type InputText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Reads to the end of the input, or until there is more than a policy may have. Never rejects. */
export async function readInput(stdin: InputStream | undefined): Promise<InputText> {
  if (stdin === undefined) return refused('unreadable_file', 'cannot be read: there is none; name a file');
  let bytes: Buffer;
  try {
    bytes = await readAll(stdin);
  } catch (error) {
    const { code, message } = unreadable(error);
    return refused(code, `${message}; pipe a policy into it, or name a file`);
  }
  if (bytes.length === 0) {
    const message = 'holds nothing; see whether the command before the pipe failed, or name a file';
    return refused('empty_file', message);
  }
  const read = decodeText(bytes);
  if (read.ok) return read;
  const more = read.code === 'too_large' ? ', which no policy may be; see what is piped into it' : '';
  return refused(read.code, `${read.message}${more}`);
}

function refused(code: string, message: string): InputText {
  return { ok: false, code, message: `standard input ${message}` };
}

async function readAll(stdin: InputStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    length += bytes.length;
    if (length > LARGEST_FILE) break;
  }
  return Buffer.concat(chunks);
}
