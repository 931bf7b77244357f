/**
 * Asks for a password: unseen and twice on a terminal, one line from a pipe. Never from an argument, which every
 * other process can read and the shell remembers.
 */
import { type InputStream, type Streams, UsageError } from './command.ts';

/** Longest line that is read, in characters. */
const LONGEST = 4096;

/** The password as it was typed. Refuses an empty one, and on a terminal two that differ. */
export async function askPassword({ stdin, stderr }: Streams): Promise<string> {
  if (stdin === undefined) throw new UsageError('there is no input to read the password from');
  if (stdin.isTTY !== true) return nonEmpty(await readLine(stdin));
  const lines = new TypedLines(stdin);
  try {
    stderr.write('Password: ');
    const password = nonEmpty(await lines.next());
    stderr.write('\nAgain: ');
    if ((await lines.next()) !== password) throw new UsageError('the two passwords differ');
    return password;
  } finally {
    stderr.write('\n');
    await lines.close();
  }
}

function nonEmpty(password: string): string {
  if (password === '') throw new UsageError('the password is empty; write it on standard input');
  return password;
}

/** All of a pipe, which must be one line: what follows would be cut off without a word. */
async function readLine(stdin: InputStream): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > LONGEST) throw new UsageError(`a password has at most ${LONGEST} bytes`);
    chunks.push(bytes);
  }
  const line = textOf(Buffer.concat(chunks)).replace(/\r?\n$/, '');
  if (/[\r\n]/.test(line)) throw new UsageError('the password must be one line');
  return line;
}

/** What is no UTF-8 would be stored as another password than the one that callers send. */
function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UsageError('the password must be UTF-8');
  }
}

/** Lines typed at a terminal that shows nothing of them. */
class TypedLines {
  readonly #stdin: InputStream;
  readonly #chunks: AsyncIterator<Uint8Array | string>;
  #rest = '';

  constructor(stdin: InputStream) {
    this.#stdin = stdin;
    this.#stdin.setRawMode?.(true);
    this.#chunks = stdin[Symbol.asyncIterator]();
  }

  /** Backspace takes back; Ctrl-C and an end before Return give up. */
  async next(): Promise<string> {
    const typed: string[] = [];
    for (;;) {
      for (const [index, character] of [...this.#rest].entries()) {
        if (character === '\r' || character === '\n') {
          this.#rest = [...this.#rest].slice(index + 1).join('');
          return typed.join('');
        }
        if (character === '\x03' || character === '\x04') throw new UsageError('given up');
        if (character === '\x7f' || character === '\b') typed.pop();
        else typed.push(character);
      }
      const { done, value } = await this.#chunks.next();
      if (done === true || typed.length > LONGEST) throw new UsageError('given up');
      this.#rest = textOf(Buffer.from(value));
    }
  }

  async close(): Promise<void> {
    this.#stdin.setRawMode?.(false);
    await this.#chunks.return?.();
  }
}
