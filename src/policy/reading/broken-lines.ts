/** The lines that the YAML parser could not read: each is told once, with a path when one is met on it. */
import { type Document, type LineCounter, type ParsedNode, visit } from 'yaml';
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
  'BAD_ALIAS',
  'BAD_DQ_ESCAPE',
  'BAD_SCALAR_START',
  'MULTIPLE_DOCS',
  'TAB_AS_INDENT',
]);

interface DescribedError {
  readonly at: Position;
  readonly message: string;
  readonly contained: boolean;
}

const OPEN_QUOTE = 'the quote that opens here is not closed on its line; close it';
const TOO_DEEP =
  'is indented further than the key above, which has its value already; indent lines of one level alike';

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
  take(document: Document.Parsed<ParsedNode>): boolean {
    const errors: readonly ParserError[] = document.errors;
    const quote = errors[0] === undefined ? null : this.#openQuote(document, errors[0]);
    if (quote !== null) {
      this.#options.problems.reportAt(quote, { path: [], code: 'yaml_syntax', message: OPEN_QUOTE });
      return false;
    }
    let trusted = true;
    let echoing = false;
    for (const error of errors) {
      const { line, col } = this.#lines.linePos(error.pos[0]);
      if (this.#broken.has(line) || (echoing && !SELF_CONTAINED.has(error.code))) continue;
      const { contained, ...told } = this.#describe(error, { line, column: col });
      trusted &&= contained;
      echoing ||= !contained && !SELF_CONTAINED.has(error.code);
      this.#broken.set(line, told);
    }
    if (!trusted) this.tellAll();
    return trusted;
  }

  #describe(error: ParserError, { line, column }: { line: number; column: number }): DescribedError {
    const { file } = this.#options;
    const deeper = error.code === 'BLOCK_AS_IMPLICIT_KEY' ? this.#deeperLine(line) : null;
    if (deeper !== null) return { at: { file, ...deeper }, message: TOO_DEEP, contained: false };
    const at = { file, line, column };
    const plain = plainSyntaxMessage(error.code, error.message);
    if (error.code === 'BAD_ALIAS') return { at, message: plain, contained: false };
    return { at, ...(adviseOnSyntax(this.#lineText(line)) ?? { message: plain, contained: false }) };
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

  /** Where the quote opens that runs over the end of its line and into the error; null when there is none. */
  #openQuote(document: Document.Parsed<ParsedNode>, error: ParserError): Position | null {
    const wrong = this.#lines.linePos(error.pos[0]).line;
    let opening: Position | null = null;
    visit(document, {
      Scalar: (_, { type, range }) => {
        if (!range || (type !== 'QUOTE_DOUBLE' && type !== 'QUOTE_SINGLE')) return;
        const from = this.#lines.linePos(range[0]);
        const to = this.#lines.linePos(range[1]).line;
        const unclosed = error.code === 'MISSING_CHAR' && range[1] === error.pos[0];
        const runsOn = from.line < to && from.line <= wrong && wrong <= to;
        if (unclosed || runsOn) opening = { file: this.#options.file, line: from.line, column: from.col };
      },
    });
    return opening;
  }

  /** The line below, when it is a key that stands deeper than this one. */
  #deeperLine(line: number): { line: number; column: number } | null {
    const indent = (text: string) => text.search(/[^\s-]/);
    const below = this.#lineText(line + 1);
    const column = indent(below);
    if (column <= indent(this.#lineText(line)) || !/^[\s-]*[\w-]+:(\s|$)/.test(below)) return null;
    return { line: line + 1, column: column + 1 };
  }

  #lineText(line: number): string {
    const start = this.#lines.lineStarts[line - 1] ?? 0;
    const end = this.#lines.lineStarts[line] ?? this.#text.length;
    return this.#text.slice(start, end).trimEnd();
  }
}
