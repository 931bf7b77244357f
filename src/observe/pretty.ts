/** Writes log lines for people (`log.format: pretty`): time, level, message, then name=value. */
import { visibleText } from './visible-text.ts';

/** What pino writes to and what we pass on to. */
interface LineSink {
  write(line: string): unknown;
}

/** Wraps a destination; a line that is not JSON passes unchanged. */
export function prettyStream(destination: LineSink): LineSink {
  return {
    write(line: string) {
      destination.write(prettyLine(line));
      return true;
    },
  };
}

/** One JSON log line as text for people. Values stay JSON, so that no control character can act on a terminal. */
export function prettyLine(line: string): string {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line);
  } catch {
    return line;
  }
  const { level, time, msg, ...rest } = fields;
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  const shown = Object.entries(rest).map(([name, value]) => `${name}=${showValue(value)}`);
  return `${clock} ${String(level).toUpperCase().padEnd(5)} ${visibleText(String(msg))}${shown.length > 0 ? `  ${shown.join(' ')}` : ''}\n`;
}

function showValue(value: unknown): string {
  const text = visibleText(JSON.stringify(value) ?? 'null');
  return /^"[A-Za-z0-9._:/@-]+"$/.test(text) ? text.slice(1, -1) : text;
}
