/** Records a failure of our own. The message of a foreign error may quote what it choked on, so only its kind and place are kept. */
import type { Log } from '../deps.ts';

/** Logs the class of an error and where it was thrown; never its message. */
export function internalFailure(log: Log, requestId: string, error: unknown): void {
  log.error({ request_id: requestId, failure: errorKind(error), at: framesOf(error) }, 'internal failure');
}

/** Name and code of an error, such as `TypeError` or `Error ECONNRESET`. */
export function errorKind(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : '';
  return `${error.name}${code}`;
}

/** The innermost stack frames without the message above them. */
export function framesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const lines = (error.stack ?? '').split('\n').map((line) => line.trim());
  return lines.filter((line) => line.startsWith('at ')).slice(0, 6);
}
