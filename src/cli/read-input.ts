/** Standard input as a file. */
import { type InputStream, UsageError } from './command.ts';

/** More than any policy has; a pipe that never ends must not fill the memory. */
const LONGEST = 64 * 1024 * 1024;

/** All bytes up to the end of the input. @throws UsageError when there is none, too much, or it cannot be read */
export async function readInput(stdin: InputStream | undefined): Promise<Buffer> {
  if (stdin === undefined) throw new UsageError('there is no standard input; name a file');
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stdin) {
      const bytes = Buffer.from(chunk);
      length += bytes.length;
      if (length > LONGEST) break;
      chunks.push(bytes);
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new UsageError(`standard input cannot be read${code}; name a file`);
  }
  if (length > LONGEST) throw new UsageError(`standard input has more than ${LONGEST} bytes; name a file`);
  return Buffer.concat(chunks);
}
