/** Text for terminals: colours only where they are wanted (NO_COLOR, FORCE_COLOR, TERM=dumb, not a terminal). */
import type { Environment, OutputStream } from './command.ts';

/** Marks text up for one stream; every function returns its text unchanged where colours are off. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/**
 * Makes the marks for one stream. NO_COLOR wins over FORCE_COLOR, as no-color.org asks for; both count
 * only when they are not empty.
 */
export function paintFor(stream: OutputStream, environment: Environment): Paint {
  const mark = wantsColor(stream, environment)
    ? (open: number, close: number) => (text: string) => `\u001b[${open}m${text}\u001b[${close}m`
    : () => (text: string) => text;
  return {
    bold: mark(1, 22),
    dim: mark(2, 22),
    red: mark(31, 39),
    green: mark(32, 39),
    yellow: mark(33, 39),
    cyan: mark(36, 39),
  };
}

function wantsColor(stream: OutputStream, environment: Environment): boolean {
  if ((environment.NO_COLOR ?? '') !== '') return false;
  if ((environment.FORCE_COLOR ?? '') !== '') return environment.FORCE_COLOR !== '0';
  return stream.isTTY === true && environment.TERM !== 'dumb';
}

/**
 * Text of others (a file's keys, an argument) as one harmless line: control characters, which could move
 * the cursor or recolour a terminal, become `\xNN` or `\u{NNNN}`.
 */
export function plainText(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
