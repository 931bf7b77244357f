/** Where an error of the YAML parser comes from, and what to write instead. */
import { type Document, isCollection, type LineCounter, type ParsedNode, visit } from 'yaml';
import { adviseOnBlock, adviseOnSyntax, plainSyntaxMessage } from './yaml-advice.ts';

/** An error of the parser, at offsets of the text. */
export interface ParserError {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

/** A text as it was parsed. */
export interface ParsedText {
  readonly text: string;
  readonly lines: LineCounter;
  readonly document: Document.Parsed<ParsedNode>;
}

/** An error as it is told. Lines and columns count from 1. */
export interface DescribedError {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** The error spoils its own line only: the rest of the tree means what is written. */
  readonly contained: boolean;
  /** What cannot be told from the error: the entry alone, those beside and below it, or, for an open quote, all behind it. */
  readonly spoils: 'entry' | 'siblings' | 'rest';
}

const OPEN_QUOTE = 'the quote that opens here is not closed on its line; close it';
const TOO_DEEP =
  'is indented further than the key above, which has its value already; indent lines of one level alike';

const MISALIGNED = 'does not line up with the lines above; indent lines of one level alike';

/** @param isFirst whether it is the first error of the text: only that one can be blamed on an open quote */
export function describeError(parsed: ParsedText, error: ParserError, isFirst: boolean): DescribedError {
  const { text, lines } = parsed;
  const quote = isFirst ? openQuote(parsed, error) : null;
  if (quote !== null) return { ...quote, message: OPEN_QUOTE, contained: false, spoils: 'rest' };
  const { line, col: column } = lines.linePos(error.pos[0]);
  const told = { line, column, contained: false, spoils: 'entry' } as const;
  const deeper = error.code === 'BLOCK_AS_IMPLICIT_KEY' ? deeperLine(parsed, line) : null;
  if (deeper !== null) return { ...told, ...deeper, message: TOO_DEEP, spoils: 'siblings' };
  if (isMisaligned(parsed, error)) return { ...told, message: MISALIGNED, spoils: 'siblings' };
  const block = blockBefore(parsed, error);
  if (block !== null) return { ...told, ...block, contained: true };
  const message = plainSyntaxMessage(error.code, error.message, text.charAt(error.pos[0]));
  if (error.code === 'BAD_ALIAS') return { ...told, message };
  const advice = adviseOnSyntax(lineText(text, lines, line));
  const bracket =
    advice === null && /^Flow (?:sequence|map) /.test(error.message) ? openBracket(parsed, error) : null;
  if (bracket !== null) return { ...told, ...bracket };
  return { ...told, message, ...advice };
}

function isMisaligned({ text, lines }: ParsedText, { message, pos }: ParserError): boolean {
  if (/without - indicator|must start at the same column/i.test(message)) return true;
  const { line, col } = lines.linePos(pos[0]);
  const startsLine =
    lineText(text, lines, line)
      .slice(0, col - 1)
      .trim() === '';
  return startsLine && /^Unexpected .* at node end/.test(message);
}

interface Place {
  readonly line: number;
  readonly column: number;
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

/** Where the quote opens that runs over the end of its line and into the error; null when there is none. */
function openQuote({ document, lines }: ParsedText, error: ParserError): Place | null {
  const wrong = lines.linePos(error.pos[0]).line;
  let opening: Place | null = null;
  visit(document, {
    Scalar: (_, { type, range }) => {
      if (!range || (type !== 'QUOTE_DOUBLE' && type !== 'QUOTE_SINGLE')) return;
      const from = placeAt(lines, range[0]);
      const to = lines.linePos(range[1]).line;
      const unclosed = error.code === 'MISSING_CHAR' && range[1] === error.pos[0];
      const runsOn = from.line < to && from.line <= wrong && wrong <= to;
      if (unclosed || runsOn) opening = from;
    },
  });
  return opening;
}

/** Where the block begins that has text on the line of its `|` or `>`; null for other errors. */
function blockBefore(
  { text, lines }: ParsedText,
  { message, pos }: ParserError,
): (Place & { readonly message: string }) | null {
  if (!/^(?:Not a YAML token|Block scalar header)/.test(message)) return null;
  const { line, col } = lines.linePos(pos[0]);
  const begin = /(?<!\S)([|>])[-+\d]*\s*$/.exec(lineText(text, lines, line).slice(0, col - 1));
  return begin && { line, column: begin.index + 1, message: adviseOnBlock(begin[1] ?? '') };
}

/** The innermost `[` or `{` before the error that has no end. */
function openBracket(
  { text, lines, document }: ParsedText,
  error: ParserError,
): (Place & { readonly message: string }) | null {
  let start = -1;
  visit(document, {
    Node: (_, node) => {
      if (!isCollection(node) || node.flow !== true || !node.range) return;
      const [from, to] = node.range;
      const end = text[from] === '[' ? ']' : '}';
      if (from < error.pos[0] && from > start && text[to - 1] !== end) start = from;
    },
  });
  if (start < 0) return null;
  const end = text[start] === '[' ? ']' : '}';
  const message = `the ${text[start]} that opens here is not closed; write ${end} at its end`;
  return { ...placeAt(lines, start), message };
}

/** The line below, when it is a key that stands deeper than this one. */
function deeperLine({ text, lines }: ParsedText, line: number): Place | null {
  const indent = (shown: string) => shown.search(/[^\s-]/);
  const below = lineText(text, lines, line + 1);
  const column = indent(below);
  if (column <= indent(lineText(text, lines, line)) || !/^[\s-]*[\w-]+:(\s|$)/.test(below)) return null;
  return { line: line + 1, column: column + 1 };
}

function lineText(text: string, lines: LineCounter, line: number): string {
  const start = lines.lineStarts[line - 1] ?? 0;
  const end = lines.lineStarts[line] ?? text.length;
  return text.slice(start, end).trimEnd();
}
