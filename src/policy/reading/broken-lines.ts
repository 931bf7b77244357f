/** The lines that the YAML parser could not read: each is told once, with a path when one is met on it. */
import type { LineCounter } from 'yaml';
import type { ConfigurationPath, Position, ProblemList } from '../problem.ts';
import { adviseOnSyntax, plainSyntaxMessage } from './yaml-advice.ts';

/** An error of the parser, at offsets of the text. */
export interface ParserError {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

/** Errors that mean the same wherever they come; all others may be echoes of the first one. */
const SELF_CONTAINED: ReadonlySet<string> = new Set([
  'BAD_DQ_ESCAPE',
  'BAD_SCALAR_START',
  'MULTIPLE_DOCS',
  'TAB_AS_INDENT',
]);

/** The broken lines of one text. */
export class BrokenLines {
  readonly #text: string;
  readonly #lines: LineCounter;
  readonly #options: { readonly file: string; readonly problems: ProblemList };
  /** By line; the message is null once it has been told. */
  readonly #broken = new Map<number, { readonly at: Position; message: string | null }>();

  constructor(text: string, lines: LineCounter, options: { file: string; problems: ProblemList }) {
    this.#text = text;
    this.#lines = lines;
    this.#options = options;
  }

  /** Keeps one error for each line, without echoes; false, and all told, when the rest of the tree cannot be trusted. */
  take(errors: readonly ParserError[]): boolean {
    let trusted = true;
    let echoing = false;
    for (const error of errors) {
      const { line, col } = this.#lines.linePos(error.pos[0]);
      if (this.#broken.has(line) || (echoing && !SELF_CONTAINED.has(error.code))) continue;
      const advice = adviseOnSyntax(this.#lineText(line));
      const contained = advice?.contained ?? false;
      trusted &&= contained;
      echoing ||= !contained && !SELF_CONTAINED.has(error.code);
      const message = advice?.message ?? plainSyntaxMessage(error.code, error.message);
      this.#broken.set(line, { at: { file: this.#options.file, line, column: col }, message });
    }
    if (!trusted) this.tellAll();
    return trusted;
  }

  /** Whether what the parser made of this line means nothing. */
  has(line: number): boolean {
    return this.#broken.has(line);
  }

  tell(line: number, path: ConfigurationPath): void {
    const broken = this.#broken.get(line);
    if (broken === undefined || broken.message === null) return;
    const { at, message } = broken;
    this.#options.problems.reportAt(at, { path, code: 'yaml_syntax', message });
    broken.message = null;
  }

  tellAll(): void {
    for (const line of this.#broken.keys()) this.tell(line, []);
  }

  #lineText(line: number): string {
    const start = this.#lines.lineStarts[line - 1] ?? 0;
    const end = this.#lines.lineStarts[line] ?? this.#text.length;
    return this.#text.slice(start, end).trimEnd();
  }
}
